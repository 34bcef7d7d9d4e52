#include "index/bundle/signature.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "index/bundle/document.h"
#include "index/bundle/files.h"
#include "index/bundle/layout.h"
#include "index/bundle/problems.h"
#include "index/bundle/proto_reader.h"
#include "index/bundle/signing.h"
#include "index/digest.h"
#include "index/errors.h"
#include "index/string_view.h"
#include "nlohmann/json.hpp"
#include "openssl/bio.h"
#include "openssl/evp.h"
#include "openssl/pem.h"

namespace pointsman::bundle {
namespace {

constexpr int64_t kMostSignatureFileBytes = 64 << 10;
constexpr size_t kHexSha256 = 64;
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kBeginPublicKey = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEndPublicKey = "-----END PUBLIC KEY-----";

struct FreeOpenSsl {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
template <typename T>
using OpenSslPointer = std::unique_ptr<T, FreeOpenSsl>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool IsName(std::string_view name) {
  return name.size() <= TrustedKeys::kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The raw bytes of the Ed25519 key in one PEM block; empty if it holds none.
std::string PublicKeyOf(std::string_view pem) {
  const OpenSslPointer<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return {};
  const OpenSslPointer<EVP_PKEY> key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) return {};
  std::string raw(kPublicKeyBytes, '\0');
  size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) !=
          1 ||
      size != raw.size()) {
    return {};
  }
  return raw;
}

bool Verifies(const TrustedKey& key, std::string_view message, std::string_view signature) {
  const OpenSslPointer<EVP_PKEY> pkey(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, Bytes(key.public_key), key.public_key.size()));
  const OpenSslPointer<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return pkey != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

// Reads a file of trusted keys line by line.
class TrustedKeysParser {
 public:
  explicit TrustedKeysParser(std::string_view file) : file_(file) {}

  absl::Status Line(std::string_view line) {
    ++line_;
    if (!block_.empty()) return InBlock(line);
    if (line.empty()) return absl::OkStatus();
    if (line.front() == '#') {
      name_ = std::string(ToStd(absl::StripAsciiWhitespace(ToAbsl(line.substr(1)))));
      name_line_ = line_;
      return absl::OkStatus();
    }
    if (line != kBeginPublicKey) {
      return Error(line_, line.starts_with(kBegin)
                              ? "only PUBLIC KEY blocks belong here; another block starts"
                              : "must be a PUBLIC KEY block, a comment or blank");
    }
    block_line_ = line_;
    Append(line);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<TrustedKey>> Finish() && {
    if (!block_.empty()) return Error(block_line_, "the PUBLIC KEY block does not end");
    if (keys_.empty()) return Error(0, "holds no PUBLIC KEY block");
    return std::move(keys_);
  }

 private:
  void Append(std::string_view line) { absl::StrAppend(&block_, ToAbsl(line), "\n"); }

  absl::Status InBlock(std::string_view line) {
    Append(line);
    if (line != kEndPublicKey) return absl::OkStatus();
    TrustedKey key;
    key.public_key = PublicKeyOf(block_);
    if (key.public_key.empty()) return Error(block_line_, "is no Ed25519 public key");
    key.id = KeyId(key.public_key);
    if (!IsName(name_)) {
      return Error(name_line_,
                   absl::StrCat("the name of a key must be at most ", TrustedKeys::kLongestName,
                                " printable ASCII characters"));
    }
    key.name = name_.empty() ? key.id : name_;
    for (const TrustedKey& other : keys_) {
      if (other.id == key.id) {
        return Error(block_line_, absl::StrCat("the same key as ", Quoted(other.name)));
      }
      if (other.name == key.name) {
        return Error(name_line_, absl::StrCat("a second key with the name ", Quoted(key.name)));
      }
    }
    if (keys_.size() == TrustedKeys::kMostKeys) {
      return Error(block_line_,
                   absl::StrCat("must hold at most ", TrustedKeys::kMostKeys, " keys"));
    }
    keys_.push_back(std::move(key));
    name_.clear();
    block_.clear();
    return absl::OkStatus();
  }

  absl::Status Error(int line, const std::string& problem) const {
    return absl::InvalidArgumentError(line > 0
                                          ? absl::StrCat(ToAbsl(file_), ":", line, ": ", problem)
                                          : absl::StrCat(ToAbsl(file_), ": ", problem));
  }

  const std::string_view file_;
  int line_ = 0;
  std::string name_;
  int name_line_ = 0;
  std::string block_;
  int block_line_ = 0;
  std::vector<TrustedKey> keys_;
};

// What is wrong with a parsed set; empty if nothing.
std::string ProblemOf(const v1::SignatureSet& set) {
  if (set.signatures_size() < 1 || set.signatures_size() > kMostSignatures) {
    return absl::StrCat("signatures: must be 1 to ", kMostSignatures, ", are ",
                        set.signatures_size());
  }
  for (int i = 0; i < set.signatures_size(); ++i) {
    const v1::BundleSignature& one = set.signatures(i);
    const std::string field = absl::StrCat("signatures[", i, "].");
    if (!IsHex(one.key_id(), kHexSha256)) {
      return absl::StrCat(field, "key_id: must be ", kHexSha256, " lower-case hex digits, is ",
                          Quoted(one.key_id()));
    }
    if (!IsHex(one.signature(), 2 * kSignatureBytes)) {
      return absl::StrCat(field, "signature: must be ", 2 * kSignatureBytes,
                          " lower-case hex digits, is ", Quoted(one.signature()));
    }
    if (!IsName(one.name())) {
      return absl::StrCat(field, "name: must be at most ", TrustedKeys::kLongestName,
                          " printable ASCII characters, is ", Quoted(one.name()));
    }
    if (i > 0 && set.signatures(i - 1).key_id() >= one.key_id()) {
      return absl::StrCat(field, "key_id: must be above the one before, is ", Quoted(one.key_id()));
    }
  }
  return {};
}

}  // namespace

std::string SignedMessage(std::string_view digest) {
  return absl::StrCat("pointsman bundle signature v1\n", ToAbsl(digest));
}

std::string KeyId(std::string_view public_key) { return Sha256(public_key); }

absl::StatusOr<TrustedKeys> TrustedKeys::Read(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, path, kMostFileBytes);
  if (!text.ok()) return text.status();
  return Parse(*text, path);
}

absl::StatusOr<TrustedKeys> TrustedKeys::Parse(std::string_view text, std::string_view file) {
  if (text.size() > static_cast<size_t>(kMostFileBytes)) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(file), ": must be at most ",
                                                   kMostFileBytes, " bytes, is ", text.size()));
  }
  TrustedKeysParser parser(file);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::Status status =
        parser.Line(ToStd(absl::StripTrailingAsciiWhitespace(ToAbsl(text.substr(0, end)))));
    if (!status.ok()) return status;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  absl::StatusOr<std::vector<TrustedKey>> keys = std::move(parser).Finish();
  if (!keys.ok()) return keys.status();
  TrustedKeys trusted;
  trusted.keys_ = *std::move(keys);
  return trusted;
}

const TrustedKey* TrustedKeys::Find(std::string_view id) const {
  const auto it = std::find_if(keys_.begin(), keys_.end(),
                               [id](const TrustedKey& key) { return key.id == id; });
  return it == keys_.end() ? nullptr : &*it;
}

absl::StatusOr<v1::SignatureSet> ReadSignatures(const std::string& directory) {
  const absl::StatusOr<std::string> json = ReadFile(
      std::filesystem::path(directory) / kSignatureFile, kSignatureFile, kMostSignatureFileBytes);
  if (absl::IsNotFound(json.status())) return json.status();
  if (!json.ok()) return absl::DataLossError(json.status().message());
  return ParseSignatures(*json);
}

absl::StatusOr<v1::SignatureSet> ParseSignatures(std::string_view json) {
  if (json.size() > static_cast<size_t>(kMostSignatureFileBytes)) {
    return absl::DataLossError(absl::StrCat(kSignatureFile, ": must be at most ",
                                            kMostSignatureFileBytes, " bytes, is ", json.size()));
  }
  Problems problems;
  Reporter reporter(kSignatureFile, 0, &problems);
  TreeNode node;
  v1::SignatureSet set;
  const Path root;
  if (ParseJson(json, 0, &reporter, &node)) ReadMessage(node, root, &set, &reporter);
  if (!problems.empty()) return absl::DataLossError(problems.ToStatus().message());
  const std::string problem = ProblemOf(set);
  if (!problem.empty()) return absl::DataLossError(absl::StrCat(kSignatureFile, ": ", problem));
  return set;
}

std::string FormatSignatures(const v1::SignatureSet& signatures) {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const v1::BundleSignature& one : signatures.signatures()) {
    Json json = {{"key_id", one.key_id()}};
    if (!one.name().empty()) json["name"] = one.name();
    json["signature"] = one.signature();
    list.push_back(std::move(json));
  }
  return Json({{"signatures", std::move(list)}}).dump(2) + "\n";
}

absl::StatusOr<std::string> VerifySignatures(const v1::SignatureSet& signatures,
                                             std::string_view digest, const TrustedKeys& trusted) {
  const std::string message = SignedMessage(digest);
  std::vector<std::string_view> unknown;
  const TrustedKey* failed = nullptr;
  for (const v1::BundleSignature& one : signatures.signatures()) {
    const TrustedKey* key = trusted.Find(one.key_id());
    if (key == nullptr) {
      unknown.push_back(one.key_id());
    } else if (Verifies(*key, message, absl::HexStringToBytes(one.signature()))) {
      return key->name;
    } else {
      failed = key;
    }
  }
  if (failed != nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat(kSignatureFile, ": the signature of trusted key ", Quoted(failed->name), " (",
                     failed->id, ") does not verify for digest ", ToAbsl(digest)));
  }
  return absl::PermissionDeniedError(
      absl::StrCat(kSignatureFile, ": no signature is of one of the ", trusted.keys().size(),
                   " trusted keys; key ids that signed: ", KnownNames(unknown)));
}

absl::StatusOr<std::string> RequireSignature(const std::string& directory, std::string_view digest,
                                             const TrustedKeys& trusted) {
  const absl::StatusOr<v1::SignatureSet> signatures = ReadSignatures(directory);
  if (absl::IsNotFound(signatures.status())) {
    return absl::PermissionDeniedError(
        absl::StrCat(kSignatureFile, ": is missing; a signature of a trusted key is demanded"));
  }
  if (!signatures.ok()) return absl::PermissionDeniedError(signatures.status().message());
  return VerifySignatures(*signatures, digest, trusted);
}

}  // namespace pointsman::bundle

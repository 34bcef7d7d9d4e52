#include "index/bundle/signing.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "index/bundle/files.h"
#include "index/bundle/layout.h"
#include "index/bundle/signature.h"
#include "index/string_view.h"
#include "openssl/bio.h"
#include "openssl/crypto.h"
#include "openssl/evp.h"
#include "openssl/pem.h"

namespace pointsman::bundle {
namespace {

constexpr int64_t kMostKeyFileBytes = 16 << 10;
// Readers take a name that starts with ".." for one of the file system's, not of the bundle.
constexpr char kNewSignatureFile[] = "..signature.json.new";

// In place of OpenSSL's own, which would ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

// Puts `text` in the place of `signature.json`, whole or not at all.
absl::Status Replace(const std::string& directory, std::string_view text) {
  const std::string fresh = directory + "/" + kNewSignatureFile;
  unlink(fresh.c_str());  // of a signer that was killed
  absl::Status status = WriteNewFile(fresh, text);
  if (status.ok() && rename(fresh.c_str(), (directory + "/" + kSignatureFile).c_str()) != 0) {
    status = absl::ErrnoToStatus(errno, absl::StrCat("cannot rename ", fresh));
  }
  if (!status.ok()) {
    unlink(fresh.c_str());
    return status;
  }
  return SyncDirectory(directory);
}

}  // namespace

void SigningKey::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

absl::StatusOr<SigningKey> SigningKey::Read(const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path, path, kMostKeyFileBytes);
  if (!pem.ok()) return pem.status();
  SigningKey result;
  {
    BIO* bio = BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size()));
    result.key_.reset(PEM_read_bio_PrivateKey(bio, nullptr, NoPassphrase, nullptr));
    BIO_free(bio);
  }
  OPENSSL_cleanse(pem->data(), pem->size());
  if (result.key_ == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": must be an unencrypted PKCS#8 `PRIVATE KEY` block in PEM; cannot be read as one"));
  }
  std::array<unsigned char, kPublicKeyBytes> raw;
  size_t size = raw.size();
  if (EVP_PKEY_id(result.key_.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(result.key_.get(), raw.data(), &size) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": must be an Ed25519 key; is one of another kind"));
  }
  result.id_ = KeyId({reinterpret_cast<const char*>(raw.data()), size});
  struct stat info;
  result.readable_by_others_ =
      stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
  return result;
}

absl::StatusOr<std::string> SigningKey::Sign(std::string_view digest) const {
  const std::string message = SignedMessage(digest);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool signed_well =
      context != nullptr &&
      EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!signed_well || size != signature.size()) {
    return absl::InternalError(absl::StrCat("OpenSSL cannot sign with key ", id_));
  }
  return absl::BytesToHexString(signature);
}

absl::StatusOr<v1::SignatureSet> AddSignature(const std::string& directory, std::string_view digest,
                                              const SigningKey& key, std::string_view name) {
  if (name.size() > TrustedKeys::kLongestName ||
      !std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c <= 0x7E; })) {
    return absl::InvalidArgumentError(absl::StrCat("the name of a key must be at most ",
                                                   TrustedKeys::kLongestName,
                                                   " printable ASCII characters"));
  }
  const FileDescriptor lock(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.is_open() || flock(lock.get(), LOCK_EX) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", directory));
  }
  absl::StatusOr<v1::SignatureSet> present = ReadSignatures(directory);
  if (!present.ok() && !absl::IsNotFound(present.status())) {
    return absl::Status(present.status().code(),
                        absl::StrCat(directory, "/", present.status().message(),
                                     "; remove the file to sign afresh"));
  }
  v1::SignatureSet set = present.ok() ? *std::move(present) : v1::SignatureSet();
  auto& list = *set.mutable_signatures();
  v1::BundleSignature* mine = nullptr;
  for (v1::BundleSignature& one : list) {
    if (one.key_id() == key.id()) mine = &one;
  }
  if (mine == nullptr && list.size() == kMostSignatures) {
    return absl::ResourceExhaustedError(absl::StrCat(
        directory, "/", kSignatureFile, ": must hold at most ", kMostSignatures, " signatures"));
  }
  if (mine == nullptr) mine = list.Add();
  absl::StatusOr<std::string> signature = key.Sign(digest);
  if (!signature.ok()) return signature.status();
  mine->set_key_id(key.id());
  mine->set_name(name.data(), name.size());
  mine->set_signature(*std::move(signature));
  std::sort(list.begin(), list.end(),
            [](const v1::BundleSignature& a, const v1::BundleSignature& b) {
              return a.key_id() < b.key_id();
            });
  const absl::Status status = Replace(directory, FormatSignatures(set));
  if (!status.ok()) return status;
  return set;
}

}  // namespace pointsman::bundle

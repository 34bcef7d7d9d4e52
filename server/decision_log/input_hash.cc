#include "server/decision_log/input_hash.h"

#include <openssl/rand.h>
#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decision_log/small_file.h"
#include "server/log.h"

namespace pointsman::server {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Started again for each hash: OpenSSL then allocates nothing.
EVP_MD_CTX* ThreadContext() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context.get();
}

void Update(EVP_MD_CTX* context, std::string_view bytes) {
  EVP_DigestUpdate(context, bytes.data(), bytes.size());
}

void UpdateNumber(EVP_MD_CTX* context, uint64_t number) {
  std::array<unsigned char, 8> bytes;
  for (unsigned char& byte : bytes) {
    byte = static_cast<unsigned char>(number & 0xFF);
    number >>= 8;
  }
  EVP_DigestUpdate(context, bytes.data(), bytes.size());
}

void UpdateInput(EVP_MD_CTX* context, const v1::RouteRequest& request) {
  if (request.has_conversation()) {
    Update(context,
           "\xFF"
           "conversation");
    for (const v1::Turn& turn : request.conversation().turns()) {
      UpdateNumber(context, static_cast<uint64_t>(turn.role()));
      UpdateNumber(context, turn.content().size());
      Update(context, turn.content());
    }
  } else if (request.has_embedding()) {
    Update(context,
           "\xFF"
           "embedding");
    UpdateNumber(context, request.embedding().embedder_id().size());
    Update(context, request.embedding().embedder_id());
    const auto& values = request.embedding().values();
    EVP_DigestUpdate(context, values.data(), static_cast<size_t>(values.size()) * sizeof(float));
  } else {
    Update(context, request.text());
  }
}

}  // namespace

absl::StatusOr<std::string> ReadHashKey(const std::string& path) {
  absl::StatusOr<std::string> key = ReadSmallFile(path, kMaxHashKeyBytes, "the hash key");
  if (!key.ok()) return key.status();
  if (key->size() < kMinHashKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a hash key has at least ",
                                                   kMinHashKeyBytes, " bytes, this one has ",
                                                   key->size()));
  }
  struct stat info{};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0) {
    Log(Severity::kWarning, "everybody on this machine may read the decision log's hash key",
        {{"path", std::string_view(path)}});
  }
  return key;
}

absl::StatusOr<std::string> MakeHashKey() {
  std::array<unsigned char, 32> key;
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return absl::InternalError("the system gave no random bytes for a hash key");
  }
  return std::string(key.begin(), key.end());
}

absl::StatusOr<InputHasher> InputHasher::Create(std::string_view key) {
  if (key.size() < kMinHashKeyBytes || key.size() > kMaxHashKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a hash key has ", kMinHashKeyBytes, " to ",
                                                   kMaxHashKeyBytes, " bytes, this one has ",
                                                   key.size()));
  }
  InputHasher hasher;
  hasher.sha256_ = {EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
  if (hasher.sha256_ == nullptr || ThreadContext() == nullptr) {
    return absl::InternalError("OpenSSL offers no SHA-256");
  }
  // RFC 2104: a key longer than a block is replaced by its hash.
  std::array<unsigned char, EVP_MAX_MD_SIZE> hashed;
  if (key.size() > kBlockBytes) {
    unsigned int length = 0;
    if (EVP_Digest(key.data(), key.size(), hashed.data(), &length, hasher.sha256_.get(), nullptr) !=
        1) {
      return absl::InternalError("OpenSSL could not hash the hash key");
    }
    key = {reinterpret_cast<const char*>(hashed.data()), length};
  }
  for (size_t i = 0; i < kBlockBytes; ++i) {
    const auto byte = i < key.size() ? static_cast<unsigned char>(key[i]) : uint8_t{0};
    hasher.inner_pad_[i] = byte ^ 0x36;
    hasher.outer_pad_[i] = byte ^ 0x5C;
  }
  return hasher;
}

InputHash InputHasher::Hash(const v1::RouteRequest& request) const {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_MD_CTX* const context = ThreadContext();
  EVP_DigestInit_ex(context, sha256_.get(), nullptr);
  EVP_DigestUpdate(context, inner_pad_.data(), inner_pad_.size());
  UpdateInput(context, request);
  EVP_DigestFinal_ex(context, digest.data(), &length);
  EVP_DigestInit_ex(context, sha256_.get(), nullptr);
  EVP_DigestUpdate(context, outer_pad_.data(), outer_pad_.size());
  EVP_DigestUpdate(context, digest.data(), length);
  EVP_DigestFinal_ex(context, digest.data(), &length);
  InputHash hash;
  for (size_t i = 0; i < kInputHashDigits / 2; ++i) {
    hash[2 * i] = kHexDigits[digest[i] >> 4];
    hash[2 * i + 1] = kHexDigits[digest[i] & 15];
  }
  return hash;
}

}  // namespace pointsman::server

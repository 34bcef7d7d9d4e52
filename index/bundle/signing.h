// Signs bundles: a private key in, one more signature in `signature.json` out. For the tool of
// those who build bundles; who serves them needs signature.h alone.
#ifndef POINTSMAN_INDEX_BUNDLE_SIGNING_H_
#define POINTSMAN_INDEX_BUNDLE_SIGNING_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"

struct evp_pkey_st;  // of OpenSSL

namespace pointsman::bundle {

inline constexpr int kMostSignatures = 16;
inline constexpr size_t kPublicKeyBytes = 32;
inline constexpr size_t kSignatureBytes = 64;

// What is signed: a prefix that no other use of a key shares, then the digest.
std::string SignedMessage(std::string_view digest);

// SHA-256 of the raw public key, hex.
std::string KeyId(std::string_view public_key);

// An Ed25519 private key; OpenSSL wipes it when it is gone. Signing is thread-safe.
class SigningKey {
 public:
  // Reads a PEM file with one unencrypted `PRIVATE KEY` block (PKCS#8, as `openssl genpkey
  // -algorithm ed25519` writes it). NOT_FOUND, INVALID_ARGUMENT, or the error of the read; messages
  // name the file and never quote it.
  static absl::StatusOr<SigningKey> Read(const std::string& path);

  const std::string& id() const { return id_; }
  // Users other than its owner may read the file.
  bool readable_by_others() const { return readable_by_others_; }

  // Signs SignedMessage(digest): 64 bytes, hex.
  absl::StatusOr<std::string> Sign(std::string_view digest) const;

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  SigningKey() = default;

  std::unique_ptr<evp_pkey_st, FreeKey> key_;
  std::string id_;
  bool readable_by_others_ = false;
};

// Adds the signature of `digest` to the bundle in `directory`, or replaces the one of the same key;
// others stay. Readers see the old or the new `signature.json`, also after a crash; a lock on the
// directory keeps signers from losing each other's signatures. `name` is 0 to 128 printable ASCII
// characters. INVALID_ARGUMENT for the name, DATA_LOSS if the `signature.json` that is there is
// malformed, RESOURCE_EXHAUSTED for a seventeenth signature, or the error of the write.
absl::StatusOr<v1::SignatureSet> AddSignature(const std::string& directory, std::string_view digest,
                                              const SigningKey& key, std::string_view name);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_SIGNING_H_

// Who vouches for a bundle: signatures in `signature.json`, and the keys that an operator trusts.
//
// A signature is Ed25519 over a fixed prefix and the bundle's digest, which covers every file of
// the bundle. `signature.json` itself is outside the digest: a bundle is signed after it was built,
// and may be signed by several keys, so that keys can be rotated. One valid signature of a trusted
// key is enough; those of unknown keys are ignored beside it. Names within `signature.json` are
// what signers claim; the name that counts is the one in the file of trusted keys.
//
// Values without state; every function is thread-safe. Signing is in signing.h.
#ifndef POINTSMAN_INDEX_BUNDLE_SIGNATURE_H_
#define POINTSMAN_INDEX_BUNDLE_SIGNATURE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"

namespace pointsman::bundle {

// A public key that an operator trusts.
struct TrustedKey {
  std::string name;        // as the operator calls it; the key id where no name is given
  std::string id;          // SHA-256 of `public_key`, 64 hex digits
  std::string public_key;  // 32 raw bytes of an Ed25519 key
};

// The trusted keys of one file. Immutable; no two have the same name or key.
class TrustedKeys {
 public:
  static constexpr int64_t kMostFileBytes = 64 << 10;
  static constexpr size_t kMostKeys = 64;
  static constexpr size_t kLongestName = 128;

  TrustedKeys() = default;  // trusts nobody

  // Reads a file of 1 to 64 PEM blocks `PUBLIC KEY` (as `openssl pkey -pubout` writes them), each
  // named by the last line `# name` above it, if there is one: 1 to 128 printable ASCII characters.
  // Errors name file and line: NOT_FOUND, INVALID_ARGUMENT (no key in it, a key of another kind, a
  // private key, a name or key given twice, any other text), or the error of the read.
  static absl::StatusOr<TrustedKeys> Read(const std::string& path);

  // The same from the file's text; `file` is what errors call it.
  static absl::StatusOr<TrustedKeys> Parse(std::string_view text, std::string_view file);

  bool empty() const { return keys_.empty(); }
  const std::vector<TrustedKey>& keys() const { return keys_; }
  const TrustedKey* Find(std::string_view id) const;  // null: not trusted

 private:
  std::vector<TrustedKey> keys_;
};

// The signatures of the bundle in `directory`. NOT_FOUND if it has none, DATA_LOSS if
// `signature.json` is not as `sign` writes it: too large, no JSON, a field missing or malformed, no
// or too many signatures, two of one key. Nothing is verified. Messages start with
// `signature.json`.
absl::StatusOr<v1::SignatureSet> ReadSignatures(const std::string& directory);

// The same from the text of `signature.json`.
absl::StatusOr<v1::SignatureSet> ParseSignatures(std::string_view json);

// The text of `signature.json`.
std::string FormatSignatures(const v1::SignatureSet& signatures);

// The name of the trusted key whose signature of `digest` (64 hex digits) is valid: the first in
// the order of key ids. PERMISSION_DENIED says which: no signature is of a trusted key (naming the
// ids that are there), or the one that is does not verify.
absl::StatusOr<std::string> VerifySignatures(const v1::SignatureSet& signatures,
                                             std::string_view digest, const TrustedKeys& trusted);

// ReadSignatures and VerifySignatures; PERMISSION_DENIED also for a `signature.json` that is
// missing or malformed, since nobody trusted vouches then.
absl::StatusOr<std::string> RequireSignature(const std::string& directory, std::string_view digest,
                                             const TrustedKeys& trusted);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_SIGNATURE_H_

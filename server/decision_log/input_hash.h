// Tells inputs of requests apart without telling what they say: HMAC-SHA-256 under a key that is
// not in the log, so that nobody who holds the log can test guesses of a text.
#ifndef POINTSMAN_SERVER_DECISION_LOG_INPUT_HASH_H_
#define POINTSMAN_SERVER_DECISION_LOG_INPUT_HASH_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::server {

// Hex digits of a hash: the first 128 bits of the HMAC.
inline constexpr size_t kInputHashDigits = 32;
using InputHash = std::array<char, kInputHashDigits>;

// Bounds of a key, bytes.
inline constexpr size_t kMinHashKeyBytes = 16;
inline constexpr size_t kMaxHashKeyBytes = 4096;

// Every byte of the file counts, a line end at its end, too. The error names file, bound and size;
// a key that everybody may read is warned of in the log.
absl::StatusOr<std::string> ReadHashKey(const std::string& path);

// 32 bytes of the system's randomness.
absl::StatusOr<std::string> MakeHashKey();

// Immutable, so any thread may use it.
class InputHasher {
 public:
  // INVALID_ARGUMENT if the key is out of bounds.
  static absl::StatusOr<InputHasher> Create(std::string_view key);

  // Of a text: HMAC over its very bytes, so that the hash of a known text can be looked up (the
  // README has the command). Of a conversation or an embedding: over a form that starts with the
  // byte 0xFF, which no text does, and in which parts carry their lengths.
  InputHash Hash(const v1::RouteRequest& request) const;

 private:
  static constexpr size_t kBlockBytes = 64;
  using Block = std::array<unsigned char, kBlockBytes>;

  std::shared_ptr<EVP_MD> sha256_;
  Block inner_pad_{};
  Block outer_pad_{};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_INPUT_HASH_H_

// SHA-256 as lower-case hex, for files, bundles and policies.
#ifndef POINTSMAN_INDEX_DIGEST_H_
#define POINTSMAN_INDEX_DIGEST_H_

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace pointsman {

// 64 hex digits.
std::string Sha256(std::string_view bytes);

// Serialises with map keys in order, so that equal messages give equal bytes in every process.
std::string SerializeDeterministically(const google::protobuf::Message& message);

// Sha256 of the above.
std::string Sha256OfMessage(const google::protobuf::Message& message);

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_DIGEST_H_

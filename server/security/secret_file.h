// Whole small files that an operator hands to the server: certificates, keys, the table of clients.
//
// In: a path. Out: the bytes and who may read them. Nothing of the contents ever goes into an
// error.
#ifndef POINTSMAN_SERVER_SECURITY_SECRET_FILE_H_
#define POINTSMAN_SERVER_SECURITY_SECRET_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pointsman::server {

struct SecretFile {
  std::string bytes;
  bool readable_by_group = false;
  bool readable_by_others = false;
  unsigned permissions = 0;  // the nine permission bits, for people: print as octal
};

// Reads a regular file, through symbolic links. Errors start with the path and say that `what`
// ("the private key") cannot be read and why: NOT_FOUND, PERMISSION_DENIED, or INVALID_ARGUMENT
// where it is no regular file, empty, or larger than `max_bytes`.
absl::StatusOr<SecretFile> ReadSecretFile(const std::string& path, std::string_view what,
                                          size_t max_bytes);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_SECRET_FILE_H_

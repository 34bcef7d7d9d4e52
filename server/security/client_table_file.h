// The clients file -> a ClientTable. The only part of security that sees yaml-cpp, which throws.
//
//   clients:
//     - name: checkout            # [a-z0-9._-]{1,64}; in logs; several entries may share one
//       key_sha256: <64 hex>      # of the key's bytes; or
//       certificate: spiffe://mesh/ns/shop/sa/checkout   # a name in a verified client certificate
//       scopes: [route, batch, admin]
//       expires: 2027-01-31T00:00:00Z   # RFC 3339; optional
//
// `clients: []` is a table by which nobody may call. A file without `clients` is an error instead:
// a file that is being written, or was cut off, must not lock everybody out.
#ifndef POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_FILE_H_
#define POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/security/client_table.h"

namespace pointsman::server {

inline constexpr size_t kMaxClientEntries = 10'000;
inline constexpr size_t kMaxClientsFileBytes = size_t{8} << 20;

struct ClientTableReading {
  ClientTable table;
  // Sentences for the log: the file can be read by everybody, entries that have expired.
  std::vector<std::string> warnings;
};

// INVALID_ARGUMENT with a line for each problem, at most 20: file:line: field, bound, value.
// Unknown fields and scopes name the nearest known one; a key or certificate given twice names both
// lines. NOT_FOUND or PERMISSION_DENIED if the file cannot be read.
absl::StatusOr<ClientTableReading> ReadClientsFile(const std::string& path, absl::Time now);

// The same for text that came from `file`.
absl::StatusOr<ClientTableReading> ParseClients(const std::string& text, const std::string& file,
                                                absl::Time now);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_FILE_H_

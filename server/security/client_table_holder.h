// The table of clients in service, exchanged whole while the server runs. As with certificates, a
// file that is not in order changes nothing.
#ifndef POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_HOLDER_H_
#define POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_HOLDER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/security/client_table.h"
#include "server/security/client_table_file.h"

namespace pointsman::server {

// Thread-safe.
class ClientTableHolder {
 public:
  struct ReloadOutcome {
    size_t entries = 0;
    std::vector<std::string> warnings;
  };

  // Errors and warnings as of ReadClientsFile; `warnings` may be null.
  static absl::StatusOr<std::unique_ptr<ClientTableHolder>> Create(
      std::string path, absl::Time now, std::vector<std::string>* warnings);

  // Reads the file again and puts it into service, or keeps the table in service and says what is
  // wrong. A client that is no longer listed is refused from its next call on.
  absl::StatusOr<ReloadOutcome> Reload(absl::Time now);

  // By the table in service; see ClientTable.
  AuthVerdict Authenticate(const PresentedCredentials& presented, absl::Time now) const {
    return current()->Authenticate(presented, now);
  }

  // The table in service; never null.
  std::shared_ptr<const ClientTable> current() const;
  // 1 at first, and one more with each Reload that succeeded.
  uint64_t generation() const;

 private:
  ClientTableHolder(std::string path, ClientTable table);

  const std::string path_;
  std::mutex reload_mutex_;  // one Reload at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const ClientTable> current_;  // guarded by mutex_
  uint64_t generation_ = 1;                     // guarded by mutex_
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_HOLDER_H_

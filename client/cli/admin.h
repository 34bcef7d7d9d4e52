// pointsman admin: status | activate | rollback | drain, the operator's side of a server.
#ifndef POINTSMAN_CLIENT_CLI_ADMIN_H_
#define POINTSMAN_CLIENT_CLI_ADMIN_H_

#include "CLI/CLI.hpp"
#include "client/cli/connection.h"
#include "client/cli/subcommand.h"

namespace pointsman::cli {

// Where a server's AdminService listens unless told otherwise. Not the router's address, so neither
// is POINTSMAN_TARGET read: POINTSMAN_ADMIN_TARGET is.
inline constexpr char kDefaultAdminTarget[] = "127.0.0.1:7433";

// Unlike the other subcommands this one adds the connection options itself, to `admin` and to each
// of its parts, since their defaults differ. `connection` is what `run` will be given.
Subcommand AddAdmin(CLI::App* parent, ConnectionOptions* connection);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_ADMIN_H_

// The subcommands of `pointsman`, one file each.
#ifndef POINTSMAN_CLIENT_CLI_SUBCOMMAND_H_
#define POINTSMAN_CLIENT_CLI_SUBCOMMAND_H_

#include <functional>

#include "CLI/CLI.hpp"
#include "client/cli/connection.h"
#include "client/cli/exit_code.h"

namespace pointsman::cli {

struct Subcommand {
  CLI::App* app;
  // Called once, if the subcommand was given, after the whole command line was parsed.
  std::function<ExitCode(const ConnectionOptions&)> run;
};

Subcommand AddRoute(CLI::App* parent);
Subcommand AddBatch(CLI::App* parent);
Subcommand AddCatalogue(CLI::App* parent);
Subcommand AddStatus(CLI::App* parent);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_SUBCOMMAND_H_

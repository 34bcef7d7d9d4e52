// pointsman: asks a router which language model should answer.
#include <cstdio>
#include <exception>
#include <iostream>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/cli/admin.h"
#include "client/cli/connection.h"
#include "client/cli/exit_code.h"
#include "client/cli/subcommand.h"
#include "pointsman/client/client.h"

namespace pointsman::cli {
namespace {

constexpr char kFooter[] =
    "\nExamples:\n"
    "  pointsman status\n"
    "  pointsman route 'Prove that there are infinitely many primes'\n"
    "  pointsman route --policy economy --explain --file question.txt\n"
    "  pointsman batch requests.jsonl > decisions.jsonl\n"
    "  pointsman catalogue --json\n"
    "  pointsman admin status\n"
    "\n"
    "Environment: POINTSMAN_TARGET, POINTSMAN_KEY, POINTSMAN_KEY_FILE, NO_COLOR\n\n";

int Run(int argc, char** argv) {
  CLI::App app("Asks a Pointsman router which language model should answer a query", "pointsman");
  app.set_version_flag("--version", "pointsman " + client::Version());
  app.footer(std::string(kFooter) + kExitCodeHelp);
  app.require_subcommand(1);

  ConnectionOptions connection;
  AddConnectionOptions(&app, &connection);
  std::vector<Subcommand> subcommands = {AddRoute(&app), AddBatch(&app), AddCatalogue(&app),
                                         AddStatus(&app)};
  for (const Subcommand& subcommand : subcommands) {
    AddConnectionOptions(subcommand.app, &connection);
  }
  subcommands.push_back(AddAdmin(&app, &connection));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version print
    Complain(std::string(error.what()) + "; see `pointsman --help`");
    return kBadInput;
  }
  for (const Subcommand& subcommand : subcommands) {
    if (!subcommand.app->parsed()) continue;
    const ExitCode code = subcommand.run(connection);
    std::cout.flush();
    if (std::cout) return code;
    Complain("cannot write to standard output");
    return kFailed;
  }
  return kBadInput;
}

}  // namespace
}  // namespace pointsman::cli

int main(int argc, char** argv) {
  // The one place where what a library throws ends: CLI11 when it is used wrongly, any of them when
  // memory runs out.
  try {
    return pointsman::cli::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pointsman: %s\n", error.what());
    return pointsman::cli::kFailed;
  }
}

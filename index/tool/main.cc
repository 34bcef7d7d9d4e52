// pointsman-index: builds and signs bundles, looks into them, and replays what they decided.
#include <iostream>

#include "CLI/CLI.hpp"
#include "index/search/vector_index.h"
#include "index/tool/exit_code.h"
#include "index/tool/subcommand.h"
#include "index/version.h"

namespace pointsman::tool {
namespace {

constexpr char kExamples[] =
    "\nExamples:\n"
    "  pointsman-index build sources/ --model model/ --out bundle/\n"
    "  pointsman-index verify bundle/\n"
    "  pointsman-index inspect bundle/ --json\n"
    "  pointsman-index evaluate labelled.jsonl --catalogue catalogue.yaml --model model/\n"
    "  pointsman-index sign bundle/ --key private.pem --name release\n"
    "  pointsman-index replay decisions.jsonl --bundle bundle/\n\n";

int Run(int argc, char** argv) {
  search::ConfigureForServing();
  CLI::App app("Builds, verifies, signs and inspects the bundles that pointsman-server serves",
               "pointsman-index");
  app.set_version_flag("--version", std::string("pointsman-index ") + kVersion);
  app.footer(std::string(kExamples) + kExitCodeHelp);
  app.require_subcommand(1);
  Action action;
  AddBuildCommand(&app, &action);
  AddVerifyCommand(&app, &action);
  AddInspectCommand(&app, &action);
  AddEvaluateCommand(&app, &action);
  AddSignCommand(&app, &action);
  AddReplayCommand(&app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version print
    const std::string message = std::string(error.what()) + "; see pointsman-index --help";
    return Complain(absl::InvalidArgumentError(message), kBadInput);
  }
  const int code = action();
  std::cout.flush();
  if (!std::cout) return Complain(absl::DataLossError("cannot write to standard output"), kFailed);
  return code;
}

}  // namespace
}  // namespace pointsman::tool

int main(int argc, char** argv) { return pointsman::tool::Run(argc, argv); }

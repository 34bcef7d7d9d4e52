// The subcommands of pointsman-index, one file each. Each function declares its subcommand; when
// the user names it, parsing sets `*action` to what then has to run, which returns the exit code.
#ifndef POINTSMAN_INDEX_TOOL_SUBCOMMAND_H_
#define POINTSMAN_INDEX_TOOL_SUBCOMMAND_H_

#include <functional>

#include "CLI/CLI.hpp"

namespace pointsman::tool {

using Action = std::function<int()>;

void AddBuildCommand(CLI::App* app, Action* action);
void AddVerifyCommand(CLI::App* app, Action* action);
void AddInspectCommand(CLI::App* app, Action* action);
void AddEvaluateCommand(CLI::App* app, Action* action);
void AddSignCommand(CLI::App* app, Action* action);
void AddReplayCommand(CLI::App* app, Action* action);

}  // namespace pointsman::tool

#endif  // POINTSMAN_INDEX_TOOL_SUBCOMMAND_H_

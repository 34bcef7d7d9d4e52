// How the command ends, for scripts. Part of its interface: `pointsman --help` lists these.
#ifndef POINTSMAN_CLIENT_CLI_EXIT_CODE_H_
#define POINTSMAN_CLIENT_CLI_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"

namespace pointsman::cli {

enum ExitCode {
  kOk = 0,           // a model was chosen; the batch was done; the server is serving
  kFailed = 1,       // the server failed, refused the key, or is not serving
  kBadInput = 2,     // usage, a file, or a request that the router refused
  kUnreachable = 3,  // no server answered within the timeout
  kNoChoice = 4,     // a decision without a model: infeasible or abstained
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes:\n"
    "  0  a model was chosen, or the command did what it says\n"
    "  1  the server failed or is not serving\n"
    "  2  wrong usage or bad input\n"
    "  3  the server cannot be reached or did not answer in time\n"
    "  4  a decision without a model: infeasible or abstained\n";

ExitCode ExitCodeOf(const absl::Status& status);

// Prints "pointsman: <problem>" to stderr.
void Complain(const std::string& problem);

// Complains about what a server answered, or that none did, and returns its exit code.
ExitCode Fail(const absl::Status& status);

// Complains about what was found wrong before any server was asked: an option or a file.
ExitCode Refuse(const absl::Status& status);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_EXIT_CODE_H_

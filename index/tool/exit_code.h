// How pointsman-index ends.
#ifndef POINTSMAN_INDEX_TOOL_EXIT_CODE_H_
#define POINTSMAN_INDEX_TOOL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace pointsman::tool {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,    // the input is fine, but the work did not succeed, a bundle is not sound, or
                  // decisions differ
  kBadInput = 2,  // wrong usage, a missing file, or sources with mistakes in them
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  failed: a golden query is not met, a bundle is not sound or not signed by a trusted "
    "key,\n"
    "     a logged decision differs, a disk is full\n"
    "  2  bad input: wrong usage, a missing file, mistakes in the sources\n";

// For errors of reading and building from sources.
inline ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kOk;
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status) ? kBadInput : kFailed;
}

// Prints "pointsman-index: <message>" to standard error and returns `code`.
ExitCode Complain(const absl::Status& status, ExitCode code);

}  // namespace pointsman::tool

#endif  // POINTSMAN_INDEX_TOOL_EXIT_CODE_H_

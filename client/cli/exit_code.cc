#include "client/cli/exit_code.h"

#include <iostream>

#include "pointsman/client/status.h"
#include "pointsman/client/text_table.h"

namespace pointsman::cli {
namespace {

constexpr size_t kMaxProblemCharacters = 2000;  // may quote what was sent

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return kBadInput;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kUnreachable;
    default:
      return kFailed;
  }
}

void Complain(const std::string& problem) {
  std::cerr << "pointsman: " << client::OneLine(problem, kMaxProblemCharacters) << "\n";
}

ExitCode Fail(const absl::Status& status) {
  Complain(client::Sentence(status));
  return ExitCodeOf(status);
}

ExitCode Refuse(const absl::Status& status) {
  Complain(std::string(status.message()));
  return kBadInput;
}

}  // namespace pointsman::cli

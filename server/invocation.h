// Command line, environment and config file -> what the process is to do, and with which settings.
//
// Strength: flag over environment over file over default. Unknown flags and keys are errors that
// name the nearest known one.
#ifndef POINTSMAN_SERVER_INVOCATION_H_
#define POINTSMAN_SERVER_INVOCATION_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config.h"

namespace pointsman::server {

enum class Action { kServe, kHelp, kVersion, kPrintConfig, kCheckConfig };

struct Invocation {
  Action action = Action::kServe;
  Config config;
  // Where each value came from, in the order of Settings(): "default", "config.yaml:3",
  // "POINTSMAN_BUNDLE", "--bundle".
  std::vector<std::string> origins;
  // Environment variables that look like misspelt settings. Others of the same prefix are somebody
  // else's (Kubernetes sets POINTSMAN_SERVICE_HOST for a service named pointsman).
  std::vector<std::string> warnings;
};

// `arguments` without the program's name; `environment` as "NAME=value". With kHelp and kVersion
// nothing beyond the command line is read. INVALID_ARGUMENT names the place (flag, variable, file
// and line), the bound and the value; the config as a whole is not yet checked (see CheckConfig).
absl::StatusOr<Invocation> ReadInvocation(std::span<const std::string_view> arguments,
                                          std::span<const std::string_view> environment);

std::string HelpText();

// The settings as a YAML file, each with its origin as a comment.
std::string ConfigText(const Invocation& invocation);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_INVOCATION_H_

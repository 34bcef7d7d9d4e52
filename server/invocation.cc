#include "server/invocation.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "index/string_view.h"
#include "server/nearest_name.h"
#include "server/yaml_settings.h"

namespace pointsman::server {
namespace {

constexpr std::string_view kEnvironmentPrefix = "POINTSMAN_";
constexpr std::string_view kConfigFlag = "--config";
// Fewer edits than this from a setting's variable are taken for a misspelling of it.
constexpr int kMisspellingEdits = 3;

struct ActionFlag {
  std::string_view flag;
  Action action;
  std::string_view help;
};

constexpr ActionFlag kActionFlags[] = {
    {"--help", Action::kHelp, "show this text"},
    {"--version", Action::kVersion, "show the version"},
    {"--print-config", Action::kPrintConfig, "show every setting and where it came from"},
    {"--check-config", Action::kCheckConfig, "check the settings and exit"},
};

// A value that a flag or a variable gave to a setting.
struct Given {
  const Setting* setting;
  std::string_view value;
};

struct Flags {
  Action action = Action::kServe;
  std::optional<std::string_view> config_path;
  std::vector<Given> settings;
};

absl::Status Invalid(std::string_view problem) {
  return absl::InvalidArgumentError(ToAbsl(problem));
}

const Setting* FindByFlag(std::string_view flag) {
  const auto found = std::ranges::find_if(
      Settings(), [&](const Setting& setting) { return FlagName(setting.name) == flag; });
  return found == Settings().end() ? nullptr : &*found;
}

absl::Status UnknownFlag(std::string_view flag) {
  std::vector<std::string> known = {std::string(kConfigFlag)};
  for (const ActionFlag& action : kActionFlags) known.emplace_back(action.flag);
  for (const Setting& setting : Settings()) known.push_back(FlagName(setting.name));
  return Invalid(absl::StrCat("unknown flag `", ToAbsl(flag), "`; the nearest is ",
                              FindNearestName(flag, known).name));
}

absl::StatusOr<Flags> ReadFlags(std::span<const std::string_view> arguments) {
  Flags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    const std::string_view flag = arguments[i].substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = arguments[i].substr(equals + 1);

    const auto* action = std::ranges::find(kActionFlags, flag, &ActionFlag::flag);
    if (action != std::end(kActionFlags)) {
      if (value) return Invalid(absl::StrCat(ToAbsl(flag), ": takes no value"));
      flags.action = action->action;
      continue;
    }
    const Setting* setting = FindByFlag(flag);
    if (setting == nullptr && flag != kConfigFlag) return UnknownFlag(flag);
    if (setting != nullptr && std::holds_alternative<bool Config::*>(setting->member) && !value) {
      value = "true";
    }
    if (!value) {
      if (i + 1 == arguments.size()) {
        return Invalid(absl::StrCat(ToAbsl(flag), ": needs a value"));
      }
      value = arguments[++i];
    }
    if (setting == nullptr) {
      flags.config_path = value;
    } else {
      flags.settings.push_back({setting, *value});
    }
  }
  return flags;
}

struct Environment {
  std::optional<std::string_view> config_path;
  std::vector<Given> settings;
  std::vector<std::string> warnings;
};

Environment ReadEnvironment(std::span<const std::string_view> environment) {
  std::vector<std::string> known = {EnvironmentName("config")};
  for (const Setting& setting : Settings()) known.push_back(EnvironmentName(setting.name));
  Environment result;
  for (const std::string_view variable : environment) {
    if (!variable.starts_with(kEnvironmentPrefix)) continue;
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = variable.substr(0, equals);
    const std::string_view value = variable.substr(equals + 1);
    const NearestName nearest = FindNearestName(name, known);
    if (nearest.edits == 0) {
      const auto index = static_cast<size_t>(std::ranges::find(known, name) - known.begin());
      if (index == 0) {
        result.config_path = value;
      } else {
        result.settings.push_back({&Settings()[index - 1], value});
      }
    } else if (nearest.edits < kMisspellingEdits) {
      result.warnings.push_back(absl::StrCat("environment variable ", ToAbsl(name),
                                             " is no setting; the nearest is ", nearest.name));
    }
  }
  return result;
}

// Assigns and notes the origin; an error begins with it.
absl::Status Take(const Setting& setting, std::string_view value, std::string origin,
                  Invocation* invocation) {
  const absl::Status status = Assign(setting, value, &invocation->config);
  if (!status.ok()) return Invalid(absl::StrCat(origin, ": ", status.message()));
  invocation->origins[static_cast<size_t>(&setting - Settings().data())] = std::move(origin);
  return absl::OkStatus();
}

absl::Status TakeFile(const std::string& path, Invocation* invocation) {
  const auto settings = ReadYamlSettings(path);
  if (!settings.ok()) return settings.status();
  for (const YamlSetting& given : *settings) {
    const std::string where = absl::StrCat(path, ":", given.line);
    const Setting* setting = FindSetting(given.key);
    if (setting == nullptr) {
      std::vector<std::string> known;
      for (const Setting& each : Settings()) known.emplace_back(each.name);
      return Invalid(absl::StrCat(where, ": unknown key `", given.key, "`; the nearest is ",
                                  FindNearestName(given.key, known).name));
    }
    absl::Status status = Take(*setting, given.value, where, invocation);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Invocation> ReadInvocation(std::span<const std::string_view> arguments,
                                          std::span<const std::string_view> environment) {
  Invocation invocation;
  invocation.origins.assign(Settings().size(), "default");
  const absl::StatusOr<Flags> flags = ReadFlags(arguments);
  if (!flags.ok()) return flags.status();
  invocation.action = flags->action;
  if (invocation.action == Action::kHelp || invocation.action == Action::kVersion) {
    return invocation;
  }

  Environment variables = ReadEnvironment(environment);
  invocation.warnings = std::move(variables.warnings);
  const auto config_path = flags->config_path ? flags->config_path : variables.config_path;
  // The weakest first, so that the stronger overwrite.
  absl::Status status;
  if (config_path) status = TakeFile(std::string(*config_path), &invocation);
  for (const Given& given : variables.settings) {
    if (!status.ok()) return status;
    status = Take(*given.setting, given.value, EnvironmentName(given.setting->name), &invocation);
  }
  for (const Given& given : flags->settings) {
    if (!status.ok()) return status;
    status = Take(*given.setting, given.value, FlagName(given.setting->name), &invocation);
  }
  if (!status.ok()) return status;
  return invocation;
}

std::string HelpText() {
  std::string text =
      "pointsman-server: decides over gRPC which language model should answer a query.\n\n"
      "Every setting can be given as a flag, as an environment variable POINTSMAN_NAME, or as a\n"
      "key of the YAML file that --config or POINTSMAN_CONFIG names; the first of these wins.\n\n";
  const auto add = [&text](std::string_view flag, std::string_view help) {
    absl::StrAppendFormat(&text, "  %-33s %s\n", ToAbsl(flag), ToAbsl(help));
  };
  add(absl::StrCat(ToAbsl(kConfigFlag), " FILE"), "YAML file of settings");
  for (const Setting& setting : Settings()) {
    if (setting.hidden) continue;
    add(FlagName(setting.name), setting.help);
    std::string details = absl::StrCat("default ", ShowValue(setting, Config()));
    if (!setting.unit.empty()) {
      absl::StrAppend(&details, " ", ToAbsl(setting.unit), ", ", setting.min, " to ", setting.max);
    }
    add("", absl::StrCat("(", details, ")"));
  }
  text += "\n";
  for (const ActionFlag& action : kActionFlags) add(action.flag, action.help);
  text +=
      "\nExit codes: 0 stopped after draining, 1 could not start, 2 wrong flags or settings,\n"
      "3 stopped at once by a second signal.\n";
  return text;
}

std::string ConfigText(const Invocation& invocation) {
  std::string text;
  for (size_t i = 0; i < Settings().size(); ++i) {
    const Setting& setting = Settings()[i];
    absl::StrAppend(&text, ToAbsl(setting.name), ": ", ShowValue(setting, invocation.config),
                    "  # ", invocation.origins[i], "\n");
  }
  return text;
}

}  // namespace pointsman::server

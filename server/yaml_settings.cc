#include "server/yaml_settings.h"

#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "yaml-cpp/yaml.h"

namespace pointsman::server {
namespace {

absl::Status AtLine(const std::string& path, int line, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ":", line, ": ", problem));
}

absl::StatusOr<std::vector<YamlSetting>> FlatMapping(const YAML::Node& root,
                                                     const std::string& path) {
  std::vector<YamlSetting> settings;
  if (root.IsNull()) return settings;
  if (!root.IsMap()) return AtLine(path, root.Mark().line + 1, "must be a mapping of settings");
  std::set<std::string> keys;
  for (const auto& entry : root) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) return AtLine(path, line, "a key must be a name");
    const std::string key = entry.first.Scalar();
    if (!keys.insert(key).second) return AtLine(path, line, absl::StrCat(key, ": given twice"));
    if (!entry.second.IsScalar()) {
      return AtLine(path, line, absl::StrCat(key, ": must be a single value"));
    }
    settings.push_back({key, entry.second.Scalar(), line});
  }
  return settings;
}

}  // namespace

absl::StatusOr<std::vector<YamlSetting>> ReadYamlSettings(const std::string& path) {
  try {
    return FlatMapping(YAML::LoadFile(path), path);
  } catch (const YAML::BadFile&) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  } catch (const YAML::Exception& error) {
    return AtLine(path, error.mark.line + 1, absl::StrCat("not YAML: ", error.msg));
  }
}

}  // namespace pointsman::server

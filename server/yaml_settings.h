// The config file: one flat YAML mapping. The only place that sees yaml-cpp, which throws.
#ifndef POINTSMAN_SERVER_YAML_SETTINGS_H_
#define POINTSMAN_SERVER_YAML_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pointsman::server {

struct YamlSetting {
  std::string key;
  std::string value;
  int line = 0;  // from 1
};

// In file order; an empty file holds none. INVALID_ARGUMENT names file and line: not YAML, not a
// mapping, a value that is not a scalar, a key given twice. NOT_FOUND if there is no such file.
absl::StatusOr<std::vector<YamlSetting>> ReadYamlSettings(const std::string& path);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_YAML_SETTINGS_H_

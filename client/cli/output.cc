#include "client/cli/output.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "google/protobuf/util/json_util.h"

namespace pointsman::cli {

std::string ToJson(const google::protobuf::Message& message, JsonStyle style) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = style == JsonStyle::kIndented;
  std::string json;
  // Fails only for an Any of a type that this program does not know, of which an error's details
  // may hold some; the rest has been printed by then.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

bool UseColour() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return isatty(STDOUT_FILENO) != 0;
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) != 0; }

}  // namespace pointsman::cli

// How results are printed: JSON for programs, colour only where a person is watching.
#ifndef POINTSMAN_CLIENT_CLI_OUTPUT_H_
#define POINTSMAN_CLIENT_CLI_OUTPUT_H_

#include <string>

#include "google/protobuf/message.h"

namespace pointsman::cli {

enum class JsonStyle {
  kLine,     // one line, for JSONL
  kIndented  // for a single document
};

// Protobuf's JSON form with the names of the .proto files (snake_case). Fields without presence are
// always there, zero or not, so that a script can rely on them.
std::string ToJson(const google::protobuf::Message& message, JsonStyle style);

// Colour on standard output: it is a terminal, NO_COLOR is unset or empty (no-color.org), and the
// terminal is not a dumb one.
bool UseColour();

// Whether a progress bar on standard error would be seen.
bool StderrIsTerminal();

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_OUTPUT_H_

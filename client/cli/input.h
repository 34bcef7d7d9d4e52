// What people hand to the command: files and standard input, of bounded size.
#ifndef POINTSMAN_CLIENT_CLI_INPUT_H_
#define POINTSMAN_CLIENT_CLI_INPUT_H_

#include <cstdint>
#include <istream>
#include <string>

#include "absl/status/statusor.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::cli {

// Larger inputs are refused while they are read, so that a wrong file costs no memory. Servers take
// less by default (1 MiB) and say so themselves.
inline constexpr size_t kMaxInputBytes = size_t{16} << 20;

// All of a file, or of standard input for "-". Errors name the file.
absl::StatusOr<std::string> ReadInput(const std::string& path);

// A conversation from JSON: {"turns": [...]} as the API has it, {"messages": [...]} or the bare
// list, each entry with `role` ("user" or "ROLE_USER") and a string `content`. `name` is the file,
// for errors, which name the turn.
absl::StatusOr<v1::Conversation> ParseConversation(const std::string& json,
                                                   const std::string& name);

// Reads lines one at a time, none longer than kMaxInputBytes.
class LineReader {
 public:
  explicit LineReader(std::istream& in);

  // The next line without its line break. NOT_FOUND at the end; INVALID_ARGUMENT for a line that is
  // too long, which is skipped.
  absl::StatusOr<std::string> Next();

  int64_t line_number() const { return line_number_; }  // of the line returned last, from 1
  int64_t bytes_read() const { return bytes_read_; }

 private:
  std::istream& in_;
  std::string buffer_;
  int64_t line_number_ = 0;
  int64_t bytes_read_ = 0;
};

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_INPUT_H_

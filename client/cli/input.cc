#include "client/cli/input.h"

#include <fstream>
#include <iostream>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace pointsman::cli {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::string> ReadBounded(std::istream& in, const std::string& name) {
  std::string contents;
  char block[1 << 16];
  while (in.read(block, sizeof(block)), in.gcount() > 0) {
    contents.append(block, static_cast<size_t>(in.gcount()));
    if (contents.size() > kMaxInputBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is larger than ", kMaxInputBytes, " bytes"));
    }
  }
  if (in.bad()) return absl::NotFoundError(absl::StrCat("cannot read ", name));
  return contents;
}

v1::Role ParseRole(const std::string& name) {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  const std::string upper = absl::AsciiStrToUpper(name);
  const std::string full = absl::StartsWith(upper, "ROLE_") ? upper : "ROLE_" + upper;
  return v1::Role_Parse(full, &role) ? role : v1::ROLE_UNSPECIFIED;
}

absl::Status ParseTurn(const Json& entry, v1::Turn* turn) {
  if (!entry.is_object()) return absl::InvalidArgumentError("must be an object");
  const auto role = entry.find("role");
  const auto content = entry.find("content");
  if (role != entry.end() && role->is_string()) turn->set_role(ParseRole(*role));
  if (turn->role() == v1::ROLE_UNSPECIFIED) {
    return absl::InvalidArgumentError("`role` must be system, user, assistant or tool");
  }
  if (content == entry.end() || !content->is_string()) {
    return absl::InvalidArgumentError("`content` must be a string");
  }
  turn->set_content(content->get<std::string>());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  if (path == "-") return ReadBounded(std::cin, "standard input");
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  return ReadBounded(file, path);
}

absl::StatusOr<v1::Conversation> ParseConversation(const std::string& json,
                                                   const std::string& name) {
  const Json document = Json::parse(json, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::InvalidArgumentError(name + " is not valid JSON");
  const Json* turns = &document;
  if (document.is_object()) {
    for (const char* key : {"turns", "messages"}) {
      if (const auto found = document.find(key); found != document.end()) turns = &*found;
    }
  }
  if (!turns->is_array() || turns->empty()) {
    return absl::InvalidArgumentError(
        name + R"( must be a list of turns, or an object with `turns` or `messages`)");
  }
  v1::Conversation conversation;
  for (size_t i = 0; i < turns->size(); ++i) {
    const absl::Status status = ParseTurn((*turns)[i], conversation.add_turns());
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": turn ", i + 1, ": ", status.message()));
    }
  }
  return conversation;
}

LineReader::LineReader(std::istream& in) : in_(in), buffer_(kMaxInputBytes, '\0') {}

absl::StatusOr<std::string> LineReader::Next() {
  in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  const std::streamsize read = in_.gcount();
  bytes_read_ += read;
  if (in_.fail() && (read == 0 || in_.bad())) return absl::NotFoundError("end of input");
  ++line_number_;
  if (in_.fail()) {  // the buffer was full before the line ended
    in_.clear();
    in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    bytes_read_ += in_.gcount();
    return absl::InvalidArgumentError(
        absl::StrCat("the line is longer than ", kMaxInputBytes, " bytes"));
  }
  // getline counts the line break it swallows, unless the input ended without one.
  size_t length = static_cast<size_t>(in_.eof() ? read : read - 1);
  if (length > 0 && buffer_[length - 1] == '\r') --length;
  return buffer_.substr(0, length);
}

}  // namespace pointsman::cli

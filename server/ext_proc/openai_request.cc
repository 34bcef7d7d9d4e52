#include "server/ext_proc/openai_request.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "server/ext_proc/json_reader.h"

namespace pointsman::server {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kObject:
      return "an object";
    case Kind::kArray:
      return "an array";
    case Kind::kString:
      return "a string";
    case Kind::kNumber:
      return "a number";
    case Kind::kBoolean:
      return "true or false";
    default:
      return "null";
  }
}

std::optional<v1::Role> RoleOf(std::string_view name) {
  if (name == "user") return v1::ROLE_USER;
  if (name == "assistant") return v1::ROLE_ASSISTANT;
  if (name == "system" || name == "developer") return v1::ROLE_SYSTEM;
  if (name == "tool" || name == "function") return v1::ROLE_TOOL;
  return std::nullopt;
}

// A place in the body, such as messages[3].content[0]; written out for a failure only.
struct Path {
  const Path* parent = nullptr;
  std::string_view member;
  std::optional<size_t> index = std::nullopt;

  std::string ToString() const {
    std::string text = parent != nullptr ? parent->ToString() : std::string();
    if (!member.empty()) absl::StrAppend(&text, text.empty() ? "" : ".", ToAbsl(member));
    if (index) absl::StrAppend(&text, "[", *index, "]");
    return text;
  }
};

// Every function returns false once there is a failure, which is then in `failure_` or, if the JSON
// itself is at fault, in the reader.
class Parser {
 public:
  Parser(std::string_view body, OpenAiApi api, const OpenAiBounds& bounds, OpenAiRequest* request)
      : reader_(body), api_(api), bounds_(bounds), request_(*request) {}

  std::optional<Failure> Run() {
    const bool read =
        (api_ == OpenAiApi::kChatCompletions ? ReadChat() : ReadResponses()) && reader_.Finish();
    if (!reader_.ok()) {
      return Failure{FailureReason::kMalformedJson,
                     absl::StrCat("the body must be JSON: ", reader_.problem()), ""};
    }
    if (!read) return std::move(failure_);
    return std::nullopt;
  }

 private:
  template <size_t N>
  using Names = std::array<std::string_view, N>;

  bool Fail(FailureReason reason, const Path& path, std::string_view problem) {
    if (reader_.ok() && !failure_) {
      std::string where = path.ToString();
      std::string message = absl::StrCat(where.empty() ? "the body" : where, ": ", ToAbsl(problem));
      failure_ = Failure{reason, std::move(message), std::move(where)};
    }
    return false;
  }
  bool Invalid(const Path& path, std::string_view problem) {
    return Fail(FailureReason::kInvalidRequest, path, problem);
  }
  bool WrongKind(const Path& path, std::string_view must, Kind is) {
    if (!reader_.ok()) return false;
    return Invalid(path, absl::StrCat("must be ", ToAbsl(must), "; is ", ToAbsl(KindName(is))));
  }

  // Reads an object: `on_member(index of the name)` for each of `names`, the rest is skipped.
  template <size_t N, typename OnMember>
  bool ReadObject(const Path& path, const Names<N>& names, OnMember on_member) {
    const Kind kind = reader_.Peek();
    if (kind != Kind::kObject) return WrongKind(path, "an object", kind);
    if (!reader_.EnterObject()) return false;
    std::bitset<N> seen;
    std::string key;
    while (reader_.NextMember(&key)) {
      const auto name = std::find(names.begin(), names.end(), key);
      if (name == names.end()) {
        if (!reader_.Skip()) return false;
        continue;
      }
      const auto index = static_cast<size_t>(name - names.begin());
      if (seen[index]) return Invalid({&path, *name}, "must be given once; is given twice");
      seen[index] = true;
      if (!on_member(index)) return false;
    }
    return reader_.ok();
  }

  // Reads an array: `on_element(path)` for each.
  template <typename OnElement>
  bool ReadArray(const Path& path, OnElement on_element) {
    const Kind kind = reader_.Peek();
    if (kind != Kind::kArray) return WrongKind(path, "an array", kind);
    if (!reader_.EnterArray()) return false;
    for (size_t i = 0; reader_.NextElement(); ++i) {
      if (!on_element(Path{&path, {}, i})) return false;
    }
    return reader_.ok();
  }

  bool ReadString(const Path& path, std::string* value) {
    const Kind kind = reader_.Peek();
    return kind == Kind::kString ? reader_.ReadString(value) : WrongKind(path, "a string", kind);
  }
  // null is as good as nothing.
  bool ReadOptionalString(const Path& path, std::string* value) {
    return reader_.Peek() == Kind::kNull ? reader_.Skip() : ReadString(path, value);
  }

  // --- What both APIs share --------------------------------------------------------------------

  bool ReadModel() {
    reader_.Peek();
    request_.model.begin = reader_.position();
    request_.model.is_member = true;
    if (!reader_.Skip()) return false;
    request_.model.end = reader_.position();
    return true;
  }

  // Whether there are any; null and an empty array are none.
  bool ReadTools(const Path& path) {
    if (reader_.Peek() == Kind::kNull) return reader_.Skip();
    return ReadArray(path, [this](const Path&) {
      request_.needs_tools = true;
      return reader_.Skip();
    });
  }

  // {"type": ...} of a format of the answer.
  bool ReadFormat(const Path& path) {
    if (reader_.Peek() == Kind::kNull) return reader_.Skip();
    return ReadObject(path, Names<1>{"type"}, [&](size_t) {
      std::string type;
      if (!ReadString({&path, "type"}, &type)) return false;
      request_.needs_json_schema |= type == "json_schema";
      return true;
    });
  }

  // A string, an array of parts, or null.
  bool ReadContent(const Path& path, std::string* content) {
    switch (const Kind kind = reader_.Peek()) {
      case Kind::kString:
        return reader_.ReadString(content);
      case Kind::kNull:
        return reader_.Skip();
      case Kind::kArray:
        return ReadArray(path, [&](const Path& part) { return ReadPart(part, content); });
      default:
        return WrongKind(path, "a string or an array of parts", kind);
    }
  }

  // Texts of several parts stand on lines of their own.
  bool ReadPart(const Path& path, std::string* content) {
    std::string type;
    std::optional<std::string> text;
    const bool read = ReadObject(path, Names<2>{"type", "text"}, [&](size_t member) {
      if (member == 0) return ReadString({&path, "type"}, &type);
      return ReadOptionalString({&path, "text"}, &text.emplace());
    });
    if (!read) return false;
    if (type == "text" || type == "input_text" || type == "output_text") {
      if (!text) return Invalid({&path, "text"}, "required in a part of this type; is absent");
      if (!content->empty() && !text->empty()) content->push_back('\n');
      content->append(*text);
    } else if (type == "image_url" || type == "input_image") {
      request_.needs_vision = true;
    } else if (type.empty()) {
      return Invalid({&path, "type"}, "required; is absent or empty");
    } else if (type != "refusal") {
      request_.has_unjudged = true;  // input_audio, file, input_file, and what is yet to come
    }
    return true;
  }

  bool AddTurn(const Path& path, v1::Role role, std::string content) {
    text_bytes_ += content.size();
    if (text_bytes_ > bounds_.max_text_bytes) {
      return Fail(FailureReason::kInputTooLarge, path,
                  absl::StrCat("must bring the text to at most ", bounds_.max_text_bytes,
                               " bytes, all turns together; brings it to ", text_bytes_));
    }
    if (static_cast<size_t>(request_.conversation.turns_size()) >= bounds_.max_turns) {
      return Fail(FailureReason::kInputTooLarge, path,
                  absl::StrCat("must be one of at most ", bounds_.max_turns, " turns; is turn ",
                               bounds_.max_turns + 1));
    }
    v1::Turn* turn = request_.conversation.add_turns();
    turn->set_role(role);
    turn->set_content(std::move(content));
    has_user_ |= role == v1::ROLE_USER;
    return true;
  }

  bool AddMessage(const Path& path, std::string_view role_name, std::string content) {
    const std::optional<v1::Role> role = RoleOf(role_name);
    if (!role) {
      return Invalid(
          {&path, "role"},
          absl::StrCat("must be system, developer, user, assistant, tool or function; ",
                       role_name.empty()
                           ? std::string("is absent")
                           : absl::StrCat("is `", ToAbsl(role_name.substr(0, 64)), "`")));
    }
    return AddTurn(path, *role, std::move(content));
  }

  bool CheckHasUser(const Path& path) {
    return has_user_ || Invalid(path, "must hold at least one turn of the user; has none");
  }

  // --- Chat completions ------------------------------------------------------------------------

  bool ReadChat() {
    const Path body;
    const Path messages{&body, "messages"};
    bool has_messages = false;
    const auto on_member = [&](size_t member) {
      switch (member) {
        case 0:
          return ReadModel();
        case 1:
          has_messages = true;
          return ReadArray(messages, [this](const Path& path) { return ReadMessage(path); });
        case 2:
          return ReadTools({&body, "tools"});
        case 3:
          return ReadTools({&body, "functions"});
        default:
          return ReadFormat({&body, "response_format"});
      }
    };
    if (!ReadBody(Names<5>{"model", "messages", "tools", "functions", "response_format"},
                  on_member)) {
      return false;
    }
    if (!has_messages) return Invalid(messages, "required; is absent");
    return CheckHasUser(messages);
  }

  bool ReadMessage(const Path& path) {
    std::string role;
    std::string content;
    const bool read = ReadObject(path, Names<2>{"role", "content"}, [&](size_t member) {
      return member == 0 ? ReadString({&path, "role"}, &role)
                         : ReadContent({&path, "content"}, &content);
    });
    return read && AddMessage(path, role, std::move(content));
  }

  // --- Responses -------------------------------------------------------------------------------

  bool ReadResponses() {
    const Path body;
    const Path input{&body, "input"};
    const Path instructions{&body, "instructions"};
    const Path text{&body, "text"};
    bool has_input = false;
    bool has_earlier_turns = false;
    const auto note_if_given = [&] {
      has_earlier_turns |= reader_.Peek() != Kind::kNull;
      return reader_.Skip();
    };
    std::string system;
    const auto on_member = [&](size_t member) {
      switch (member) {
        case 0:
          return ReadModel();
        case 1:
          has_input = true;
          return ReadInput(input);
        case 2:
          return ReadOptionalString(instructions, &system);
        case 3:
          return ReadTools({&body, "tools"});
        case 4:
          if (reader_.Peek() == Kind::kNull) return reader_.Skip();
          return ReadObject(text, Names<1>{"format"},
                            [&](size_t) { return ReadFormat({&text, "format"}); });
        default:
          return note_if_given();
      }
    };
    if (!ReadBody(Names<7>{"model", "input", "instructions", "tools", "text",
                           "previous_response_id", "conversation"},
                  on_member)) {
      return false;
    }
    request_.has_unjudged |= has_earlier_turns;
    if (!has_input) return Invalid(input, "required; is absent");
    if (!system.empty()) {
      if (!AddTurn(instructions, v1::ROLE_SYSTEM, std::move(system))) return false;
      auto* turns = request_.conversation.mutable_turns();  // and to the front of them
      std::rotate(turns->pointer_begin(), turns->pointer_end() - 1, turns->pointer_end());
    }
    // The question is with the provider; what came of a tool is all that is here.
    if (!has_user_ && has_earlier_turns) return AddTurn(input, v1::ROLE_USER, "");
    return CheckHasUser(input);
  }

  bool ReadInput(const Path& path) {
    const Kind kind = reader_.Peek();
    if (kind == Kind::kArray) {
      return ReadArray(path, [this](const Path& item) { return ReadItem(item); });
    }
    if (kind != Kind::kString) return WrongKind(path, "a string or an array of items", kind);
    std::string text;
    return reader_.ReadString(&text) && AddTurn(path, v1::ROLE_USER, std::move(text));
  }

  bool ReadItem(const Path& path) {
    std::string type;
    std::string role;
    std::string content;
    std::string output;
    const auto on_member = [&](size_t member) {
      switch (member) {
        case 0:
          return ReadString({&path, "type"}, &type);
        case 1:
          return ReadOptionalString({&path, "role"}, &role);
        case 2:
          return ReadContent({&path, "content"}, &content);
        default:
          // A screenshot is an object.
          return reader_.Peek() == Kind::kObject ? reader_.Skip()
                                                 : ReadContent({&path, "output"}, &output);
      }
    };
    if (!ReadObject(path, Names<4>{"type", "role", "content", "output"}, on_member)) return false;
    if (type.empty() || type == "message") return AddMessage(path, role, std::move(content));
    if (type.ends_with("_call_output")) return AddTurn(path, v1::ROLE_TOOL, std::move(output));
    request_.has_unjudged |= type == "item_reference";
    return true;  // calls of tools, reasoning: no text of the conversation
  }

  // The object at the top, and where a `model` would go.
  template <size_t N, typename OnMember>
  bool ReadBody(const Names<N>& names, OnMember on_member) {
    reader_.Peek();
    // Other members follow there, since some are required.
    request_.model.begin = request_.model.end = reader_.position() + 1;
    return ReadObject({}, names, on_member);
  }

  JsonReader reader_;
  const OpenAiApi api_;
  const OpenAiBounds bounds_;
  OpenAiRequest& request_;
  std::optional<Failure> failure_;
  size_t text_bytes_ = 0;
  bool has_user_ = false;
};

}  // namespace

std::optional<OpenAiApi> OpenAiApiOf(std::string_view path) {
  if (path.ends_with("/chat/completions")) return OpenAiApi::kChatCompletions;
  if (path.ends_with("/responses")) return OpenAiApi::kResponses;
  return std::nullopt;
}

std::optional<Failure> ReadOpenAiRequest(std::string_view body, OpenAiApi api,
                                         const OpenAiBounds& bounds, OpenAiRequest* request) {
  return Parser(body, api, bounds, request).Run();
}

std::string WithModel(std::string_view body, const ModelPlace& place, std::string_view model) {
  return absl::StrCat(ToAbsl(body.substr(0, place.begin)), place.is_member ? "\"" : "\"model\":\"",
                      ToAbsl(model), place.is_member ? "\"" : "\",",
                      ToAbsl(body.substr(place.end)));
}

}  // namespace pointsman::server

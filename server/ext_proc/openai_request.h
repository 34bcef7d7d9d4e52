// The body of a request to OpenAI's HTTP API, chat completions or responses, as a conversation to
// be routed.
//
// Members that say nothing about which model should answer are skipped. What a model must be able
// to do is read off the request: pictures need `vision`, tools `tools`, an answer by a schema
// `json_schema`. A limit on the answer's tokens is a cap, not an expectation, and is not read.
#ifndef POINTSMAN_SERVER_EXT_PROC_OPENAI_REQUEST_H_
#define POINTSMAN_SERVER_EXT_PROC_OPENAI_REQUEST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/v1/router.pb.h"
#include "server/ext_proc/failure.h"

namespace pointsman::server {

enum class OpenAiApi { kChatCompletions, kResponses };

// Of a path without its query, by how it ends: .../chat/completions or .../responses.
std::optional<OpenAiApi> OpenAiApiOf(std::string_view path);

// Where the value of the member `model` is in a body, or where such a member would go.
struct ModelPlace {
  size_t begin = 0;
  size_t end = 0;
  bool is_member = false;  // [begin, end) is a value; else a member goes before `begin`
};

struct OpenAiRequest {
  v1::Conversation conversation;
  ModelPlace model;
  bool needs_vision = false;
  bool needs_tools = false;
  bool needs_json_schema = false;
  // Part of the request is of a kind that is not judged: sound, files, turns kept by the provider.
  bool has_unjudged = false;
};

struct OpenAiBounds {
  size_t max_text_bytes;  // of all turns together
  size_t max_turns;
};

// Reads `body`. The failure is kMalformedJson with the byte, kInvalidRequest or kInputTooLarge with
// the path of the member. A member that is read must not be given twice: readers differ in which of
// the two they take.
std::optional<Failure> ReadOpenAiRequest(std::string_view body, OpenAiApi api,
                                         const OpenAiBounds& bounds, OpenAiRequest* request);

// `body` with `model`, which is of the characters of a model id, in that place; every other byte is
// as it was.
std::string WithModel(std::string_view body, const ModelPlace& place, std::string_view model);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_OPENAI_REQUEST_H_

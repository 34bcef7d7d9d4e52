#include "server/ext_proc/openai_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"

namespace pointsman::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Turns = std::vector<std::pair<v1::Role, std::string>>;

constexpr OpenAiBounds kBounds{.max_text_bytes = 1000, .max_turns = 10};
constexpr auto kChat = OpenAiApi::kChatCompletions;
constexpr auto kResponses = OpenAiApi::kResponses;

OpenAiRequest Read(std::string_view body, OpenAiApi api = kChat) {
  OpenAiRequest request;
  const auto failure = ReadOpenAiRequest(body, api, kBounds, &request);
  EXPECT_FALSE(failure) << failure->message;
  return request;
}

Failure FailureOf(std::string_view body, OpenAiApi api = kChat) {
  OpenAiRequest request;
  const auto failure = ReadOpenAiRequest(body, api, kBounds, &request);
  EXPECT_TRUE(failure) << body;
  return failure.value_or(Failure{});
}

Turns TurnsOf(const OpenAiRequest& request) {
  Turns turns;
  for (const v1::Turn& turn : request.conversation.turns()) {
    turns.emplace_back(turn.role(), turn.content());
  }
  return turns;
}

TEST(OpenAiApiOf, IsToldByTheEndOfThePath) {
  EXPECT_EQ(OpenAiApiOf("/v1/chat/completions"), kChat);
  EXPECT_EQ(OpenAiApiOf("/openai/deployments/x/chat/completions"), kChat);
  EXPECT_EQ(OpenAiApiOf("/v1/responses"), kResponses);
  for (const char* path : {"/v1/completions", "/v1/responses/", "/v1/responses/resp_1", "responses",
                           "/v1/chat/completionsx", "", "/"}) {
    EXPECT_EQ(OpenAiApiOf(path), std::nullopt) << path;
  }
}

TEST(ReadOpenAiRequest, ChatWithEveryRole) {
  const auto request = Read(R"({"stream": true, "messages": [
      {"role": "system", "content": "s"}, {"content": "d", "role": "developer"},
      {"role": "user", "name": "x", "content": "u"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]},
      {"role": "tool", "tool_call_id": "1", "content": "t"}, {"role": "function", "content": "f"}],
      "model": "auto"})");
  EXPECT_EQ(TurnsOf(request), (Turns{{v1::ROLE_SYSTEM, "s"},
                                     {v1::ROLE_SYSTEM, "d"},
                                     {v1::ROLE_USER, "u"},
                                     {v1::ROLE_ASSISTANT, ""},
                                     {v1::ROLE_TOOL, "t"},
                                     {v1::ROLE_TOOL, "f"}}));
  EXPECT_FALSE(request.needs_vision || request.needs_tools || request.needs_json_schema ||
               request.has_unjudged);
}

TEST(ReadOpenAiRequest, PartsAreJoinedAndTellWhatIsNeeded) {
  const auto request = Read(R"({"messages": [{"role": "user", "content": [
      {"type": "text", "text": "one"}, {"image_url": {"url": "data:"}, "type": "image_url"},
      {"text": "two", "type": "text"}]}]})");
  EXPECT_THAT(TurnsOf(request), ElementsAre(Pair(v1::ROLE_USER, "one\ntwo")));
  EXPECT_TRUE(request.needs_vision);
  EXPECT_FALSE(request.has_unjudged);
  for (const char* type : {"input_audio", "file", "input_file", "hologram"}) {
    const auto other = Read(std::string(R"({"messages":[{"role":"user","content":[{"type":")") +
                            type + R"("}]}]})");
    EXPECT_TRUE(other.has_unjudged) << type;
    EXPECT_FALSE(other.needs_vision);
  }
  EXPECT_FALSE(Read(R"({"messages":[{"role":"user","content":"x"},
      {"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}]})")
                   .has_unjudged);
}

TEST(ReadOpenAiRequest, ToolsAndSchemas) {
  const auto with = [](const std::string& members) {
    return Read(R"({"messages":[{"role":"user","content":"x"}],)" + members + "}");
  };
  EXPECT_TRUE(with(R"("tools":[{"type":"function","function":{}}])").needs_tools);
  EXPECT_TRUE(with(R"("functions":[{}])").needs_tools);
  EXPECT_FALSE(with(R"("tools":[])").needs_tools);
  EXPECT_FALSE(with(R"("tools":null)").needs_tools);
  EXPECT_TRUE(
      with(R"("response_format":{"json_schema":{},"type":"json_schema"})").needs_json_schema);
  EXPECT_FALSE(with(R"("response_format":{"type":"json_object"})").needs_json_schema);
  EXPECT_FALSE(with(R"("response_format":null)").needs_json_schema);
  const auto responses = Read(
      R"({"input":"x","text":{"verbosity":"low","format":{"type":"json_schema"}},"tools":[{}]})",
      kResponses);
  EXPECT_TRUE(responses.needs_json_schema && responses.needs_tools);
}

TEST(ReadOpenAiRequest, ResponsesWithItems) {
  const auto request = Read(R"({"input": [
      {"role": "user", "content": "q"}, {"type": "reasoning", "summary": []},
      {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
      {"type": "function_call", "name": "f", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "1", "output": "r"},
      {"type": "computer_call_output", "output": {"type": "computer_screenshot"}},
      {"role": "user", "content": [{"type": "input_text", "text": "and?"},
                                   {"type": "input_image", "image_url": "data:"}]}],
      "instructions": "i"})",
                            kResponses);
  EXPECT_EQ(TurnsOf(request), (Turns{{v1::ROLE_SYSTEM, "i"},
                                     {v1::ROLE_USER, "q"},
                                     {v1::ROLE_ASSISTANT, "a"},
                                     {v1::ROLE_TOOL, "r"},
                                     {v1::ROLE_TOOL, ""},
                                     {v1::ROLE_USER, "and?"}}));
  EXPECT_TRUE(request.needs_vision);
  EXPECT_FALSE(request.has_unjudged);
}

TEST(ReadOpenAiRequest, TurnsThatTheProviderKeepsAreNotJudged) {
  EXPECT_TRUE(Read(R"({"input":"x","previous_response_id":"r"})", kResponses).has_unjudged);
  EXPECT_TRUE(Read(R"({"input":"x","conversation":"c"})", kResponses).has_unjudged);
  EXPECT_FALSE(Read(R"({"input":"x","previous_response_id":null})", kResponses).has_unjudged);
  // What came of a tool, and the question is elsewhere.
  const std::string output = R"("input":[{"type":"function_call_output","output":"r"}])";
  const auto request = Read("{" + output + R"(,"previous_response_id":"r"})", kResponses);
  EXPECT_EQ(TurnsOf(request), (Turns{{v1::ROLE_TOOL, "r"}, {v1::ROLE_USER, ""}}));
  EXPECT_EQ(FailureOf("{" + output + "}", kResponses).reason, FailureReason::kInvalidRequest);
}

TEST(ReadOpenAiRequest, NamesThePathOfWhatIsWrong) {
  const auto expect = [](std::string_view body, std::string_view param, std::string_view words,
                         OpenAiApi api = kChat) {
    const Failure failure = FailureOf(body, api);
    EXPECT_EQ(failure.reason, FailureReason::kInvalidRequest) << body;
    EXPECT_EQ(failure.param, param) << body;
    EXPECT_THAT(failure.message, HasSubstr(std::string(words))) << body;
  };
  expect("[]", "", "the body: must be an object; is an array");
  expect("{}", "messages", "messages: required; is absent");
  expect("{}", "input", "required; is absent", kResponses);
  expect(R"({"messages":{}})", "messages", "must be an array; is an object");
  expect(R"({"messages":[1]})", "messages[0]", "must be an object; is a number");
  expect(R"({"messages":[{"role":5}]})", "messages[0].role", "must be a string; is a number");
  expect(R"({"messages":[{"content":"x"}]})", "messages[0].role", "is absent");
  expect(R"({"messages":[{"role":"user","content":true}]})", "messages[0].content",
         "must be a string or an array of parts; is true or false");
  expect(R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})",
         "messages[0].content[0].type", "required");
  expect(R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
         "messages[0].content[0].text", "required");
  expect(R"({"messages":[],"tools":"x"})", "tools", "must be an array; is a string");
  expect(R"({"messages":[{"role":"system","content":"x"}]})", "messages", "turn of the user");
  expect(R"({"input":"x","text":{"format":{"type":1}}})", "text.format.type",
         "must be a string; is a number", kResponses);
}

TEST(ReadOpenAiRequest, WhatIsReadMustNotBeGivenTwice) {
  EXPECT_EQ(FailureOf(R"({"model":"a","mod\u0065l":"b"})").param, "model");
  EXPECT_EQ(FailureOf(R"({"messages":[{"role":"user","role":"tool"}]})").param, "messages[0].role");
  EXPECT_THAT(FailureOf(R"({"model":"a","model":"b"})").message, HasSubstr("given twice"));
  Read(R"({"messages":[{"role":"user","content":"x"}],"seed":1,"seed":2})");  // not read
}

TEST(ReadOpenAiRequest, TextAndTurnsAreBounded) {
  const std::string text(501, 'a');
  const std::string turn = R"({"role":"user","content":")" + text + R"("})";
  const Failure much = FailureOf(R"({"messages":[)" + turn + "," + turn + "]}");
  EXPECT_EQ(much.reason, FailureReason::kInputTooLarge);
  EXPECT_EQ(much.message,
            "messages[1]: must bring the text to at most 1000 bytes, all turns together; brings it "
            "to 1002");
  std::string turns = R"({"role":"user"})";
  for (int i = 0; i < 10; ++i) turns += R"(,{"role":"user"})";
  const Failure many = FailureOf(R"({"messages":[)" + turns + "]}");
  EXPECT_EQ(many.reason, FailureReason::kInputTooLarge);
  EXPECT_EQ(many.param, "messages[10]");
}

TEST(ReadOpenAiRequest, MalformedJsonComesBeforeAllElse) {
  const Failure failure = FailureOf(R"({"messages":[{"role":"user","content":"x"}],})");
  EXPECT_EQ(failure.reason, FailureReason::kMalformedJson);
  EXPECT_THAT(failure.message, HasSubstr("byte 44: "));
}

// Any body, with `model` anywhere in it or nowhere: all other bytes stay, and what is read from it
// is the same but for the model.
TEST(WithModel, ChangesTheModelAndNothingElse) {
  std::mt19937 random(3);
  const auto pick = [&random](auto&& list) { return list[random() % list.size()]; };
  const std::vector<std::string> spaces = {"", " ", "\n\t", "  \r\n"};
  const std::vector<std::string> models = {R"("auto")", R"("g\u0070t \"4\"")", "null",
                                           "5",         R"({"a":[1,"}"]})",    R"("")"};
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::string> members = {
        R"("messages":[{"role":"user","content":"\u00e9 \"model\": {"}])", R"("temperature":1.50)",
        R"("metadata":{"model":"inner"})"};
    const bool has_model = random() % 4 != 0;
    if (has_model)
      members.push_back("\"model\"" + pick(spaces) + ":" + pick(spaces) + pick(models));
    std::ranges::shuffle(members, random);
    std::string body = pick(spaces) + "{" + pick(spaces);
    for (size_t member = 0; member < members.size(); ++member) {
      body += (member > 0 ? "," : "") + pick(spaces) + members[member] + pick(spaces);
    }
    body += "}" + pick(spaces);

    const OpenAiRequest request = Read(body);
    const std::string changed = WithModel(body, request.model, "large-v2");
    auto expected = nlohmann::json::parse(body);
    expected["model"] = "large-v2";
    ASSERT_EQ(nlohmann::json::parse(changed), expected) << body;
    const ModelPlace& place = request.model;
    ASSERT_EQ(place.is_member, has_model);
    ASSERT_EQ(changed.substr(0, place.begin), body.substr(0, place.begin));
    const std::string rest = body.substr(place.end);
    ASSERT_EQ(changed.substr(changed.size() - rest.size()), rest);
    const OpenAiRequest again = Read(changed);
    ASSERT_EQ(TurnsOf(again), TurnsOf(request));
    ASSERT_EQ(WithModel(changed, again.model, "large-v2"), changed);
  }
}

// Whatever bytes come, there is an answer, and it is of the reasons that reading has.
TEST(ReadOpenAiRequest, AnyBytesAreReadOrRefused) {
  const std::string seed =
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\n"}]}],"tools":[]})";
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string body = seed;
    for (int edits = 0; edits < 3; ++edits)
      body[random() % body.size()] = static_cast<char>(random());
    body.resize(body.size() - random() % 5);
    OpenAiRequest request;
    const auto failure = ReadOpenAiRequest(body, kChat, kBounds, &request);
    if (!failure) continue;
    ASSERT_TRUE(failure->reason == FailureReason::kMalformedJson ||
                failure->reason == FailureReason::kInvalidRequest);
    ASSERT_FALSE(failure->message.empty());
  }
}

}  // namespace
}  // namespace pointsman::server

// pointsman route: one query, one decision.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/cli/input.h"
#include "client/cli/output.h"
#include "client/cli/request_options.h"
#include "client/cli/subcommand.h"
#include "pointsman/client/explain.h"

namespace pointsman::cli {
namespace {

constexpr char kFooter[] =
    "\nExamples:\n"
    "  pointsman route 'how do I undo the last commit?'\n"
    "  pointsman route --tradeoff 0.2 --max-cost-usd 0.01 --feature tools 'plan my trip'\n"
    "  git diff | pointsman route --policy quality --explain -\n"
    "  pointsman route --json --conversation chat.json | jq -r .model\n";

struct RouteOptions {
  std::vector<std::string> words;
  std::string file;
  std::string conversation;
  bool json = false;
  RequestOptions request;
};

absl::Status ReadQuery(const RouteOptions& options, v1::RouteRequest* request) {
  const int sources = (options.words.empty() ? 0 : 1) + (options.file.empty() ? 0 : 1) +
                      (options.conversation.empty() ? 0 : 1);
  if (sources != 1) {
    return absl::InvalidArgumentError(
        "give the query in exactly one way: as text, `-` for standard input, --file or "
        "--conversation");
  }
  const bool is_stdin = options.words.size() == 1 && options.words[0] == "-";
  if (!options.words.empty() && !is_stdin) {
    request->set_text(absl::StrJoin(options.words, " "));
    return absl::OkStatus();
  }
  const std::string path = is_stdin                       ? "-"
                           : options.conversation.empty() ? options.file
                                                          : options.conversation;
  absl::StatusOr<std::string> contents = ReadInput(path);
  if (!contents.ok()) return contents.status();
  if (options.conversation.empty()) {
    request->set_text(*std::move(contents));
    return absl::OkStatus();
  }
  absl::StatusOr<v1::Conversation> conversation = ParseConversation(*contents, path);
  if (!conversation.ok()) return conversation.status();
  *request->mutable_conversation() = *std::move(conversation);
  return absl::OkStatus();
}

ExitCode RunRoute(const RouteOptions& options, const ConnectionOptions& connection) {
  v1::RouteRequest request = ToRequest(options.request);
  if (const absl::Status status = ReadQuery(options, &request); !status.ok()) return Refuse(status);
  const auto client = Connect(connection);
  if (!client.ok()) return Refuse(client.status());
  const absl::StatusOr<v1::RouteResponse> response = (*client)->Route(request);
  if (!response.ok()) return Fail(response.status());
  std::cout << (options.json ? ToJson(*response, JsonStyle::kIndented)
                             : client::ExplainText(*response, {.colour = UseColour(),
                                                               .reasons = request.explain()}));
  return response->outcome() == v1::OUTCOME_CHOSEN ? kOk : kNoChoice;
}

}  // namespace

Subcommand AddRoute(CLI::App* parent) {
  auto options = std::make_shared<RouteOptions>();
  CLI::App* app = parent->add_subcommand("route", "Decide which model should answer one query");
  app->footer(kFooter);
  app->add_option("text", options->words, "The query; `-` reads standard input");
  app->add_option("--file", options->file, "File that holds the query");
  app->add_option("--conversation", options->conversation,
                  "JSON file of turns: [{\"role\": \"user\", \"content\": \"...\"}, ...]");
  app->add_flag("--json", options->json, "Print the response as JSON")->group("Answer");
  AddRequestOptions(app, &options->request);
  return {app, [options](const ConnectionOptions& connection) {
            return RunRoute(*options, connection);
          }};
}

}  // namespace pointsman::cli

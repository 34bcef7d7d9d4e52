// The conformance agent of the C++ client: does what PROTOCOL.md says, one thread a command.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "nlohmann/json.hpp"
#include "pointsman/client/client.h"
#include "pointsman/client/default_ranking.h"
#include "pointsman/client/explain.h"
#include "pointsman/client/options.h"
#include "pointsman/client/status.h"

namespace {

namespace client = pointsman::client;
namespace v1 = pointsman::v1;
using Json = nlohmann::json;
using std::chrono::milliseconds;

template <typename Message>
absl::StatusOr<Message> Decode(const Json& base64) {
  std::string bytes;
  Message message;
  if (!absl::Base64Unescape(base64.get<std::string>(), &bytes) || !message.ParseFromString(bytes)) {
    return absl::InvalidArgumentError("the command holds no message in base64");
  }
  return message;
}

template <typename Message>
std::string Encode(const Message& message) {
  return absl::Base64Escape(message.SerializeAsString());
}

// INVALID_ARGUMENT, as gRPC names its codes.
std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

Json ErrorOf(const absl::Status& status) {
  Json error = {
      {"ok", false}, {"code", CodeName(status.code())}, {"message", std::string(status.message())}};
  for (const client::FieldViolation& violation : client::FieldViolations(status)) {
    error["field_violations"].push_back(
        {{"field", violation.field}, {"problem", violation.problem}});
  }
  if (const auto delay = client::RetryDelay(status)) error["retry_delay_ms"] = delay->count();
  return error;
}

template <typename Message>
Json AnswerOf(const absl::StatusOr<Message>& response) {
  if (!response.ok()) return ErrorOf(response.status());
  return {{"ok", true}, {"response", Encode(*response)}};
}

void Read(const Json& options, const char* name, milliseconds* out) {
  if (options.contains(name)) *out = milliseconds(options[name].get<int64_t>());
}

template <typename Value>
void Read(const Json& options, const char* name, Value* out) {
  if (options.contains(name)) *out = options[name].get<Value>();
}

absl::StatusOr<client::ConnectOptions> ReadOptions(const Json& json) {
  client::ConnectOptions options;
  Read(json, "target", &options.target);
  Read(json, "api_key", &options.api_key);
  Read(json, "allow_api_key_without_tls", &options.allow_api_key_without_tls);
  Read(json, "deadline_ms", &options.deadline);
  Read(json, "max_attempts", &options.retry.max_attempts);
  Read(json, "initial_backoff_ms", &options.retry.initial_backoff);
  Read(json, "max_backoff_ms", &options.retry.max_backoff);
  Read(json, "backoff_multiplier", &options.retry.backoff_multiplier);
  Read(json, "keepalive_interval_ms", &options.keepalive_interval);
  Read(json, "keepalive_timeout_ms", &options.keepalive_timeout);
  Read(json, "balance_by_health", &options.balance_by_health);
  Read(json, "max_response_bytes", &options.max_response_bytes);
  if (json.contains("tls")) {
    const Json& tls = json["tls"];
    auto read = client::ReadTlsFiles(tls.value("ca_file", ""), tls.value("certificate_file", ""),
                                     tls.value("key_file", ""));
    if (!read.ok()) return read.status();
    read->server_name = tls.value("server_name", "");
    options.tls = *std::move(read);
  }
  return options;
}

class Agent {
 public:
  // To the end of standard input, and of everything begun.
  void Run() {
    std::string line;
    while (std::getline(std::cin, line)) {
      Json command = Json::parse(line);
      if (command["op"] == "connect") {
        Answer(command, Connect(command));
        continue;
      }
      {
        const std::lock_guard lock(mutex_);
        ++running_;
      }
      std::thread([this, command = std::move(command)] {
        Answer(command, Do(command));
        const std::lock_guard lock(mutex_);
        if (--running_ == 0) idle_.notify_all();
      }).detach();
    }
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  Json Connect(const Json& command) {
    const auto options = ReadOptions(command["options"]);
    if (!options.ok()) return ErrorOf(options.status());
    auto made = client::Client::Create(*options);
    if (!made.ok()) return ErrorOf(made.status());
    const std::lock_guard lock(mutex_);
    clients_[command["client"]] = *std::move(made);
    return {{"ok", true}};
  }

  std::shared_ptr<client::Client> Named(const Json& command) {
    const std::lock_guard lock(mutex_);
    const auto found = clients_.find(command.value("client", ""));
    return found == clients_.end() ? nullptr : found->second;
  }

  Json Do(const Json& command) {
    const std::string op = command["op"];
    if (op == "explain") {
      const auto response = Decode<v1::RouteResponse>(command["response"]);
      if (!response.ok()) return ErrorOf(response.status());
      return {{"ok", true}, {"text", client::ExplainText(*response)}};
    }
    if (op == "rank_from_catalogue") return RankFromCatalogue(command);
    if (op == "close") {
      const std::lock_guard lock(mutex_);
      clients_.erase(command.value("client", ""));
      return {{"ok", true}};
    }
    const std::shared_ptr<client::Client> router = Named(command);
    if (router == nullptr) return ErrorOf(absl::FailedPreconditionError("no client of that name"));
    client::CallOptions call;
    if (command.contains("deadline_ms")) call.deadline = milliseconds(command["deadline_ms"]);
    if (op == "route") {
      const auto request = Decode<v1::RouteRequest>(command["request"]);
      return request.ok() ? AnswerOf(router->Route(*request, call)) : ErrorOf(request.status());
    }
    if (op == "batch_route") {
      const auto request = Decode<v1::BatchRouteRequest>(command["request"]);
      return request.ok() ? AnswerOf(router->BatchRoute(*request, call))
                          : ErrorOf(request.status());
    }
    if (op == "get_catalogue") return AnswerOf(router->GetCatalogue(call));
    if (op == "check_health") {
      const auto health = router->CheckHealth(call);
      if (!health.ok()) return ErrorOf(health.status());
      return {{"ok", true},
              {"health", *health == client::Health::kServing ? "SERVING" : "NOT_SERVING"}};
    }
    if (op == "default_counts") return Counts(router->default_counts());
    if (op == "route_or_default" || op == "explain_routed") {
      return RouteOrDefault(command, *router, call, op == "explain_routed");
    }
    return ErrorOf(absl::UnimplementedError("no such op: " + op));
  }

  static Json RankFromCatalogue(const Json& command) {
    const auto catalogue = Decode<v1::Catalogue>(command["catalogue"]);
    if (!catalogue.ok()) return ErrorOf(catalogue.status());
    const auto ranking =
        client::RankFromCatalogue(*catalogue, command["ids"].get<std::vector<std::string>>());
    if (!ranking.ok()) return ErrorOf(ranking.status());
    Json models = Json::array();
    for (const v1::Model& model : ranking->models) models.push_back(Encode(model));
    return {{"ok", true}, {"ranking", models}};
  }

  static Json Counts(const client::DefaultCounts& counts) {
    Json per_code = Json::object();
    for (const auto& [code, count] : counts.by_default_per_code) per_code[CodeName(code)] = count;
    return {{"ok", true},
            {"by_router", counts.by_router},
            {"by_default", counts.by_default},
            {"by_default_per_code", per_code}};
  }

  static Json RouteOrDefault(const Json& command, client::Client& router,
                             const client::CallOptions& call, bool explain) {
    const auto request = Decode<v1::RouteRequest>(command["request"]);
    if (!request.ok()) return ErrorOf(request.status());
    client::DefaultRanking ranking;
    for (const Json& base64 : command["ranking"]) {
      const auto model = Decode<v1::Model>(base64);
      if (!model.ok()) return ErrorOf(model.status());
      ranking.models.push_back(*model);
    }
    const client::Routed routed = router.RouteOrDefault(*request, ranking, call);
    if (explain) return {{"ok", true}, {"text", client::ExplainText(routed)}};
    const bool by_router = routed.source == client::Source::kRouter;
    Json answer = {{"ok", true},
                   {"source", by_router ? "router" : "default"},
                   {"response", Encode(routed.response)},
                   {"unchecked_limits", routed.unchecked_limits}};
    if (!by_router) answer["router_error"] = ErrorOf(routed.router_error);
    return answer;
  }

  void Answer(const Json& command, Json answer) {
    answer["id"] = command["id"];
    const std::string line = answer.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    const std::lock_guard lock(output_mutex_);
    std::cout << line << std::flush;
  }

  std::mutex mutex_;
  std::mutex output_mutex_;
  std::condition_variable idle_;
  int running_ = 0;
  std::map<std::string, std::shared_ptr<client::Client>> clients_;
};

}  // namespace

int main() {
  Agent().Run();
  return 0;
}

// pointsman status: is a router there, does it serve, and what.
#include <iostream>
#include <memory>

#include "absl/strings/str_format.h"
#include "client/cli/output.h"
#include "client/cli/subcommand.h"
#include "nlohmann/json.hpp"
#include "pointsman/client/text_table.h"

namespace pointsman::cli {
namespace {

constexpr char kFooter[] =
    "\nExits with 0 if the server is serving, 1 if it answers but does not serve, 3 if it cannot\n"
    "be reached.\n"
    "\nExamples:\n"
    "  pointsman status --target router.internal:7431\n"
    "  until pointsman status --timeout-ms 500; do sleep 1; done\n";

constexpr size_t kMaxTextCharacters = 90;

std::string StatusJson(const std::string& target, bool serving,
                       const v1::GetCatalogueResponse& served) {
  nlohmann::ordered_json json;
  json["target"] = target;
  json["serving"] = serving;
  json["server_version"] = served.server_version();
  json["bundle_version"] = served.bundle_version();
  json["bundle_digest"] = served.bundle_digest();
  json["embedder_id"] = served.embedder_id();
  json["exemplar_count"] = served.exemplar_count();
  json["models"] = served.catalogue().models_size();
  json["capabilities"] = served.catalogue().capabilities_size();
  json["default_policy"] = served.policies().default_policy();
  return json.dump(/*indent=*/1) + "\n";
}

std::string StatusText(const std::string& target, bool serving,
                       const v1::GetCatalogueResponse& served) {
  const client::Paint paint(UseColour());
  const auto known = [](const std::string& text) { return text.empty() ? "not named" : text; };
  std::string text = absl::StrFormat(
      "%s  %s\n", serving ? paint.Good("serving") : paint.Bad("not serving"), target);
  if (!serving) return text;
  absl::StrAppendFormat(&text, "  server    %s\n",
                        known(client::OneLine(served.server_version(), kMaxTextCharacters)));
  absl::StrAppendFormat(&text, "  bundle    %s\n",
                        known(client::OneLine(served.bundle_version(), kMaxTextCharacters)));
  absl::StrAppendFormat(&text, "  digest    %s\n", served.bundle_digest());
  absl::StrAppendFormat(&text, "  embedder  %s\n", served.embedder_id());
  absl::StrAppendFormat(&text, "  holds     %d models, %d capabilities, %d exemplars\n",
                        served.catalogue().models_size(), served.catalogue().capabilities_size(),
                        served.exemplar_count());
  absl::StrAppendFormat(&text, "  policies  %d, default %s\n", served.policies().policies_size(),
                        served.policies().default_policy());
  return text;
}

ExitCode RunStatus(bool json, const ConnectionOptions& connection) {
  const auto options = Resolve(connection, kDefaultTimeout);
  if (!options.ok()) return Refuse(options.status());
  const auto client = client::Client::Create(*options);
  if (!client.ok()) return Refuse(client.status());
  const absl::StatusOr<client::Health> health = (*client)->CheckHealth();
  if (!health.ok()) return Fail(health.status());
  const bool serving = *health == client::Health::kServing;
  v1::GetCatalogueResponse served;
  if (serving) {
    absl::StatusOr<v1::GetCatalogueResponse> catalogue = (*client)->GetCatalogue();
    if (!catalogue.ok()) return Fail(catalogue.status());
    served = *std::move(catalogue);
  }
  std::cout << (json ? StatusJson(options->target, serving, served)
                     : StatusText(options->target, serving, served));
  return serving ? kOk : kFailed;
}

}  // namespace

Subcommand AddStatus(CLI::App* parent) {
  auto json = std::make_shared<bool>(false);
  CLI::App* app = parent->add_subcommand("status", "Tell whether the server is serving, and what");
  app->footer(kFooter);
  app->add_flag("--json", *json, "Print JSON");
  return {app,
          [json](const ConnectionOptions& connection) { return RunStatus(*json, connection); }};
}

}  // namespace pointsman::cli

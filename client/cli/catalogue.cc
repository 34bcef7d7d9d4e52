// pointsman catalogue: what can be chosen from, and by which policies.
#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/output.h"
#include "client/cli/request_options.h"
#include "client/cli/subcommand.h"
#include "pointsman/client/text_table.h"

namespace pointsman::cli {
namespace {

using client::OneLine;
using client::Paint;
using client::TextTable;
using Align = TextTable::Align;

constexpr char kFooter[] =
    "\nExamples:\n"
    "  pointsman catalogue\n"
    "  pointsman catalogue --json | jq '.catalogue.models[].id'\n";
constexpr size_t kMaxTextCharacters = 90;

std::string Price(bool known, double usd_per_mtok) {
  return known ? absl::StrFormat("%.3f", usd_per_mtok) : "unknown";
}

std::string Models(const v1::Catalogue& catalogue, const Paint& paint) {
  TextTable table({{"model"},
                   {"provider"},
                   {"USD/Mtok in", Align::kRight},
                   {"out", Align::kRight},
                   {"context", Align::kRight},
                   {"tokens/s", Align::kRight},
                   {"first token ms", Align::kRight},
                   {"features"},
                   {"tags"}});
  for (const v1::Model& model : catalogue.models()) {
    table.AddRow({model.id(), model.provider(),
                  Price(model.has_input_usd_per_mtok(), model.input_usd_per_mtok()),
                  Price(model.has_output_usd_per_mtok(), model.output_usd_per_mtok()),
                  model.has_context_window_tokens() ? absl::StrCat(model.context_window_tokens())
                                                    : "unknown",
                  model.has_output_tokens_per_second()
                      ? absl::StrFormat("%.0f", model.output_tokens_per_second())
                      : "unknown",
                  model.has_time_to_first_token_ms()
                      ? absl::StrFormat("%.0f", model.time_to_first_token_ms())
                      : "unknown",
                  absl::StrJoin(model.features(), ","), absl::StrJoin(model.tags(), ",")});
  }
  return table.Render(paint);
}

std::string Capabilities(const v1::Catalogue& catalogue, const Paint& paint) {
  if (catalogue.capabilities().empty()) return {};
  TextTable table({{"capability"}, {"description"}});
  for (const v1::Capability& capability : catalogue.capabilities()) {
    table.AddRow({capability.id(), OneLine(capability.description(), kMaxTextCharacters)});
  }
  return "\n" + table.Render(paint);
}

std::string Policies(const v1::PolicySet& policies, const Paint& paint) {
  TextTable table({{"policy"},
                   {"objective"},
                   {"tradeoff", Align::kRight},
                   {"rules", Align::kRight},
                   {"description"}});
  for (const v1::Policy& policy : policies.policies()) {
    std::vector<std::string> cells = {
        policy.name(),
        policy.objective() == v1::OBJECTIVE_UNSPECIFIED ? ObjectiveName(v1::OBJECTIVE_BEST_VALUE)
                                                        : ObjectiveName(policy.objective()),
        policy.has_tradeoff() ? absl::StrFormat("%.2f", policy.tradeoff()) : "",
        policy.rules().empty() ? "" : absl::StrCat(policy.rules_size()),
        OneLine(policy.description(), kMaxTextCharacters)};
    if (policy.name() == policies.default_policy()) {
      cells[0] += " (default)";
      table.AddMarkedRow(std::move(cells));
    } else {
      table.AddRow(std::move(cells));
    }
  }
  return "\n" + table.Render(paint);
}

ExitCode RunCatalogue(bool json, const ConnectionOptions& connection) {
  const auto client = Connect(connection);
  if (!client.ok()) return Refuse(client.status());
  const absl::StatusOr<v1::GetCatalogueResponse> response = (*client)->GetCatalogue();
  if (!response.ok()) return Fail(response.status());
  if (json) {
    std::cout << ToJson(*response, JsonStyle::kIndented);
    return kOk;
  }
  const Paint paint(UseColour());
  std::cout << Models(response->catalogue(), paint) << Capabilities(response->catalogue(), paint)
            << Policies(response->policies(), paint)
            << absl::StrFormat("\nbundle %s, %d exemplars\n", response->bundle_digest(),
                               response->exemplar_count());
  return kOk;
}

}  // namespace

Subcommand AddCatalogue(CLI::App* parent) {
  auto json = std::make_shared<bool>(false);
  CLI::App* app =
      parent->add_subcommand("catalogue", "List the models, capabilities and policies served");
  app->footer(kFooter);
  app->add_flag("--json", *json, "Print JSON");
  return {app,
          [json](const ConnectionOptions& connection) { return RunCatalogue(*json, connection); }};
}

}  // namespace pointsman::cli

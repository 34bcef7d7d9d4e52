#include "client/cli/request_options.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace pointsman::cli {
namespace {

constexpr char kPreference[] = "Preference";
constexpr char kLimits[] = "Hard limits and requirements";
constexpr char kContext[] = "What the caller knows";
constexpr char kAnswer[] = "Answer";

constexpr char kObjectivePrefix[] = "OBJECTIVE_";

// CLI11 hands the text over to be replaced by the number of the enum; an error is returned as text.
std::string TransformObjective(std::string& text) {
  const std::optional<v1::Objective> objective = FindObjective(text);
  if (!objective.has_value()) {
    return "must be best-value, cheapest-good-enough or most-capable-within; is " + text;
  }
  text = absl::StrCat(static_cast<int>(*objective));
  return {};
}

void AddLimits(CLI::App* app, RequestOptions* options) {
  app->add_option("--max-cost-usd", options->max_cost_usd, "Largest expected cost, USD")
      ->group(kLimits);
  app->add_option("--max-latency-ms", options->max_latency_ms,
                  "Largest expected time to the last token, milliseconds")
      ->group(kLimits);
  app->add_option("--min-success", options->min_success_probability,
                  "Least probability of an acceptable answer, 0 to 1")
      ->group(kLimits);
  // One value each, so that a text after the option is not taken for another name.
  const auto names = [app](const char* flag, std::vector<std::string>* to, const char* help) {
    app->add_option(flag, *to, help)->delimiter(',')->allow_extra_args(false)->group(kLimits);
  };
  names("--feature", &options->features, "Feature a model must have, such as tools; repeatable");
  names("--tag", &options->tags, "Tag a model must have, such as region:eu; repeatable");
  names("--allow", &options->allow_models, "Only these models, comma-separated; repeatable");
  names("--deny", &options->deny_models, "None of these models, comma-separated; repeatable");
  app->add_option("--context-tokens", options->context_tokens,
                  "Context window a model must have [what the request needs]")
      ->group(kLimits);
}

void AddContext(CLI::App* app, RequestOptions* options) {
  app->add_option("--input-tokens", options->input_tokens, "Tokens of the whole prompt [estimated]")
      ->group(kContext);
  app->add_option("--output-tokens", options->expected_output_tokens,
                  "Tokens expected of the answer [estimated]")
      ->group(kContext);
  CLI::Option* incumbent =
      app->add_option("--incumbent", options->incumbent, "Model that has answered so far")
          ->group(kContext);
  app->add_option("--cached-tokens", options->cached_input_tokens,
                  "Input tokens that the incumbent's provider has cached")
      ->needs(incumbent)
      ->group(kContext);
  app->add_option("--assignment-key", options->assignment_key,
                  "Stable key for exploration, such as a user id")
      ->group(kContext);
  app->add_option("--correlation-id", options->correlation_id,
                  "Returned unchanged and logged by the server")
      ->group(kContext);
}

}  // namespace

std::string ObjectiveName(v1::Objective objective) {
  if (objective == v1::OBJECTIVE_UNSPECIFIED) return {};
  const std::string full = v1::Objective_Name(objective);
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(full, kObjectivePrefix)),
                             {{"_", "-"}});
}

std::optional<v1::Objective> FindObjective(const std::string& name) {
  const std::string full =
      kObjectivePrefix + absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}}));
  v1::Objective objective = v1::OBJECTIVE_UNSPECIFIED;
  if (!v1::Objective_Parse(full, &objective) || objective == v1::OBJECTIVE_UNSPECIFIED) {
    return std::nullopt;
  }
  return objective;
}

void AddRequestOptions(CLI::App* app, RequestOptions* options) {
  app->add_option("--policy", options->policy, "Policy of the bundle [its default]")
      ->group(kPreference);
  app->add_option("--objective", options->objective,
                  "best-value, cheapest-good-enough or most-capable-within [the policy's]")
      ->transform(CLI::Validator(TransformObjective, "NAME"))
      ->group(kPreference);
  app->add_option("--tradeoff", options->tradeoff, "0 = quality only, 1 = cost only [the policy's]")
      ->group(kPreference);
  AddLimits(app, options);
  AddContext(app, options);
  app->add_flag("--explain", options->explain,
                "Also evidence, rules that fired and what would change it")
      ->group(kAnswer);
  app->add_option("--max-candidates", options->max_candidates, "Ranked candidates to return [all]")
      ->group(kAnswer);
}

v1::RouteRequest ToRequest(const RequestOptions& options) {
  v1::RouteRequest request;
  request.set_policy(options.policy);
  request.set_objective(options.objective);
  if (options.tradeoff) request.set_tradeoff(*options.tradeoff);
  if (options.max_cost_usd) request.mutable_limits()->set_max_cost_usd(*options.max_cost_usd);
  if (options.max_latency_ms) request.mutable_limits()->set_max_latency_ms(*options.max_latency_ms);
  if (options.min_success_probability) {
    request.mutable_limits()->set_min_success_probability(*options.min_success_probability);
  }
  v1::Requirements requirements;
  requirements.mutable_features()->Assign(options.features.begin(), options.features.end());
  requirements.mutable_tags()->Assign(options.tags.begin(), options.tags.end());
  requirements.mutable_allow_models()->Assign(options.allow_models.begin(),
                                              options.allow_models.end());
  requirements.mutable_deny_models()->Assign(options.deny_models.begin(),
                                             options.deny_models.end());
  if (options.context_tokens) requirements.set_context_tokens(*options.context_tokens);
  if (requirements.ByteSizeLong() > 0) *request.mutable_requirements() = std::move(requirements);
  if (options.input_tokens) request.set_input_tokens(*options.input_tokens);
  if (options.expected_output_tokens) {
    request.set_expected_output_tokens(*options.expected_output_tokens);
  }
  if (!options.incumbent.empty()) {
    request.mutable_incumbent()->set_model(options.incumbent);
    request.mutable_incumbent()->set_cached_input_tokens(options.cached_input_tokens);
  }
  request.set_assignment_key(options.assignment_key);
  request.set_correlation_id(options.correlation_id);
  request.set_max_candidates(options.max_candidates);
  request.set_explain(options.explain);
  return request;
}

}  // namespace pointsman::cli

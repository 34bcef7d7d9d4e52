// Flags -> the parts of a RouteRequest that say how to decide (everything but the input).
#ifndef POINTSMAN_CLIENT_CLI_REQUEST_OPTIONS_H_
#define POINTSMAN_CLIENT_CLI_REQUEST_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "pointsman/v1/router.pb.h"

namespace pointsman::cli {

struct RequestOptions {
  std::string policy;
  v1::Objective objective = v1::OBJECTIVE_UNSPECIFIED;
  std::optional<double> tradeoff;
  std::optional<double> max_cost_usd;
  std::optional<double> max_latency_ms;
  std::optional<double> min_success_probability;
  std::vector<std::string> features;
  std::vector<std::string> tags;
  std::optional<int64_t> context_tokens;
  std::vector<std::string> allow_models;
  std::vector<std::string> deny_models;
  std::string incumbent;
  int64_t cached_input_tokens = 0;
  std::optional<int64_t> input_tokens;
  std::optional<int64_t> expected_output_tokens;
  std::string assignment_key;
  std::string correlation_id;
  int max_candidates = 0;
  bool explain = false;
};

// OBJECTIVE_BEST_VALUE <-> "best-value". No objective has the name "".
std::string ObjectiveName(v1::Objective objective);
std::optional<v1::Objective> FindObjective(const std::string& name);

void AddRequestOptions(CLI::App* app, RequestOptions* options);

// Bounds are the server's to check: it knows the catalogue, and says field, bound and value.
v1::RouteRequest ToRequest(const RequestOptions& options);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_REQUEST_OPTIONS_H_

#include "tests/index/evaluate/decision_records.h"

#include <algorithm>
#include <iterator>
#include <random>

#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/index/engine/tiny_bundle.h"

namespace pointsman::evaluate {

v1::DecisionRecord RecordOf(const Engine& engine, const v1::RouteRequest& request,
                            const std::string& decision_id, int logged) {
  const v1::RouteResponse response = Decide(engine, request);
  v1::DecisionRecord record;
  record.mutable_time()->set_seconds(1'795'000'000);
  record.set_decision_id(decision_id);
  record.set_method("Route");
  record.set_bundle_digest(response.provenance().bundle_digest());
  record.set_policy(response.provenance().policy());
  record.set_policy_digest(response.provenance().policy_digest());
  record.set_outcome(response.outcome());
  record.set_model(response.model());
  record.set_confidence(response.confidence());
  record.set_margin(response.margin());
  record.set_familiarity(response.familiarity());
  record.set_explored(response.provenance().explored());
  const int kept = std::min(logged, response.candidates_size());
  for (int i = 0; i < kept; ++i) {
    v1::DecisionCandidate* candidate = record.add_candidates();
    candidate->set_model(response.candidates(i).model());
    candidate->set_success_probability(response.candidates(i).success_probability());
  }
  record.set_candidates_omitted(response.candidates_size() - kept);
  *record.mutable_rejected() = response.rejected();
  *record.mutable_request() = request;
  return record;
}

std::vector<v1::RouteRequest> VariedRequests(size_t count) {
  const std::vector<std::string> words = {"hello", "prove",  "bug", "python",     "lemma",
                                          "nice",  "the",    "sum", "\"quoted\"", "line\nfeed",
                                          "naïve", "\u2028", "😀",  "zzz",        "?"};
  std::mt19937 random(5);
  const auto text = [&] {
    std::string result;
    for (size_t n = random() % 6; n > 0; --n) result += words[random() % words.size()] + " ";
    return result;
  };
  std::vector<v1::RouteRequest> requests;
  for (size_t i = 0; i < count; ++i) {
    v1::RouteRequest request;
    if (i % 7 == 3) {
      v1::Turn* turn = request.mutable_conversation()->add_turns();
      turn->set_role(v1::ROLE_SYSTEM);
      turn->set_content(text());
      turn = request.mutable_conversation()->add_turns();
      turn->set_role(v1::ROLE_USER);
      turn->set_content(text());
    } else if (i % 11 == 5) {
      request.mutable_embedding()->set_embedder_id(TinyEngine().manifest().embedder_id());
      for (const float value : VectorOf("hello " + text())) {
        request.mutable_embedding()->add_values(value);
      }
    } else {
      request.set_text(text());
    }
    if (i % 3 == 1) request.set_policy(i % 2 == 0 ? "quality" : "guarded");
    if (i % 5 == 2) request.set_tradeoff(static_cast<double>(random() % 100) / 100);
    if (i % 13 == 6) request.mutable_limits()->set_min_success_probability(0.9);
    if (i % 17 == 8) request.mutable_requirements()->add_features("tools");
    if (i % 4 == 0) request.set_assignment_key("user-" + std::to_string(i % 50));
    if (i % 19 == 9) request.set_max_candidates(1);
    requests.push_back(std::move(request));
  }
  return requests;
}

std::string ToLine(const v1::DecisionRecord& record) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(record, &line, options).ok());
  return line + "\n";
}

}  // namespace pointsman::evaluate

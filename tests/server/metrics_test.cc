#include "server/metrics.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/v1/router.pb.h"
#include "server/bundle_metrics.h"

namespace pointsman::server {
namespace {

using Labels = std::map<std::string, std::string>;

// The one series of `name` with exactly these labels.
const prometheus::ClientMetric* Find(const std::vector<prometheus::MetricFamily>& families,
                                     const std::string& name, const Labels& labels) {
  for (const auto& family : families) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      Labels found;
      for (const auto& label : metric.label) found[label.name] = label.value;
      if (found == labels) return &metric;
    }
  }
  return nullptr;
}

size_t SeriesCount(const Metrics& metrics) {
  size_t count = 0;
  for (const auto& family : metrics.Collect()) count += family.metric.size();
  return count;
}

double CounterValue(const Metrics& metrics, const std::string& name, const Labels& labels) {
  const auto families = metrics.Collect();
  const auto* metric = Find(families, name, labels);
  EXPECT_NE(metric, nullptr) << name;
  return metric == nullptr ? -1 : metric->counter.value;
}

class BundleMetricsTest : public ::testing::Test {
 protected:
  BundleMetricsTest() {
    for (const char* id : {"small", "large"}) catalogue_.add_models()->set_id(id);
    for (const char* name : {"economy", "quality"}) policies_.add_policies()->set_name(name);
  }

  static v1::RouteResponse Choice(const std::string& model, double confidence) {
    v1::RouteResponse response;
    response.set_outcome(v1::OUTCOME_CHOSEN);
    response.set_model(model);
    response.set_confidence(confidence);
    response.mutable_provenance()->set_policy("economy");
    response.mutable_baseline()->set_success_probability(0.75);
    return response;
  }

  v1::Catalogue catalogue_;
  v1::PolicySet policies_;
  Metrics metrics_{"1.2.3"};
};

TEST_F(BundleMetricsTest, EverySeriesIsThereBeforeTraffic) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  for (const char* policy : {"economy", "quality"}) {
    for (const char* model : {"small", "large"}) {
      EXPECT_EQ(CounterValue(metrics_, "pointsman_decisions_total",
                             {{"model", model}, {"policy", policy}, {"outcome", "chosen"}}),
                0);
    }
    EXPECT_EQ(CounterValue(metrics_, "pointsman_decisions_total",
                           {{"model", "(none)"}, {"policy", policy}, {"outcome", "abstained"}}),
              0);
  }
}

TEST_F(BundleMetricsTest, CountsADecisionByModelPolicyAndOutcome) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  bundle.RecordDecision(Choice("large", 0.9));
  v1::RouteResponse infeasible;
  infeasible.set_outcome(v1::OUTCOME_INFEASIBLE);
  infeasible.mutable_provenance()->set_policy("quality");
  bundle.RecordDecision(infeasible);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_decisions_total",
                         {{"model", "large"}, {"policy", "economy"}, {"outcome", "chosen"}}),
            1);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_decisions_total",
                         {{"model", "(none)"}, {"policy", "quality"}, {"outcome", "infeasible"}}),
            1);
}

TEST_F(BundleMetricsTest, CountsRejectionsAndDegradations) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse response = Choice("small", 0.8);
  response.add_rejected()->set_reason(v1::REJECTION_REASON_COST_ABOVE_LIMIT);
  response.add_degradations()->set_kind(v1::DEGRADATION_KIND_EMPTY_INPUT);
  response.add_degradations()->set_kind(v1::DEGRADATION_KIND_NO_TEXT);
  bundle.RecordDecision(response);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_rejections_total", {{"reason", "cost_above_limit"}}),
            1);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_degradations_total", {{"kind", "empty_input"}}), 1);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_degradations_total", {{"kind", "no_text"}}), 1);
}

TEST_F(BundleMetricsTest, AddsUpCostsOnlyWhereBothSidesAreKnown) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse response = Choice("small", 0.8);
  auto* candidate = response.add_candidates();
  candidate->set_model("small");
  candidate->set_cost_usd(0.25);
  bundle.RecordDecision(response);  // the cost of the best single model is not known
  response.mutable_baseline()->set_cost_usd(1.5);
  bundle.RecordDecision(response);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_expected_cost_usd_total", {{"policy", "economy"}}),
            0.25);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_expected_best_single_cost_usd_total",
                         {{"policy", "economy"}}),
            1.5);
}

TEST_F(BundleMetricsTest, KeepsQualityGivenUpAndGainedApart) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  bundle.RecordDecision(Choice("small", 0.5));
  bundle.RecordDecision(Choice("large", 1));
  EXPECT_EQ(
      CounterValue(metrics_, "pointsman_expected_quality_given_up_total", {{"policy", "economy"}}),
      0.25);
  EXPECT_EQ(
      CounterValue(metrics_, "pointsman_expected_quality_gained_total", {{"policy", "economy"}}),
      0.25);
}

TEST_F(BundleMetricsTest, ObservesStagesInSeconds) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse response = Choice("small", 0.8);
  response.mutable_timings()->set_search_us(250);
  bundle.RecordDecision(response);
  const auto families = metrics_.Collect();
  const auto* search = Find(families, "pointsman_stage_duration_seconds", {{"stage", "search"}});
  ASSERT_NE(search, nullptr);
  EXPECT_EQ(search->histogram.sample_count, 1u);
  EXPECT_DOUBLE_EQ(search->histogram.sample_sum, 250e-6);
}

TEST_F(BundleMetricsTest, ObservesConfidenceOfChoicesOnly) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse abstained;
  abstained.set_outcome(v1::OUTCOME_ABSTAINED);
  abstained.mutable_provenance()->set_policy("economy");
  bundle.RecordDecision(abstained);
  const auto families = metrics_.Collect();
  EXPECT_EQ(Find(families, "pointsman_confidence", {})->histogram.sample_count, 0u);
  EXPECT_EQ(Find(families, "pointsman_familiarity", {})->histogram.sample_count, 1u);
}

TEST_F(BundleMetricsTest, AddsUpWhatQueriesWereJudgedToNeed) {
  for (const char* id : {"greeting", "sql"}) catalogue_.add_capabilities()->set_id(id);
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse response = Choice("small", 0.8);
  const auto need = [&response](const char* capability, double weight) {
    auto* part = response.add_capabilities();
    part->set_capability(capability);
    part->set_weight(weight);
  };
  need("greeting", 0.75);
  need("cluster-3", 0.125);  // of no catalogue
  bundle.RecordDecision(response);
  bundle.RecordDecision(response);
  EXPECT_EQ(
      CounterValue(metrics_, "pointsman_capability_weight_total", {{"capability", "greeting"}}),
      1.5);
  EXPECT_EQ(CounterValue(metrics_, "pointsman_capability_weight_total", {{"capability", "sql"}}),
            0);
}

TEST_F(BundleMetricsTest, ObservesTheEvidenceOfTheChoice) {
  const BundleMetrics bundle(catalogue_, policies_, metrics_);
  v1::RouteResponse response = Choice("small", 0.8);
  for (const auto& [model, evidence] : {std::pair{"large", 40.0}, std::pair{"small", 3.0}}) {
    auto* candidate = response.add_candidates();
    candidate->set_model(model);
    candidate->set_effective_evidence(evidence);
  }
  bundle.RecordDecision(response);
  response.clear_candidates();  // what the response does not show is not known
  bundle.RecordDecision(response);
  const auto families = metrics_.Collect();
  const auto* evidence = Find(families, "pointsman_effective_evidence", {});
  ASSERT_NE(evidence, nullptr);
  EXPECT_EQ(evidence->histogram.sample_count, 1u);
  EXPECT_EQ(evidence->histogram.sample_sum, 3);
}

TEST_F(BundleMetricsTest, CountersGoOnAcrossBundles) {
  BundleMetrics(catalogue_, policies_, metrics_).RecordDecision(Choice("small", 0.8));
  catalogue_.add_models()->set_id("new");
  BundleMetrics(catalogue_, policies_, metrics_).RecordDecision(Choice("small", 0.8));
  EXPECT_EQ(CounterValue(metrics_, "pointsman_decisions_total",
                         {{"model", "small"}, {"policy", "economy"}, {"outcome", "chosen"}}),
            2);
}

TEST(BundleMetricsCapTest, NamesBeyondTheCapShareOneSeries) {
  Metrics metrics("1.2.3");
  v1::PolicySet policies;
  policies.add_policies()->set_name("economy");
  // One bundle of so many models reaches the cap; those of the next find no room.
  v1::Catalogue first;
  for (size_t i = 0; i < kMaxBundleSeries; ++i) first.add_models()->set_id(absl::StrCat("a", i));
  v1::Catalogue second;
  second.add_models()->set_id("late");
  second.add_models()->set_id("later");
  const BundleMetrics filled(first, policies, metrics);
  const size_t before = SeriesCount(metrics);
  const BundleMetrics beyond(second, policies, metrics);
  for (const char* model : {"late", "later"}) {
    v1::RouteResponse response;
    response.set_outcome(v1::OUTCOME_CHOSEN);
    response.set_model(model);
    response.mutable_provenance()->set_policy("economy");
    beyond.RecordDecision(response);
  }
  EXPECT_EQ(CounterValue(metrics, "pointsman_decisions_total",
                         {{"model", "(other)"}, {"policy", "(other)"}, {"outcome", "chosen"}}),
            2);
  EXPECT_LE(SeriesCount(metrics), before + 2);
}

TEST(MetricsTest, CountsRequestsByMethodAndCode) {
  Metrics metrics("1.2.3");
  metrics.RecordRequest(Method::kBatchRoute, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CounterValue(metrics, "pointsman_grpc_requests_total",
                         {{"method", "BatchRoute"}, {"code", "INVALID_ARGUMENT"}}),
            1);
}

TEST(MetricsTest, ShowsOneBundleAtATime) {
  Metrics metrics("1.2.3");
  metrics.SetBundle("aaaa", "one", {{"greeting", 0.25}, {"sql", 0.75}});
  metrics.SetBundle("bbbb", "two", {{"greeting", 0.5}, {"proof", 0.5}});
  const auto families = metrics.Collect();
  EXPECT_EQ(Find(families, "pointsman_bundle_info", {{"digest", "aaaa"}, {"version", "one"}}),
            nullptr);
  const auto* shown =
      Find(families, "pointsman_bundle_info", {{"digest", "bbbb"}, {"version", "two"}});
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->gauge.value, 1);
  const std::string shares = "pointsman_bundle_capability_ratio";
  EXPECT_EQ(Find(families, shares, {{"capability", "sql"}}), nullptr);
  ASSERT_NE(Find(families, shares, {{"capability", "greeting"}}), nullptr);
  EXPECT_EQ(Find(families, shares, {{"capability", "greeting"}})->gauge.value, 0.5);
}

TEST(MetricsTest, EveryNameBearsThePrefixAndIsThereOnce) {
  std::set<std::string> names;
  for (const auto& family : Metrics("1.2.3").Collect()) {
    EXPECT_TRUE(family.name.starts_with("pointsman_")) << family.name;
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
  }
}

TEST(EnumLabelTest, DropsTheNameOfTheEnum) {
  EXPECT_EQ(EnumLabel(*v1::RejectionReason_descriptor()->FindValueByNumber(
                v1::REJECTION_REASON_LATENCY_UNKNOWN)),
            "latency_unknown");
}

}  // namespace
}  // namespace pointsman::server

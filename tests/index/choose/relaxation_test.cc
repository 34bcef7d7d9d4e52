// INFEASIBLE: no model meets every demand, and which smallest change of the request would help.
#include <cmath>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenario.h"

namespace pointsman::choose {
namespace {

using ::testing::DoubleEq;
using ::testing::IsNan;

// Makes the change that the last decision proposes.
void FollowRelaxation(const Relaxation& relaxation, const std::string& model, Scenario* scenario) {
  const auto drop = [&](std::vector<std::string>* names, std::string_view name) {
    std::erase(*names, std::string(name));
  };
  const std::string detail(relaxation.detail);
  Bounds& limits = scenario->terms.limits;
  if (relaxation.field == "limits.max_cost_usd") {
    limits.max_cost_usd = IsKnown(relaxation.needed) ? relaxation.needed : kNoLimit;
  } else if (relaxation.field == "limits.max_latency_ms") {
    limits.max_latency_ms = IsKnown(relaxation.needed) ? relaxation.needed : kNoLimit;
  } else if (relaxation.field == "limits.min_success_probability") {
    limits.min_success_probability = relaxation.needed;
  } else if (relaxation.field == "requirements.context_tokens") {
    scenario->terms.context_tokens = relaxation.needed;  // unknown: none required
  } else if (relaxation.field == "input_tokens") {
    scenario->terms.input_tokens = relaxation.needed;
  } else if (relaxation.field == "requirements.features") {
    drop(&scenario->features, detail);
  } else if (relaxation.field == "requirements.tags") {
    drop(&scenario->tags, detail);
  } else if (relaxation.field == "requirements.deny_models") {
    drop(&scenario->deny, model);
  } else if (relaxation.field == "requirements.allow_models") {
    scenario->allow.push_back(model);
  } else {
    FAIL() << "no such field: " << relaxation.field;
  }
}

class RelaxationTest : public ::testing::Test {
 protected:
  RelaxationTest() {
    scenario_.Add("cheap", 0.5, 0.1);
    scenario_.Add("dear", 0.9, 1.0);
  }
  v1::Model& cheap() { return *scenario_.catalogue.mutable_models(0); }
  v1::Model& dear() { return *scenario_.catalogue.mutable_models(1); }

  Relaxation Infeasible() {
    const Decision& decision = scenario_.Decide();
    EXPECT_EQ(decision.outcome, v1::OUTCOME_INFEASIBLE);
    EXPECT_EQ(decision.model, -1);
    EXPECT_EQ(decision.confidence, 0);
    EXPECT_EQ(decision.margin, 0);
    EXPECT_TRUE(decision.candidates.empty());
    EXPECT_EQ(decision.rejected.size(), static_cast<size_t>(scenario_.catalogue.models_size()));
    return decision.relaxation;
  }
  // Follows the relaxation of the last decision and checks that its model is now the choice.
  void ExpectThatFollowingItHelps(const Relaxation& relaxation) {
    const std::string model = scenario_.RelaxedModel();
    FollowRelaxation(relaxation, model, &scenario_);
    EXPECT_EQ(scenario_.Decide().outcome, v1::OUTCOME_CHOSEN);
    EXPECT_EQ(scenario_.Chosen(), model);
  }

  Scenario scenario_;
};

TEST_F(RelaxationTest, NamesTheCostThatTheCheapestNeeds) {
  scenario_.terms.limits.max_cost_usd = 0.05;
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(scenario_.RelaxedModel(), "cheap");
  EXPECT_EQ(relaxation.field, "limits.max_cost_usd");
  EXPECT_EQ(relaxation.current, 0.05);
  EXPECT_THAT(relaxation.needed, DoubleEq(0.1));
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, TakesTheSmallestChangeInProportion) {
  // `cheap` lacks a little success (0.5 of 0.55), `dear` a lot of cost (1 of 0.2).
  scenario_.terms.limits.max_cost_usd = 0.2;
  scenario_.terms.limits.min_success_probability = 0.55;
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(scenario_.RelaxedModel(), "cheap");
  EXPECT_EQ(relaxation.field, "limits.min_success_probability");
  EXPECT_EQ(relaxation.needed, 0.5);
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, LatencyCanBeRelaxed) {
  scenario_.terms.limits.max_latency_ms = 9000;
  dear().set_output_tokens_per_second(10);
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(relaxation.field, "limits.max_latency_ms");
  EXPECT_THAT(relaxation.needed, DoubleEq(10'000));
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, AnUnknownQuantityIsMendedByDroppingTheLimit) {
  cheap().clear_output_usd_per_mtok();
  scenario_.deny = {"dear"};
  scenario_.terms.limits = {5, kNoLimit, 0};
  dear().set_output_usd_per_mtok(1e9);
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(relaxation.field, "limits.max_cost_usd");
  EXPECT_EQ(relaxation.current, 5);
  EXPECT_THAT(relaxation.needed, IsNan());
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, ANumberIsRelaxedRatherThanAListOrAFeature) {
  scenario_.deny = {"cheap"};
  scenario_.terms.limits.max_cost_usd = 0.2;
  EXPECT_EQ(Infeasible().field, "limits.max_cost_usd");
  EXPECT_EQ(scenario_.RelaxedModel(), "dear");
}

TEST_F(RelaxationTest, ListsFeaturesAndTagsAreNamed) {
  scenario_.deny = {"cheap", "dear"};
  ExpectThatFollowingItHelps(Infeasible());
  EXPECT_EQ(scenario_.deny.size(), 1u);

  scenario_.deny.clear();
  scenario_.Add("third", 0.5, 0.1).add_features("tools");
  scenario_.allow = {"cheap"};
  scenario_.features = {"tools"};
  const Relaxation dropped_feature = Infeasible();
  EXPECT_EQ(dropped_feature.field, "requirements.features");
  EXPECT_EQ(dropped_feature.detail, "tools");
  ExpectThatFollowingItHelps(dropped_feature);

  scenario_.tags = {"region:eu"};
  const Relaxation dropped_tag = Infeasible();
  EXPECT_EQ(dropped_tag.field, "requirements.tags");
  EXPECT_EQ(dropped_tag.detail, "region:eu");
  ExpectThatFollowingItHelps(dropped_tag);
}

TEST_F(RelaxationTest, ContextTokensCanBeRelaxed) {
  cheap().set_context_window_tokens(8000);
  dear().set_context_window_tokens(16'000);
  scenario_.terms.context_tokens = 20'000;
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(relaxation.field, "requirements.context_tokens");
  EXPECT_EQ(scenario_.RelaxedModel(), "dear");
  EXPECT_EQ(relaxation.needed, 16'000);
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, AShorterPromptLeavesRoomForTheAnswer) {
  scenario_.terms.input_tokens = 99'500;
  const Relaxation relaxation = Infeasible();
  EXPECT_EQ(relaxation.field, "input_tokens");
  EXPECT_EQ(relaxation.current, 99'500);
  EXPECT_EQ(relaxation.needed, 100'000 - Scenario::kAnswerTokens);
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, NoPromptIsShortEnoughForAnAnswerThatIsTooLong) {
  cheap().set_context_window_tokens(500);
  dear().set_context_window_tokens(500);
  scenario_.terms.input_tokens = 10;
  EXPECT_EQ(Infeasible().model, -1);
}

TEST_F(RelaxationTest, TheCallerCannotRelaxThePolicy) {
  scenario_.policy().mutable_limits()->set_max_cost_usd(0.05);
  EXPECT_EQ(Infeasible().model, -1);
  scenario_.terms.limits.max_cost_usd = 0.01;
  EXPECT_EQ(Infeasible().model, -1) << "beyond his own limit there is the policy's";
  scenario_.policy().mutable_limits()->set_max_cost_usd(0.5);
  const Relaxation relaxation = Infeasible();
  EXPECT_THAT(relaxation.needed, DoubleEq(0.1));
  ExpectThatFollowingItHelps(relaxation);
}

TEST_F(RelaxationTest, TheCallerCannotRelaxThePolicysSuccess) {
  scenario_.policy().mutable_limits()->set_min_success_probability(0.92);
  scenario_.terms.limits.min_success_probability = 0.95;
  EXPECT_EQ(Infeasible().model, -1);
}

TEST_F(RelaxationTest, TheCallerCannotDropWhatARuleRequires) {
  scenario_.Add("other", 0.5, 0.1).add_features("tools");
  scenario_.terms.limits.max_cost_usd = 0.01;
  scenario_.AddRule("rule").mutable_then()->add_require_features("tools");
  scenario_.features = {"tools"};
  EXPECT_EQ(scenario_.Decide().outcome, v1::OUTCOME_INFEASIBLE);
  EXPECT_EQ(scenario_.RelaxedModel(), "other");
  scenario_.deny = {"other"};
  EXPECT_EQ(Infeasible().model, -1);
}

TEST_F(RelaxationTest, AModelThatFailsTwiceIsNotProposed) {
  scenario_.deny = {"cheap", "dear"};
  scenario_.terms.limits.max_cost_usd = 0.2;
  EXPECT_EQ(Infeasible().field, "requirements.deny_models");
  EXPECT_EQ(scenario_.RelaxedModel(), "cheap") << "`dear` is too dear besides";
  scenario_.terms.limits.max_cost_usd = 0.05;
  EXPECT_EQ(Infeasible().model, -1);
}

TEST_F(RelaxationTest, EqualChangesAreDecidedByNameNotByOrder) {
  scenario_.deny = {"cheap", "dear"};
  Infeasible();
  EXPECT_EQ(scenario_.RelaxedModel(), "cheap");
  scenario_.catalogue.mutable_models()->SwapElements(0, 1);
  Infeasible();
  EXPECT_EQ(scenario_.RelaxedModel(), "cheap");
}

TEST(RelaxationPropertyTest, WhateverIsProposedMakesTheModelFeasible) {
  std::mt19937 random(7);
  const auto coin = [&](double p) { return std::bernoulli_distribution(p)(random); };
  const auto uniform = [&](double a, double b) {
    return std::uniform_real_distribution<double>(a, b)(random);
  };
  int infeasible = 0;
  int relaxed = 0;
  for (int round = 0; round < 3000; ++round) {
    Scenario s;
    const int models = std::uniform_int_distribution<int>(1, 5)(random);
    s.Add("anchor", 0.01, 1e6).add_features("tools");
    for (int m = 0; m < models; ++m) {
      v1::Model& model = s.Add("m" + std::to_string(m), uniform(0.1, 0.95), uniform(0.01, 2));
      if (coin(0.2)) model.clear_output_usd_per_mtok();
      if (coin(0.2)) model.clear_time_to_first_token_ms();
      if (coin(0.2)) model.clear_context_window_tokens();
      if (coin(0.5)) model.add_features("tools");
      if (coin(0.5)) model.add_tags("eu");
      if (coin(0.2)) s.deny.push_back(model.id());
      if (coin(0.3)) s.allow.push_back(model.id());
      model.set_output_tokens_per_second(uniform(10, 200));
    }
    s.deny.push_back("anchor");
    if (coin(0.4)) s.features = {"tools"};
    if (coin(0.3)) s.tags = {"eu"};
    if (coin(0.5)) s.terms.limits.max_cost_usd = uniform(0.001, 1);
    if (coin(0.5)) s.terms.limits.max_latency_ms = uniform(100, 20'000);
    if (coin(0.5)) s.terms.limits.min_success_probability = uniform(0.3, 1);
    if (coin(0.3)) s.policy().mutable_limits()->set_max_cost_usd(uniform(0.1, 1));
    if (coin(0.3)) s.policy().mutable_limits()->set_min_success_probability(uniform(0, 0.8));
    if (coin(0.3)) s.AddRule("r").mutable_then()->add_require_tags("eu");
    if (coin(0.3)) s.terms.context_tokens = uniform(1000, 200'000);
    s.terms.input_tokens = std::floor(uniform(0, 120'000));

    const Decision& decision = s.Decide();
    if (decision.outcome != v1::OUTCOME_INFEASIBLE) continue;
    ++infeasible;
    if (decision.relaxation.model < 0) continue;
    ++relaxed;
    const std::string model = s.RelaxedModel();
    const std::string field(decision.relaxation.field);
    FollowRelaxation(Relaxation(decision.relaxation), model, &s);
    EXPECT_EQ(s.Decide().outcome, v1::OUTCOME_CHOSEN) << "round " << round << " field " << field;
    EXPECT_NO_THROW(s.CandidateOf(model)) << "round " << round << " field " << field;
  }
  EXPECT_GT(infeasible, 500) << "the property must have been exercised";
  EXPECT_GT(relaxed, 100);
}

}  // namespace
}  // namespace pointsman::choose

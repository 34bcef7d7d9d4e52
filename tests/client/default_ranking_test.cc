// The caller's own ranking keeps to the request's requirements, and owns up to what it cannot
// check.
#include "pointsman/client/default_ranking.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Catalogue TwoModels() {
  v1::Catalogue catalogue;
  v1::Model* small = catalogue.add_models();
  small->set_id("small");
  small->set_context_window_tokens(8000);
  v1::Model* large = catalogue.add_models();
  large->set_id("large");
  large->add_features("tools");
  large->add_tags("region:eu");
  large->set_context_window_tokens(200'000);
  return catalogue;
}

DefaultRanking SmallThenLarge() {
  return RankFromCatalogue(TwoModels(), {"small", "large"}).value();
}

TEST(DefaultRanking, TakesTheFirstModel) {
  const DefaultDecision decision = DecideByDefault(SmallThenLarge(), {});
  EXPECT_EQ(decision.response.outcome(), v1::OUTCOME_CHOSEN);
  EXPECT_EQ(decision.response.model(), "small");
  EXPECT_EQ(decision.response.candidates_size(), 2);
}

TEST(DefaultRanking, HonoursDenyAndAllowLists) {
  v1::RouteRequest request;
  request.mutable_requirements()->add_deny_models("small");
  EXPECT_EQ(DecideByDefault(SmallThenLarge(), request).response.model(), "large");
  request.mutable_requirements()->add_allow_models("small");
  const v1::RouteResponse response = DecideByDefault(SmallThenLarge(), request).response;
  EXPECT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE);
  EXPECT_EQ(response.rejected(0).reason(), v1::REJECTION_REASON_DENIED);
  EXPECT_EQ(response.rejected(1).reason(), v1::REJECTION_REASON_NOT_ALLOWED);
}

TEST(DefaultRanking, HonoursFeaturesTagsAndContext) {
  v1::RouteRequest features;
  features.mutable_requirements()->add_features("tools");
  EXPECT_EQ(DecideByDefault(SmallThenLarge(), features).response.model(), "large");
  v1::RouteRequest tags;
  tags.mutable_requirements()->add_tags("region:eu");
  EXPECT_EQ(DecideByDefault(SmallThenLarge(), tags).response.model(), "large");
  v1::RouteRequest tokens;
  tokens.set_input_tokens(7900);
  tokens.set_expected_output_tokens(500);
  const v1::RouteResponse response = DecideByDefault(SmallThenLarge(), tokens).response;
  EXPECT_EQ(response.model(), "large");
  EXPECT_EQ(response.rejected(0).reason(), v1::REJECTION_REASON_CONTEXT_TOO_SMALL);
  EXPECT_EQ(response.rejected(0).limit(), 8400);
  EXPECT_EQ(response.rejected(0).value(), 8000);
}

TEST(DefaultRanking, WhatIsUnknownSatisfiesNoRequirement) {
  v1::RouteRequest request;
  request.mutable_requirements()->set_context_tokens(1000);
  const v1::RouteResponse response = DecideByDefault(RankIds({"bare"}), request).response;
  EXPECT_EQ(response.outcome(), v1::OUTCOME_INFEASIBLE);
  EXPECT_EQ(response.rejected(0).reason(), v1::REJECTION_REASON_CONTEXT_UNKNOWN);
}

TEST(DefaultRanking, NamesTheLimitsItCannotCheck) {
  v1::RouteRequest request;
  request.mutable_limits()->set_max_cost_usd(0.01);
  request.mutable_limits()->set_min_success_probability(0.9);
  EXPECT_THAT(DecideByDefault(SmallThenLarge(), request).unchecked_limits,
              ElementsAre("limits.max_cost_usd", "limits.min_success_probability"));
  EXPECT_THAT(DecideByDefault(SmallThenLarge(), {}).unchecked_limits, IsEmpty());
}

TEST(DefaultRanking, AnEmptyRankingIsInfeasible) {
  EXPECT_EQ(DecideByDefault({}, {}).response.outcome(), v1::OUTCOME_INFEASIBLE);
}

TEST(DefaultRanking, AnUnknownIdIsNamed) {
  EXPECT_EQ(RankFromCatalogue(TwoModels(), {"small", "huge"}).status().message(),
            "the catalogue has no model `huge`");
}

}  // namespace
}  // namespace pointsman::client

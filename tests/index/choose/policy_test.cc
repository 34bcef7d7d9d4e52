#include "index/choose/policy.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/digest.h"

namespace pointsman::choose {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Catalogue TwoModels() {
  v1::Catalogue source;
  source.add_models()->set_id("small");
  source.add_models()->set_id("large");
  source.add_capabilities()->set_id("proof");
  return *Catalogue::Compile(source);
}

v1::PolicySet OnePolicy() {
  v1::PolicySet set;
  set.set_default_policy("plain");
  set.add_policies()->set_name("plain");
  return set;
}

std::string ErrorOf(const v1::PolicySet& source) {
  return PolicySet::Compile(source, TwoModels(), 1).status().ToString();
}

TEST(PolicyTest, AbsentFieldsTakeTheDocumentedDefaults) {
  const auto set = PolicySet::Compile(OnePolicy(), TwoModels(), 0.25);
  ASSERT_TRUE(set.ok()) << set.status();
  const Policy& policy = set->policy(set->default_policy());
  EXPECT_EQ(policy.objective, v1::OBJECTIVE_BEST_VALUE);
  EXPECT_EQ(policy.tradeoff, 0.5);
  EXPECT_EQ(policy.reference_cost_usd, 0.25) << "of the bundle";
  EXPECT_EQ(policy.target_success_probability, 0.8);
  EXPECT_EQ(policy.limits.max_cost_usd, kNoLimit);
  EXPECT_EQ(policy.limits.max_latency_ms, kNoLimit);
  EXPECT_EQ(policy.limits.min_success_probability, 0);
  EXPECT_EQ(policy.latency_target_ms, kNoLimit);
  EXPECT_EQ(policy.latency_weight, 0.1);
  EXPECT_EQ(policy.familiarity_floor, 0.02);
  EXPECT_EQ(policy.on_unfamiliar, v1::UNFAMILIAR_ACTION_PRIOR);
  EXPECT_EQ(policy.min_confidence, 0);
  EXPECT_EQ(policy.exploration_rate, 0);
  EXPECT_EQ(policy.max_probability_loss, 0.2);
}

TEST(PolicyTest, TheDigestIsOfThePolicyAlone) {
  v1::PolicySet source = OnePolicy();
  source.add_policies()->set_name("other");
  const auto set = PolicySet::Compile(source, TwoModels(), 1);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->policy(0).digest, Sha256OfMessage(source.policies(0)).substr(0, 16));
  EXPECT_NE(set->policy(0).digest, set->policy(1).digest);
}

TEST(PolicyTest, PoliciesAreFoundByName) {
  v1::PolicySet source = OnePolicy();
  source.add_policies()->set_name("other");
  source.set_default_policy("other");
  const auto set = PolicySet::Compile(source, TwoModels(), 1);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->default_policy(), 1);
  EXPECT_EQ(set->Find("plain"), 0);
  EXPECT_EQ(set->Find("none"), -1);
  EXPECT_THAT(set->names(), ElementsAre("plain", "other"));
}

TEST(PolicyTest, RefusesDuplicateNamesAndAnUnknownDefault) {
  v1::PolicySet twins = OnePolicy();
  twins.add_policies()->set_name("plain");
  EXPECT_THAT(ErrorOf(twins), HasSubstr("duplicate name `plain`"));
  v1::PolicySet lost = OnePolicy();
  lost.set_default_policy("gone");
  EXPECT_THAT(ErrorOf(lost), AllOf(HasSubstr("`gone`"), HasSubstr("known: plain")));
}

TEST(PolicyTest, NamesWhatARuleCannotResolve) {
  const auto with_rule = [](auto&& fill) {
    v1::PolicySet source = OnePolicy();
    v1::Rule* rule = source.mutable_policies(0)->add_rules();
    rule->set_name("r");
    fill(rule);
    return ErrorOf(source);
  };
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_when()->set_text_pattern("(unclosed"); }),
              AllOf(HasSubstr("policies[plain].rules[r].when.text_pattern"), HasSubstr("RE2")));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_when()->set_capability("cooking"); }),
              AllOf(HasSubstr("when.capability"), HasSubstr("`cooking`"), HasSubstr("proof")));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_then()->add_only_models("huge"); }),
              AllOf(HasSubstr("then.only_models"), HasSubstr("`huge`"), HasSubstr("small, large")));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_then()->add_exclude_models("huge"); }),
              HasSubstr("then.exclude_models"));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_then()->add_prefer_models("huge"); }),
              HasSubstr("then.prefer_models"));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_then()->add_require_features("wings"); }),
              AllOf(HasSubstr("then.require_features"), HasSubstr("`wings`")));
  EXPECT_THAT(with_rule([](v1::Rule* r) { r->mutable_then()->set_switch_policy("gone"); }),
              AllOf(HasSubstr("then.switch_policy"), HasSubstr("`gone`")));
}

TEST(PolicyTest, AFallbackMustBeAModelOfTheCatalogue) {
  v1::PolicySet missing = OnePolicy();
  missing.mutable_policies(0)->set_on_unfamiliar(v1::UNFAMILIAR_ACTION_FALLBACK);
  EXPECT_THAT(ErrorOf(missing), HasSubstr("fallback_model"));
  v1::PolicySet unknown = OnePolicy();
  unknown.mutable_policies(0)->set_fallback_model("huge");
  EXPECT_THAT(ErrorOf(unknown), HasSubstr("`huge`"));
}

}  // namespace
}  // namespace pointsman::choose

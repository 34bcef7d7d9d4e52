#include "index/bundle/validate.h"

#include <functional>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/bundle/v1/calibration.pb.h"

namespace pointsman::bundle {
namespace {

using pointsman::v1::Catalogue;
using pointsman::v1::Model;
using pointsman::v1::Policy;
using pointsman::v1::PolicySet;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Catalogue GoodCatalogue() {
  Catalogue catalogue;
  catalogue.add_models()->set_id("small");
  catalogue.mutable_models(0)->add_features("tools");
  catalogue.add_models()->set_id("vendor/large:2026-01@eu");
  catalogue.add_capabilities()->set_id("maths");
  return catalogue;
}

PolicySet GoodPolicies() {
  PolicySet policies;
  policies.add_policies()->set_name("balanced");
  policies.set_default_policy("balanced");
  return policies;
}

std::string ProblemsOf(const std::function<void(Reporter*)>& validate) {
  Problems problems;
  Reporter reporter("f", 0, &problems);
  validate(&reporter);
  return std::string(problems.ToStatus().message());
}

std::string CatalogueProblems(const std::function<void(Catalogue*)>& spoil) {
  Catalogue catalogue = GoodCatalogue();
  spoil(&catalogue);
  return ProblemsOf([&](Reporter* reporter) { ValidateCatalogue(catalogue, reporter); });
}

std::string ModelProblems(const std::function<void(Model*)>& spoil) {
  return CatalogueProblems([&](Catalogue* c) { spoil(c->mutable_models(0)); });
}

std::string PolicyProblems(const std::function<void(Policy*)>& spoil) {
  const Catalogue catalogue = GoodCatalogue();
  PolicySet policies = GoodPolicies();
  spoil(policies.mutable_policies(0));
  return ProblemsOf([&](Reporter* reporter) {
    ValidatePolicies(policies, Vocabulary::Of(catalogue, policies), reporter);
  });
}

std::string ExemplarProblems(const std::function<void(v1::Exemplar*)>& spoil,
                             Form form = Form::kSource) {
  const Catalogue catalogue = GoodCatalogue();
  v1::Exemplar exemplar;
  exemplar.set_id("e");
  exemplar.set_text("hello");
  spoil(&exemplar);
  return ProblemsOf([&](Reporter* reporter) {
    ValidateExemplar(exemplar, Vocabulary::Of(catalogue, {}), form, Path(), reporter);
  });
}

TEST(ValidateCatalogue, AcceptsAGoodOne) {
  EXPECT_EQ(CatalogueProblems([](Catalogue*) {}), "");
}

TEST(ValidateCatalogue, NeedsAModelAndNotTooMany) {
  EXPECT_THAT(CatalogueProblems([](Catalogue* c) { c->clear_models(); }),
              HasSubstr("models: must be 1 to 256, are 0"));
  EXPECT_THAT(CatalogueProblems([](Catalogue* c) {
                for (int i = 0; i < 255; ++i) c->add_models()->set_id(std::to_string(i));
              }),
              HasSubstr("are 257"));
}

TEST(ValidateCatalogue, BoundsTheNumberOfDifferentFeatures) {
  EXPECT_THAT(ModelProblems([](Model* m) {
                for (int i = 0; i < 128; ++i) m->add_features("f" + std::to_string(i));
              }),
              HasSubstr("at most 128 different features, have 129"));
}

TEST(ValidateModel, IdsAreOfTheirAlphabet) {
  for (const char* id : {"", "with space", "caf\u00E9", "tab\t"}) {
    EXPECT_THAT(ModelProblems([&](Model* m) { m->set_id(id); }),
                HasSubstr("f: models[0].id: must be 1 to 128 characters of [A-Za-z0-9._:/@-]"));
  }
  EXPECT_EQ(ModelProblems([](Model* m) { m->set_id(std::string(128, 'x')); }), "");
  EXPECT_NE(ModelProblems([](Model* m) { m->set_id(std::string(129, 'x')); }), "");
}

TEST(ValidateModel, DisplayNamesAreCountedInCharacters) {
  std::string name;
  for (int i = 0; i < 200; ++i) name += "\u00E9";
  EXPECT_EQ(ModelProblems([&](Model* m) { m->set_display_name(name); }), "");
  EXPECT_THAT(ModelProblems([&](Model* m) { m->set_display_name(name + "x"); }),
              HasSubstr("must be at most 200 characters, is 201"));
}

TEST(ValidateModel, NumbersAreWithinTheirBounds) {
  struct Case {
    const char* field;
    std::function<void(Model*, double)> set;
    std::vector<double> good;
    std::vector<double> bad;
  };
  const Case cases[] = {
      {"input_usd_per_mtok",
       [](Model* m, double x) { m->set_input_usd_per_mtok(x); },
       {0, 75},
       {-1e-9, kNan, kInfinity}},
      {"output_usd_per_mtok",
       [](Model* m, double x) { m->set_output_usd_per_mtok(x); },
       {0, 600},
       {-1, kNan, kInfinity}},
      {"cached_input_usd_per_mtok",
       [](Model* m, double x) { m->set_cached_input_usd_per_mtok(x); },
       {0, 1},
       {-1, kNan}},
      {"context_window_tokens",
       [](Model* m, double x) { m->set_context_window_tokens(static_cast<int64_t>(x)); },
       {1, 1e7},
       {0, -1}},
      {"max_output_tokens",
       [](Model* m, double x) { m->set_max_output_tokens(static_cast<int64_t>(x)); },
       {1},
       {0, -1}},
      {"output_tokens_per_second",
       [](Model* m, double x) { m->set_output_tokens_per_second(x); },
       {0.1, 1000},
       {0, -1, kNan, kInfinity}},
      {"time_to_first_token_ms",
       [](Model* m, double x) { m->set_time_to_first_token_ms(x); },
       {0, 500},
       {-1, kNan, kInfinity}},
      {"verbosity",
       [](Model* m, double x) { m->set_verbosity(x); },
       {0.05, 1, 50},
       {0.049, 50.1, kNan}},
      {"default_skill",
       [](Model* m, double x) { m->set_default_skill(x); },
       {0, 1},
       {-0.1, 1.1, kNan}},
      {"skills[maths]",
       [](Model* m, double x) { (*m->mutable_skills())["maths"] = x; },
       {0, 1},
       {-0.1, 1.1, kNan}},
  };
  for (const Case& c : cases) {
    for (const double x : c.good) {
      EXPECT_EQ(ModelProblems([&](Model* m) { c.set(m, x); }), "") << c.field << " = " << x;
    }
    for (const double x : c.bad) {
      EXPECT_THAT(ModelProblems([&](Model* m) { c.set(m, x); }),
                  HasSubstr(std::string("f: models[0].") + c.field + ": must be"))
          << x;
    }
  }
}

TEST(ValidateModel, FeaturesTagsAndSkillsAreChecked) {
  EXPECT_THAT(ModelProblems([](Model* m) { m->add_features("Tools"); }),
              HasSubstr("models[0].features[1]: must be"));
  EXPECT_THAT(ModelProblems([](Model* m) { m->add_tags("a b"); }),
              HasSubstr("models[0].tags[0]: must be"));
  EXPECT_EQ(ModelProblems([](Model* m) { m->add_tags("region:eu-west/1"); }), "");
  EXPECT_THAT(ModelProblems([](Model* m) { (*m->mutable_skills())["cooking"] = 1; }),
              HasSubstr("models[0].skills[cooking]: unknown capability `cooking`; known: maths"));
}

TEST(ValidatePolicies, AcceptsAGoodOne) {
  EXPECT_EQ(PolicyProblems([](Policy*) {}), "");
}

TEST(ValidatePolicies, NeedsOneAndADefault) {
  const auto problems = [](const PolicySet& policies) {
    return ProblemsOf([&](Reporter* reporter) {
      ValidatePolicies(policies, Vocabulary::Of({}, policies), reporter);
    });
  };
  EXPECT_THAT(problems(PolicySet()), HasSubstr("policies: at least one is required"));
  PolicySet policies = GoodPolicies();
  policies.clear_default_policy();
  EXPECT_THAT(problems(policies), HasSubstr("default_policy: unknown policy ``; known: balanced"));
}

TEST(ValidatePolicies, NumbersAreWithinTheirBounds) {
  struct Case {
    const char* field;
    std::function<void(Policy*, double)> set;
    std::vector<double> good;
    std::vector<double> bad;
  };
  const Case cases[] = {
      {"tradeoff", [](Policy* p, double x) { p->set_tradeoff(x); }, {0, 1}, {-0.1, 1.1, kNan}},
      {"reference_cost_usd",
       [](Policy* p, double x) { p->set_reference_cost_usd(x); },
       {1e-6, 5},
       {0, -1, kNan, kInfinity}},
      {"target_success_probability",
       [](Policy* p, double x) { p->set_target_success_probability(x); },
       {0, 1},
       {2, kNan}},
      {"latency_target_ms",
       [](Policy* p, double x) { p->set_latency_target_ms(x); },
       {1},
       {0, -1, kNan, kInfinity}},
      {"latency_weight",
       [](Policy* p, double x) { p->set_latency_weight(x); },
       {0, 10},
       {-1, 10.5, kNan}},
      {"familiarity_floor",
       [](Policy* p, double x) { p->set_familiarity_floor(x); },
       {0, 1},
       {-1, 2, kNan}},
      {"min_confidence",
       [](Policy* p, double x) { p->set_min_confidence(x); },
       {0, 1},
       {-1, 2, kNan}},
      {"limits.max_cost_usd",
       [](Policy* p, double x) { p->mutable_limits()->set_max_cost_usd(x); },
       {0, 1},
       {-1, kNan, kInfinity}},
      {"limits.max_latency_ms",
       [](Policy* p, double x) { p->mutable_limits()->set_max_latency_ms(x); },
       {1},
       {0, -1, kNan, kInfinity}},
      {"limits.min_success_probability",
       [](Policy* p, double x) { p->mutable_limits()->set_min_success_probability(x); },
       {0, 1},
       {-1, 2, kNan}},
      {"exploration.rate",
       [](Policy* p, double x) { p->mutable_exploration()->set_rate(x); },
       {0, 0.5},
       {-0.1, 0.6, kNan}},
      {"exploration.max_probability_loss",
       [](Policy* p, double x) { p->mutable_exploration()->set_max_probability_loss(x); },
       {0, 1},
       {-0.1, 2, kNan}},
  };
  for (const Case& c : cases) {
    for (const double x : c.good) {
      EXPECT_EQ(PolicyProblems([&](Policy* p) { c.set(p, x); }), "") << c.field << " = " << x;
    }
    for (const double x : c.bad) {
      EXPECT_THAT(PolicyProblems([&](Policy* p) { c.set(p, x); }),
                  HasSubstr(std::string("f: policies[0].") + c.field + ": must be"))
          << x;
    }
  }
}

TEST(ValidatePolicies, AFallbackNeedsAKnownModel) {
  EXPECT_THAT(PolicyProblems([](Policy* p) {
                p->set_on_unfamiliar(pointsman::v1::UNFAMILIAR_ACTION_FALLBACK);
              }),
              HasSubstr("policies[0].fallback_model: is required"));
  EXPECT_THAT(PolicyProblems([](Policy* p) { p->set_fallback_model("tiny"); }),
              HasSubstr("policies[0].fallback_model: unknown model `tiny`"));
}

TEST(ValidatePolicies, RulesHaveNamesActionsAndAnEnd) {
  EXPECT_THAT(PolicyProblems([](Policy* p) { p->add_rules()->set_name("r"); }),
              HasSubstr("policies[0].rules[0].then: is required"));
  EXPECT_THAT(PolicyProblems([](Policy* p) {
                for (int i = 0; i < 2; ++i) {
                  p->add_rules()->set_name("same");
                  p->mutable_rules(i)->mutable_then();
                }
              }),
              HasSubstr("duplicate name `same`, first at policies[0].rules[0]"));
  EXPECT_THAT(PolicyProblems([](Policy* p) {
                for (int i = 0; i < 65; ++i) p->add_rules();
              }),
              HasSubstr("policies[0].rules: must be at most 64, are 65"));
}

TEST(ValidatePolicies, ConditionsMakeSense) {
  const auto problems = [](const std::function<void(pointsman::v1::RuleCondition*)>& spoil) {
    return PolicyProblems([&](Policy* p) {
      pointsman::v1::Rule* rule = p->add_rules();
      rule->set_name("r");
      rule->mutable_then();
      spoil(rule->mutable_when());
    });
  };
  EXPECT_EQ(problems([](auto* when) { when->set_text_pattern("(?i)\\bproof\\b"); }), "");
  EXPECT_THAT(problems([](auto* when) { when->set_text_pattern("a(?=b)"); }),
              HasSubstr("when.text_pattern: is not an RE2 pattern"));
  EXPECT_THAT(problems([](auto* when) { when->set_text_pattern(std::string(1001, 'x')); }),
              HasSubstr("when.text_pattern: must be at most 1000 characters, is 1001"));
  EXPECT_THAT(problems([](auto* when) { when->set_min_capability_weight(0.5); }),
              HasSubstr("when.min_capability_weight: needs `capability`"));
  EXPECT_THAT(problems([](auto* when) { when->set_min_input_tokens(-1); }),
              HasSubstr("when.min_input_tokens: must be a finite number >= 0, is -1"));
  EXPECT_THAT(problems([](auto* when) {
                when->set_min_input_tokens(10);
                when->set_max_input_tokens(9);
              }),
              HasSubstr("when.max_input_tokens: must be at least min_input_tokens (10), is 9"));
  EXPECT_THAT(problems([](auto* when) { when->set_min_difficulty(2); }),
              HasSubstr("when.min_difficulty"));
}

TEST(ValidateExemplar, AcceptsLabelsOutcomesAndNeither) {
  EXPECT_EQ(ExemplarProblems([](v1::Exemplar*) {}), "");
  EXPECT_EQ(ExemplarProblems([](v1::Exemplar* e) {
              e->set_capability("maths");
              e->set_difficulty(1);
              (*e->mutable_outcomes())["small"].set_quality(0);
            }),
            "");
}

TEST(ValidateExemplar, OutcomesNeedAQualityWithinBounds) {
  EXPECT_THAT(ExemplarProblems([](v1::Exemplar* e) { (*e->mutable_outcomes())["small"]; }),
              HasSubstr("f: outcomes[small].quality: is required"));
  for (const double quality : {-0.1, 1.1, kNan}) {
    EXPECT_THAT(ExemplarProblems([&](v1::Exemplar* e) {
                  (*e->mutable_outcomes())["small"].set_quality(quality);
                }),
                HasSubstr("outcomes[small].quality: must be a number from 0 to 1"));
  }
  EXPECT_THAT(ExemplarProblems([](v1::Exemplar* e) {
                (*e->mutable_outcomes())["small"].set_quality(1);
                (*e->mutable_outcomes())["small"].set_output_tokens(-5);
              }),
              HasSubstr("outcomes[small].output_tokens: must be a finite number >= 0, is -5"));
}

TEST(ValidateExemplar, IdsAndTextsAreBounded) {
  EXPECT_THAT(ExemplarProblems([](v1::Exemplar* e) { e->clear_id(); }),
              HasSubstr("f: id: is required"));
  EXPECT_THAT(ExemplarProblems([](v1::Exemplar* e) { e->set_id(std::string(129, 'x')); }),
              HasSubstr("f: id: must be at most 128 bytes, is 129"));
  EXPECT_EQ(ExemplarProblems([](v1::Exemplar* e) { e->set_text(std::string(1 << 20, 'x')); }), "");
  EXPECT_THAT(
      ExemplarProblems([](v1::Exemplar* e) { e->set_text(std::string((1 << 20) + 1, 'x')); }),
      HasSubstr("f: text: must be at most 1048576 bytes, is 1048577"));
}

TEST(ValidateExemplar, TextsAreAbsentExactlyWhereTheyWereDropped) {
  const auto keep = [](v1::Exemplar*) {};
  const auto drop = [](v1::Exemplar* e) { e->clear_text(); };
  EXPECT_EQ(ExemplarProblems(keep, Form::kCompiled), "");
  EXPECT_NE(ExemplarProblems(drop, Form::kCompiled), "");
  EXPECT_EQ(ExemplarProblems(drop, Form::kCompiledWithoutTexts), "");
  EXPECT_NE(ExemplarProblems(keep, Form::kCompiledWithoutTexts), "");
}

TEST(ValidateFinite, NamesTheFieldWherever) {
  v1::Calibration calibration;
  calibration.add_mean(1);
  const auto problems = [&] {
    return ProblemsOf([&](Reporter* reporter) { ValidateFinite(calibration, Path(), reporter); });
  };
  EXPECT_EQ(problems(), "");
  calibration.add_mean(std::numeric_limits<float>::infinity());
  EXPECT_EQ(problems(), "f: mean: must be finite");

  v1::GoldenQuery query;
  query.mutable_request()->mutable_limits()->set_max_cost_usd(kNan);
  EXPECT_EQ(ProblemsOf([&](Reporter* reporter) { ValidateFinite(query, Path(), reporter); }),
            "f: request.limits.max_cost_usd: must be finite");
}

}  // namespace
}  // namespace pointsman::bundle

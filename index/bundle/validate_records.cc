#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "index/bundle/checks.h"
#include "index/bundle/validate.h"

namespace pointsman::bundle {
namespace {

constexpr size_t kLongestExemplarId = 128;
constexpr size_t kLongestTextBytes = size_t{1} << 20;

void CheckExemplarId(std::string_view id, const Path& path, Reporter* reporter) {
  if (id.empty()) {
    reporter->Report(path, "is required");
  } else if (id.size() > kLongestExemplarId) {
    reporter->Report(
        path, absl::StrCat("must be at most ", kLongestExemplarId, " bytes, is ", id.size()));
  }
}

}  // namespace

void ValidateExemplar(const v1::Exemplar& exemplar, const Vocabulary& vocabulary, Form form,
                      const Path& path, Reporter* reporter) {
  CheckExemplarId(exemplar.id(), path.Field("id"), reporter);
  const std::string& text = exemplar.text();
  if (form == Form::kCompiledWithoutTexts) {
    if (!text.empty()) reporter->Report(path.Field("text"), "must be empty, the texts are dropped");
  } else if (absl::StripAsciiWhitespace(text).empty()) {
    reporter->Report(path.Field("text"), "must not be empty or blank");
  } else if (text.size() > kLongestTextBytes) {
    reporter->Report(path.Field("text"), absl::StrCat("must be at most ", kLongestTextBytes,
                                                      " bytes, is ", text.size()));
  }
  if (!exemplar.capability().empty()) {
    CheckKnown("capability", exemplar.capability(), vocabulary.capabilities,
               path.Field("capability"), reporter);
  }
  if (exemplar.has_difficulty()) {
    CheckNumber(exemplar.difficulty(), kShare, path.Field("difficulty"), reporter);
  }
  for (const auto& [model, outcome] : exemplar.outcomes()) {
    const Path outcome_path = path.Field("outcomes", model);
    CheckKnown("model", model, vocabulary.models, outcome_path, reporter);
    if (outcome.has_quality()) {
      CheckNumber(outcome.quality(), kShare, outcome_path.Field("quality"), reporter);
    } else {
      reporter->Report(outcome_path.Field("quality"), "is required");
    }
    if (outcome.has_output_tokens()) {
      CheckNumber(outcome.output_tokens(), kNotNegative, outcome_path.Field("output_tokens"),
                  reporter);
    }
  }
}

void ValidateGoldenQuery(const v1::GoldenQuery& query, const Vocabulary& vocabulary, Form form,
                         const Path& path, Reporter* reporter) {
  CheckExemplarId(query.id(), path.Field("id"), reporter);
  const Path request_path = path.Field("request");
  if (query.request().input_case() == pointsman::v1::RouteRequest::INPUT_NOT_SET) {
    reporter->Report(request_path, "one of `text`, `conversation` and `embedding` is required");
  }
  if (query.request().text().size() > kLongestTextBytes) {
    reporter->Report(request_path.Field("text"),
                     absl::StrCat("must be at most ", kLongestTextBytes, " bytes, is ",
                                  query.request().text().size()));
  }
  if (!query.request().policy().empty()) {
    CheckKnown("policy", query.request().policy(), vocabulary.policies,
               request_path.Field("policy"), reporter);
  }
  const Path expect_path = path.Field("expect");
  CheckAllKnown("model", "models", query.expect().models(), vocabulary.models, expect_path,
                reporter);
  CheckAllKnown("model", "not_models", query.expect().not_models(), vocabulary.models, expect_path,
                reporter);
  if (form == Form::kSource && query.has_recorded()) {
    reporter->Report(path.Field("recorded"), "is written at build time, leave it out");
  }
  if (form != Form::kSource && !query.has_recorded()) {
    reporter->Report(path.Field("recorded"), "is required");
  }
  ValidateFinite(query, path, reporter);
}

}  // namespace pointsman::bundle

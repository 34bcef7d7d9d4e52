#include "index/evaluate/replay.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace pointsman::evaluate {
namespace {

class Comparison {
 public:
  void Text(const std::string& field, const std::string& logged, const std::string& recomputed) {
    if (logged != recomputed) differences_.push_back({field, logged, recomputed});
  }

  void Count(const std::string& field, int logged, int recomputed) {
    Text(field, absl::StrCat(logged), absl::StrCat(recomputed));
  }

  void Number(const std::string& field, double logged, double recomputed) {
    if (std::abs(logged - recomputed) <= kReplayTolerance) return;
    differences_.push_back({field, absl::StrCat(logged), absl::StrCat(recomputed)});
  }

  std::vector<Difference> Finish() && { return std::move(differences_); }

 private:
  std::vector<Difference> differences_;
};

std::string Flag(bool flag) { return flag ? "true" : "false"; }

}  // namespace

std::vector<Difference> Compare(const v1::DecisionRecord& record,
                                const v1::RouteResponse& response) {
  Comparison compare;
  compare.Text("outcome", v1::Outcome_Name(record.outcome()), v1::Outcome_Name(response.outcome()));
  compare.Text("model", record.model(), response.model());
  compare.Text("policy", record.policy(), response.provenance().policy());
  compare.Text("policy_digest", record.policy_digest(), response.provenance().policy_digest());
  compare.Number("confidence", record.confidence(), response.confidence());
  compare.Number("margin", record.margin(), response.margin());
  compare.Number("familiarity", record.familiarity(), response.familiarity());
  compare.Text("explored", Flag(record.explored()), Flag(response.provenance().explored()));

  compare.Count("candidates", record.candidates_size() + record.candidates_omitted(),
                response.candidates_size());
  const int candidates = std::min(record.candidates_size(), response.candidates_size());
  for (int i = 0; i < candidates; ++i) {
    const v1::DecisionCandidate& logged = record.candidates(i);
    const v1::Candidate& recomputed = response.candidates(i);
    const std::string field = absl::StrCat("candidates[", i, "]");
    compare.Text(field + ".model", logged.model(), recomputed.model());
    compare.Number(field + ".success_probability", logged.success_probability(),
                   recomputed.success_probability());
  }

  compare.Count("rejected", record.rejected_size() + record.rejected_omitted(),
                response.rejected_size());
  const int rejected = std::min(record.rejected_size(), response.rejected_size());
  for (int i = 0; i < rejected; ++i) {
    const std::string field = absl::StrCat("rejected[", i, "]");
    compare.Text(field + ".model", record.rejected(i).model(), response.rejected(i).model());
    compare.Text(field + ".reason", v1::RejectionReason_Name(record.rejected(i).reason()),
                 v1::RejectionReason_Name(response.rejected(i).reason()));
  }
  return std::move(compare).Finish();
}

Replayed Replayer::Replay(const v1::DecisionRecord& record, std::vector<Difference>* differences) {
  differences->clear();
  if (record.bundle_digest() != engine_.manifest().digest()) return Replayed::kOtherBundle;
  if (!record.has_request()) {
    return record.request_omission() == v1::REQUEST_OMISSION_TOO_LARGE ? Replayed::kTooLarge
                                                                       : Replayed::kNoRequest;
  }
  if (record.redacted()) return Replayed::kRedacted;
  response_.Clear();
  const absl::Status status = engine_.Decide(record.request(), scratch_, &response_);
  if (status.ok()) {
    *differences = Compare(record, response_);
  } else {
    differences->push_back({"request", "decided", absl::StrCat("refused: ", status.message())});
  }
  return differences->empty() ? Replayed::kEqual : Replayed::kDifferent;
}

}  // namespace pointsman::evaluate

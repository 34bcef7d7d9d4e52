#include "server/reload/dry_run.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "index/digest.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::server {
namespace {

// One engine with the working memory to ask it again and again.
class Side {
 public:
  explicit Side(const Engine& engine) : engine_(engine) {}

  void Decide(const v1::RouteRequest& request) {
    response_.Clear();
    status_ = engine_.Decide(request, scratch_, &response_);
    if (!status_.ok()) response_.Clear();
  }
  const absl::Status& status() const { return status_; }
  const v1::RouteResponse& response() const { return response_; }

 private:
  const Engine& engine_;
  Engine::Scratch scratch_;
  v1::RouteResponse response_;
  absl::Status status_;
};

class Comparison {
 public:
  Comparison(const Engine& before, const Engine& after, v1::ActivateBundleResponse* response)
      : before_(before), after_(after), response_(*response) {}

  // `golden_id` is empty for a sampled request.
  void Compare(const v1::RouteRequest& request, const std::string& golden_id) {
    before_.Decide(request);
    after_.Decide(request);
    if (!before_.status().ok() && !after_.status().ok()) return;
    const bool changed = before_.status().ok() != after_.status().ok() ||
                         before_.response().outcome() != after_.response().outcome() ||
                         before_.response().model() != after_.response().model();
    const bool golden = !golden_id.empty();
    response_.set_decisions_compared(response_.decisions_compared() + 1);
    if (golden) response_.set_golden_compared(response_.golden_compared() + 1);
    if (!changed) return;
    response_.set_decisions_changed(response_.decisions_changed() + 1);
    if (golden) response_.set_golden_changed(response_.golden_changed() + 1);
    if (response_.changes_size() == kMaxReportedChanges) return;
    v1::DecisionChange* change = response_.add_changes();
    change->set_golden_id(golden_id);
    change->set_model_before(before_.response().model());
    change->set_model_after(after_.response().model());
    if (!after_.status().ok()) change->set_error_after(std::string(after_.status().message()));
  }

 private:
  Side before_;
  Side after_;
  v1::ActivateBundleResponse& response_;
};

}  // namespace

void CompareDecisions(const Engine& before, const Engine& after,
                      const std::vector<std::string>& samples, const std::function<bool()>& stopped,
                      v1::ActivateBundleResponse* response) {
  Comparison comparison(before, after, response);
  std::set<std::pair<std::string, std::string>> seen;  // id, bytes
  for (const Engine* engine : {&before, &after}) {
    for (const bundle::v1::GoldenQuery& query : engine->golden().queries()) {
      if (stopped()) return;
      if (!seen.emplace(query.id(), SerializeDeterministically(query.request())).second) continue;
      comparison.Compare(query.request(), query.id());
    }
  }
  v1::RouteRequest request;
  for (const std::string& sample : samples) {
    if (stopped()) return;
    if (request.ParseFromString(sample)) comparison.Compare(request, "");
  }
}

}  // namespace pointsman::server

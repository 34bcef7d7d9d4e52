// One logged decision, decided again by an engine of the same bundle and compared.
//
// In: records of the decision log. Out: whether the engine still says the same, and in what it does
// not. The same bundle and request give the same decision; figures may differ in the last digits
// between processors, so those are compared to 1e-4.
#ifndef POINTSMAN_INDEX_EVALUATE_REPLAY_H_
#define POINTSMAN_INDEX_EVALUATE_REPLAY_H_

#include <string>
#include <vector>

#include "index/engine.h"
#include "pointsman/v1/decision_log.pb.h"

namespace pointsman::evaluate {

// Largest absolute difference between two figures that count as equal.
inline constexpr double kReplayTolerance = 1e-4;

// What became of a record.
enum class Replayed {
  kEqual,
  kDifferent,
  // Not decided again, in the order in which that is asked:
  kOtherBundle,  // made from another bundle than the engine's
  kNoRequest,    // the server did not log contents
  kTooLarge,     // the request was too large to log
  kRedacted,     // the request is not as it was
};

// One field in which the logged decision and the one of today differ.
struct Difference {
  std::string field;  // of DecisionRecord, such as "candidates[1].model"
  std::string logged;
  std::string recomputed;
};

// Compares a record with what the engine answered to its request: outcome, model, policy and its
// digest, confidence, margin, familiarity, the number of candidates and of rejections, and of those
// that were logged the order, the probabilities and the reasons. Empty: all equal.
std::vector<Difference> Compare(const v1::DecisionRecord& record,
                                const v1::RouteResponse& response);

// Replays records one at a time; not thread-safe. The engine must outlive it, and its bounds must
// be at least those of the server that logged.
class Replayer {
 public:
  explicit Replayer(const Engine& engine) : engine_(engine) {}

  // `differences` is replaced; it is empty unless the result is kDifferent. A request that the
  // engine refuses differs in the field "request".
  Replayed Replay(const v1::DecisionRecord& record, std::vector<Difference>* differences);

 private:
  const Engine& engine_;
  Engine::Scratch scratch_;
  v1::RouteResponse response_;
};

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_REPLAY_H_

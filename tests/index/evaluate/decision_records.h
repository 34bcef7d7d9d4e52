// Decisions of the tiny engine as a server's decision log keeps them.
#ifndef POINTSMAN_TESTS_INDEX_EVALUATE_DECISION_RECORDS_H_
#define POINTSMAN_TESTS_INDEX_EVALUATE_DECISION_RECORDS_H_

#include <string>
#include <vector>

#include "index/engine.h"
#include "pointsman/v1/decision_log.pb.h"

namespace pointsman::evaluate {

// The record of what `engine` decides on `request`, with the first `logged` candidates.
v1::DecisionRecord RecordOf(const Engine& engine, const v1::RouteRequest& request,
                            const std::string& decision_id, int logged = 5);

// Requests of all kinds: texts, conversations, vectors, policies, limits, exploration, odd
// characters. The same in every run.
std::vector<v1::RouteRequest> VariedRequests(size_t count);

// One line of the log.
std::string ToLine(const v1::DecisionRecord& record);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_TESTS_INDEX_EVALUATE_DECISION_RECORDS_H_

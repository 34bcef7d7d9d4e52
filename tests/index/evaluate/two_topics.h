// A labelled set in which topic decides: of two models, `calculator` answers sums and fails at
// poems, `poet` the other way round, each with some noise. `all_rounder` is somewhat better than
// either over all, and ten times as dear. With an embedder of a few words.
#ifndef POINTSMAN_TESTS_INDEX_EVALUATE_TWO_TOPICS_H_
#define POINTSMAN_TESTS_INDEX_EVALUATE_TWO_TOPICS_H_

#include "index/evaluate/inputs.h"

namespace pointsman::evaluate {

// `queries` labelled ones, half of each topic; ids start with `prefix`.
std::vector<bundle::v1::Exemplar> TwoTopicQueries(int queries, const std::string& prefix);

Inputs TwoTopics(int queries);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_TESTS_INDEX_EVALUATE_TWO_TOPICS_H_

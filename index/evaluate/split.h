// Which labelled queries a bundle is built from and which it is tested on. Depends on nothing but
// the number of queries, the protocol and the seed, on every machine alike.
#ifndef POINTSMAN_INDEX_EVALUATE_SPLIT_H_
#define POINTSMAN_INDEX_EVALUATE_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

namespace pointsman::evaluate {

// How labelled queries are divided. Exactly one of the first three is set, or none of them where
// there is a test set of its own and all labelled queries are for training.
struct Protocol {
  std::optional<double> holdout;       // share that is tested on, above 0 and below 1
  std::optional<int64_t> train_count;  // queries that are trained on; the others are tested on
  std::optional<int> folds;            // k-fold cross-validation, 2 to the number of queries
  int seeds = 5;                       // the division is repeated with seeds 0 to seeds - 1
};

struct Split {
  int seed = 0;
  int fold = 0;               // 0 without folds
  std::vector<size_t> train;  // indices, rising
  std::vector<size_t> test;   // indices, rising; empty where the test set is another one
};

// Divides `count` queries. INVALID_ARGUMENT names the bound and the value of a protocol that cannot
// be met.
absl::StatusOr<std::vector<Split>> MakeSplits(size_t count, const Protocol& protocol);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_SPLIT_H_

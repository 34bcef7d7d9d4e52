#include "index/evaluate/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pointsman::evaluate {
namespace {

constexpr int kMaxSeeds = 1000;

// Fisher-Yates with draws of our own: those of the standard library differ between its vendors.
std::vector<size_t> Permutation(size_t count, int seed) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  for (size_t i = count; i > 1; --i) {
    // The bias of the remainder is below count / 2^64.
    std::swap(order[i - 1], order[random() % i]);
  }
  return order;
}

// The part [begin, end) of `order` is tested on, the rest trained on.
Split Divide(const std::vector<size_t>& order, size_t begin, size_t end, int seed, int fold) {
  Split split{seed, fold, {}, {}};
  for (size_t i = 0; i < order.size(); ++i) {
    (i >= begin && i < end ? split.test : split.train).push_back(order[i]);
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.test.begin(), split.test.end());
  return split;
}

}  // namespace

absl::StatusOr<std::vector<Split>> MakeSplits(size_t count, const Protocol& protocol) {
  if (protocol.seeds < 1 || protocol.seeds > kMaxSeeds) {
    return absl::InvalidArgumentError(
        absl::StrCat("seeds must be 1 to ", kMaxSeeds, "; is ", protocol.seeds));
  }
  size_t train = count;
  if (protocol.holdout.has_value()) {
    if (!(*protocol.holdout > 0 && *protocol.holdout < 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("holdout must be above 0 and below 1; is ", *protocol.holdout));
    }
    train =
        count - static_cast<size_t>(std::lround(*protocol.holdout * static_cast<double>(count)));
    if (train == 0 || train == count) {
      return absl::InvalidArgumentError(absl::StrCat("holdout of ", *protocol.holdout, " of ",
                                                     count,
                                                     " labelled queries leaves an empty part"));
    }
  } else if (protocol.train_count.has_value()) {
    if (*protocol.train_count < 1 || static_cast<size_t>(*protocol.train_count) >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("train-count must be at least 1 and below the ", count,
                       " labelled queries; is ", *protocol.train_count));
    }
    train = static_cast<size_t>(*protocol.train_count);
  } else if (protocol.folds.has_value() &&
             (*protocol.folds < 2 || static_cast<size_t>(*protocol.folds) > count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("folds must be 2 to the ", count, " labelled queries; is ", *protocol.folds));
  }

  std::vector<Split> splits;
  if (train == count && !protocol.folds.has_value()) {
    // Every seed would give the same.
    std::vector<size_t> all(count);
    std::iota(all.begin(), all.end(), size_t{0});
    splits.push_back(Split{0, 0, std::move(all), {}});
    return splits;
  }
  for (int seed = 0; seed < protocol.seeds; ++seed) {
    const std::vector<size_t> order = Permutation(count, seed);
    if (!protocol.folds.has_value()) {
      splits.push_back(Divide(order, train, count, seed, 0));
      continue;
    }
    const auto folds = static_cast<size_t>(*protocol.folds);
    for (size_t fold = 0; fold < folds; ++fold) {
      splits.push_back(Divide(order, count * fold / folds, count * (fold + 1) / folds, seed,
                              static_cast<int>(fold)));
    }
  }
  return splits;
}

}  // namespace pointsman::evaluate

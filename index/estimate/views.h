// What fitting and serving must agree on: the order of the views and the scaling of their inputs.
#ifndef POINTSMAN_INDEX_ESTIMATE_VIEWS_H_
#define POINTSMAN_INDEX_ESTIMATE_VIEWS_H_

namespace pointsman::estimate {

// Order of the views in blends; those that read only the vector come first.
enum View { kKernelView, kCapabilityView, kLinearView, kFormView, kLexicalView };
inline constexpr int kViews = 5;
inline constexpr int kVectorViews = 3;

// Standardised form features are clipped here: beyond, a length says no more than "long".
inline constexpr float kMaxFormDeviation = 4;

// The token view is one ridge regression on vector and form together; these bring both to a scale
// at which one penalty suits them.
inline constexpr float kTokenVectorScale = 8;
inline constexpr float kTokenFormScale = 1.0F / 3;

// Neighbours looked at: kernels are wide, and beyond a hundred the weights vanish.
inline constexpr int kNeighbours = 100;

// Folds of everything that is not left out one by one.
inline constexpr int kFolds = 5;

// Clusters that stand in where the catalogue has no capabilities.
inline constexpr int kClusters = 64;

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_VIEWS_H_

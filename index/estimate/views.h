// What fitting and serving must agree on: the order of the views and the scaling of their inputs.
#ifndef POINTSMAN_INDEX_ESTIMATE_VIEWS_H_
#define POINTSMAN_INDEX_ESTIMATE_VIEWS_H_

namespace pointsman::estimate {

// Order of the views in blends. The first three read only the vector; the level view reads what was
// blended for the level, and predicts contrasts only.
enum View { kKernelView, kCapabilityView, kLinearView, kFormView, kLexicalView, kLevelView };
inline constexpr int kViews = 6;

// Inputs of the level view: how far the level is from its mean, and the square of that. Models
// differ most on queries of middling difficulty, and least where all succeed or all fail.
inline constexpr int kLevelInputs = 2;

// Standardised form features are clipped here: beyond, a length says no more than "long".
inline constexpr float kMaxFormDeviation = 4;

// Neighbours looked at: kernels are wide, and beyond a hundred the weights vanish.
inline constexpr int kNeighbours = 100;

// Folds of everything that is not left out one by one.
inline constexpr int kFolds = 5;

// Clusters that stand in where the catalogue has no capabilities.
inline constexpr int kClusters = 32;

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_VIEWS_H_

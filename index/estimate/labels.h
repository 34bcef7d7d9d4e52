// What the exemplars say of each model, as numbers: measured outcomes where there are some, and
// what declared skill makes of capability and difficulty where there are none.
//
// Computed alike when fitting and when serving, so the bundle need not store it.
#ifndef POINTSMAN_INDEX_ESTIMATE_LABELS_H_
#define POINTSMAN_INDEX_ESTIMATE_LABELS_H_

#include <vector>

#include "Eigen/Dense"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/bundle/v1/calibration.pb.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::estimate {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// A declared outcome counts as much as this share of a measured one.
inline constexpr double kDeclaredWeight = 0.15;

// n exemplars, m models, c capabilities of the catalogue (0 if it has none).
struct Labels {
  MatrixXd quality;             // n x m, 0..1; 0 where weight is 0
  MatrixXd weight;              // n x m: 1 measured, kDeclaredWeight declared, 0 nothing known
  MatrixXd tokens;              // n x m output tokens; 0 where token_weight is 0
  MatrixXd token_weight;        // n x m, as weight
  std::vector<int> capability;  // n; -1: not labelled
  int capabilities = 0;         // of the catalogue
  VectorXd difficulty;          // n; NaN: not labelled
  MatrixXd declared_success;    // c x m at the capability's mean difficulty; NaN: no skill declared
  double declared_deviation = 0;   // between exemplars of one capability
  VectorXd mean_tokens;            // m, over the exemplars; 300 where nothing at all is known
  std::vector<bool> has_outcomes;  // m
  std::vector<bool> has_skill;     // m
};

Labels MakeLabels(const v1::Catalogue& catalogue,
                  const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars);

// Regression targets made of labels: level is the mean over models, contrast what each model adds.
// Fitted apart, because routing needs the contrast and most of the variance is in the level.
//
// Where outcomes are missing, an exemplar's level is the mean of (outcome - model's mean) over the
// models it has, so that it does not depend on which models were measured.
// Capabilities are targets too, 1 for the one an exemplar is labelled with: what a query needs is
// read from all views, not from the vector alone. Output tokens are relative to the model's mean,
// and a rambling answer counts as eight means at most.
struct TargetGroup {
  bundle::v1::TargetKind kind;
  Eigen::Index first;  // column
  Eigen::Index columns;
};
struct Targets {
  MatrixXd value;                   // n x t
  MatrixXd weight;                  // n x t, 0 where nothing is known
  VectorXd mean;                    // t
  std::vector<TargetGroup> groups;  // one after the other, in the order of TargetKind
};

Targets MakeTargets(const Labels& labels);

// Rasch curve: probability that a model of `skill` answers a query of `difficulty` acceptably.
double RaschSuccess(double skill, double difficulty, double slope);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_LABELS_H_

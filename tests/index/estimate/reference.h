// The whole estimate again, slow and obvious: double precision, one formula after the other as
// index/estimate/estimator.h and familiarity.h state them, straight from the messages of a bundle.
// Labels, targets, form and lexical features are taken over; they have tests of their own.
#ifndef POINTSMAN_TESTS_INDEX_ESTIMATE_REFERENCE_H_
#define POINTSMAN_TESTS_INDEX_ESTIMATE_REFERENCE_H_

#include <vector>

#include "index/estimate/estimator.h"
#include "index/estimate/labels.h"
#include "index/estimate/query_estimate.h"
#include "pointsman/bundle/v1/calibration.pb.h"

namespace pointsman::estimate {

struct ReferenceEstimate {
  std::vector<ModelEstimate> models;
  std::vector<double> capabilities;
  double difficulty = 0;  // NaN: not labelled
  double familiarity = 0;
};

class Reference {
 public:
  Reference(const bundle::v1::Calibration& calibration, const v1::Catalogue& catalogue,
            const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars)
      : calibration_(calibration),
        labels_(MakeLabels(catalogue, exemplars)),
        targets_(MakeTargets(labels_)) {}

  ReferenceEstimate Estimate(const Query& query) const;

 private:
  // Prediction of each view for each target: [view][target].
  std::vector<std::vector<double>> Views(const Query& query) const;
  std::vector<double> Blended(const Query& query) const;
  double Familiarity(const Query& query) const;
  double MeasuredEvidence(const Query& query, int model) const;
  double AllEvidence(const Query& query, int model) const;
  double Kernel(const Query& query, size_t neighbour, double bandwidth) const;

  const bundle::v1::Calibration& calibration_;
  Labels labels_;
  Targets targets_;
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_TESTS_INDEX_ESTIMATE_REFERENCE_H_

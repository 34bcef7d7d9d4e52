// Neighbours and text of a query -> what is believed of each model.
//
// Five views predict the level (mean success over models), the contrasts (what each model adds),
// the difficulty and the output tokens:
//   kernel      mean over the neighbours' outcomes, w_i = exp((s_i - s_1)/tau), shrunk to the next:
//               (kappa * prior + n_eff * mean) / (kappa + n_eff),  n_eff = (sum w)^2 / sum w^2
//   capability  means of the capabilities, mixed by softmax(head / temperature)
//   linear      ridge regression on the vector
//   form        ridge regression on the text's form (form_features.h)
//   lexical     ridge regression on hashed tokens (lexical_features.h)
// blended with non-negative weights around the targets' means; a sixth view predicts the contrasts
// from the blended level. Then calibrated by Platt scaling, then drawn towards declared skill as
// far as the query is unfamiliar: p' = lambda p + (1 - lambda) prior, lambda = min(1, familiarity /
// 0.02).
//
// The variance of p is p(1-p) (1/evidence + base), where the evidence of the neighbours is that of
// a weighted mean of outcomes of weight v, (sum w v)^2 / sum w^2 v, plus the worth of the prior,
// and never more than all outcomes together.
#ifndef POINTSMAN_INDEX_ESTIMATE_ESTIMATOR_H_
#define POINTSMAN_INDEX_ESTIMATE_ESTIMATOR_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/estimate/familiarity.h"
#include "index/estimate/form_features.h"
#include "index/estimate/lexical_features.h"
#include "index/estimate/query_estimate.h"
#include "index/search/neighbour.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/bundle/v1/calibration.pb.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::estimate {

// What the estimate is made from. All vectors have the bundle's dimension.
struct Query {
  std::optional<std::string_view> text;           // the question; absent: only a vector was sent
  std::span<const uint32_t> tokens;               // of the question
  std::span<const float> question_unit;           // uncentred unit vector of the question
  std::span<const float> centred;                 // centred unit vector of the whole request
  std::span<const search::Neighbour> neighbours;  // best first, by centred cosine
};

// Working memory of one estimate at a time.
struct EstimateScratch {
  FormScratch form;
  LexicalExtractor lexical;
  std::vector<float> level_kernel;  // weight of each neighbour for the level, largest 1
  std::vector<double> logits;       // c
  std::vector<float> mix;           // c, the reported one
  std::vector<float> group_mix;     // c
  std::vector<double> sums;         // of the kernel, three for each column
  std::vector<double> views;        // kViews x t
  std::vector<double> blended;      // t
  std::vector<ModelEstimate> models;
};

// Immutable after Create, thread-safe.
class Estimator {
 public:
  // Fails where shapes in `calibration` do not fit the catalogue, the exemplars or one another.
  static absl::StatusOr<Estimator> Create(
      const bundle::v1::Calibration& calibration, const v1::Catalogue& catalogue,
      const google::protobuf::RepeatedPtrField<bundle::v1::Exemplar>& exemplars);

  // The result points into `scratch`.
  QueryEstimate Estimate(const Query& query, EstimateScratch* scratch) const;

  // What is believed of a query of which nothing is known: the means over all exemplars,
  // familiarity 0. The result points into `scratch`.
  QueryEstimate Prior(EstimateScratch* scratch) const;

  // Kernel weights of the level, in the order of the neighbours, adding up to 1: the share of each
  // neighbour in the evidence.
  void EvidenceWeights(std::span<const search::Neighbour> neighbours,
                       std::vector<float>* weights) const;

  int neighbours() const { return neighbours_; }
  std::span<const float> mean() const { return mean_; }
  // Ids of the capabilities, or "cluster-N" where the catalogue has none.
  const std::vector<std::string>& capability_names() const { return capability_names_; }

 private:
  struct LinearMap {
    int inputs = 0;
    int outputs = 0;
    std::vector<float> slope;  // inputs x outputs
    std::vector<float> intercept;

    // out = intercept + x' slope.
    void Apply(std::span<const float> x, double* out) const;
  };
  struct Group {
    bundle::v1::TargetKind kind = bundle::v1::TARGET_KIND_UNSPECIFIED;
    int first = 0;
    int columns = 0;
    float bandwidth = 1;
    float prior_strength = 1;
    float temperature = 1;
    std::vector<float> capability_means;     // c x columns
    std::vector<float> means;                // columns
    std::vector<double> blend;               // columns x kViews
    std::vector<double> blend_without_text;  // columns x kViews
  };
  struct Scaling {
    double slope = 1;
    std::vector<double> intercepts;
  };

  Estimator() = default;
  static absl::StatusOr<LinearMap> ReadMap(const bundle::v1::LinearMap& map, int inputs,
                                           int outputs, std::string_view name);
  void KernelAndCapability(const Query& query, EstimateScratch* scratch) const;
  void TextViews(const Query& query, EstimateScratch* scratch) const;
  void ReportMix(EstimateScratch* scratch) const;
  QueryEstimate Finish(const Query& query, double familiarity, EstimateScratch* scratch) const;
  // Of measured outcomes among the neighbours of a query, and of measured and declared ones.
  struct Evidence {
    double measured = 0;
    double all = 0;
  };
  Evidence FindEvidence(const Query& query, const EstimateScratch& scratch, size_t model) const;

  int models_ = 0;
  int capabilities_ = 0;
  int targets_ = 0;
  int neighbours_ = 0;
  std::vector<float> mean_;
  std::vector<std::string> capability_names_;
  std::vector<float> target_value_;    // n x t
  std::vector<float> target_weight_;   // n x t
  std::vector<float> outcome_weight_;  // n x m: 1 measured, less declared, 0 nothing known
  std::vector<double> total_weight_;   // m, of the above
  std::vector<Group> groups_;
  int difficulty_column_ = -1;  // of the targets; -1: there is none
  int token_column_ = -1;       // first of m columns; -1: there is none
  int capability_column_ = -1;  // first of c columns; -1: there is none
  LinearMap head_;
  float head_temperature_ = 1;
  LinearMap linear_;
  std::vector<float> form_mean_;
  std::vector<float> form_scale_;  // 1 / deviation, 0 where the feature never varies
  LinearMap form_;
  LinearMap lexical_;
  LinearMap level_;
  LinearMap level_without_text_;
  Scaling scaling_;
  Scaling scaling_without_text_;
  std::vector<double> mean_tokens_;
  std::vector<float> declared_success_;  // c x m
  std::vector<double> prior_deviation_;  // m
  std::vector<bool> has_outcomes_;
  std::vector<bool> has_skill_;
  double base_variance_ = 0;
  double strength_ = 1;
  double correlation_ = 0;
  std::optional<Familiarity> familiarity_;
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_ESTIMATOR_H_

// Everything that `/metrics` shows, as one Collectable. README.md has the table.
//
// Handles are resolved before traffic, labels come from closed sets only, and recording is a few
// relaxed atomic additions: no lock, no allocation, no formatting.
#ifndef POINTSMAN_SERVER_METRICS_H_
#define POINTSMAN_SERVER_METRICS_H_

#include <array>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "grpcpp/support/status_code_enum.h"
#include "index/engine.h"
#include "prometheus/collectable.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"
#include "server/histogram.h"

namespace pointsman::server {

enum class Method { kRoute, kBatchRoute, kGetCatalogue };
inline constexpr size_t kMethodCount = 3;

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const std::string& version);

  std::vector<prometheus::MetricFamily> Collect() const override;

  // A request has been answered.
  void RecordRequest(Method method, grpc::StatusCode code);
  prometheus::Gauge& requests_in_flight() { return *requests_in_flight_; }

  // Shows which bundle is in service, in place of the one shown before.
  void SetBundle(const std::string& digest, const std::string& version);

 private:
  friend class BundleMetrics;
  static constexpr size_t kCodeCount = grpc::StatusCode::UNAUTHENTICATED + 1;

  prometheus::Registry registry_;

  // Labelled by names of a bundle; BundleMetrics resolves them.
  prometheus::Family<prometheus::Counter>& decisions_;
  prometheus::Family<prometheus::Counter>& expected_cost_usd_;
  prometheus::Family<prometheus::Counter>& expected_best_single_cost_usd_;
  prometheus::Family<prometheus::Counter>& expected_quality_given_up_;
  prometheus::Family<prometheus::Counter>& expected_quality_gained_;
  prometheus::Family<prometheus::Gauge>& bundle_info_;

  // Indexed by the number of the enum value.
  std::vector<prometheus::Counter*> rejections_;
  std::vector<prometheus::Counter*> degradations_;
  std::array<std::array<prometheus::Counter*, kCodeCount>, kMethodCount> requests_;
  prometheus::Gauge* requests_in_flight_;
  prometheus::Gauge* current_bundle_ = nullptr;

  HistogramFamily stage_duration_seconds_;
  HistogramFamily confidence_family_;
  HistogramFamily margin_family_;
  HistogramFamily familiarity_family_;
  Histogram* embed_seconds_;
  Histogram* search_seconds_;
  Histogram* estimate_seconds_;
  Histogram* choose_seconds_;
  Histogram* total_seconds_;
  Histogram* confidence_;
  Histogram* margin_;
  Histogram* familiarity_;
};

// The label value of an enum value: its name without the enum's own and in lower case, such as
// "cost_above_limit" for REJECTION_REASON_COST_ABOVE_LIMIT.
std::string EnumLabel(const google::protobuf::EnumValueDescriptor& value);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_METRICS_H_

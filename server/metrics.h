// Everything that `/metrics` shows, as one Collectable. README.md has the table.
//
// Handles are resolved before traffic, labels come from closed sets only, and recording is a few
// relaxed atomic additions: no lock, no allocation, no formatting. What other parts count for
// themselves is asked of them at each scrape (AddSource).
#ifndef POINTSMAN_SERVER_METRICS_H_
#define POINTSMAN_SERVER_METRICS_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
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

enum class Method { kRoute, kBatchRoute, kGetCatalogue, kExtProc };
inline constexpr size_t kMethodCount = 4;
std::string_view MethodName(Method method);

// Why a request was refused before any work.
enum class Shed { kInFlight, kQueueDelay, kClientShare, kDraining };
inline constexpr size_t kShedCount = 4;

// Series labelled with names of bundles are never removed, so that counters go on across swaps;
// beyond this many, names of later bundles are counted as `(other)`.
inline constexpr size_t kMaxBundleSeries = 20'000;

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(const std::string& version);

  std::vector<prometheus::MetricFamily> Collect() const override;

  // A request has been answered.
  void RecordRequest(Method method, grpc::StatusCode code);
  void RecordShed(Shed reason) { sheds_[static_cast<size_t>(reason)]->Increment(); }
  // Time between acceptance and the beginning of the work.
  void RecordQueueDelay(double seconds) { queue_delay_seconds_->Observe(seconds); }

  // Counters with one closed label, resolved by the part that counts: authentication, reloads, ...
  prometheus::Counter& AddCounter(const std::string& name, const std::string& help,
                                  const prometheus::Labels& labels);

  // Asked at each scrape, on the thread that serves it, for families to append. Not thread-safe:
  // add all before traffic. What a source refers to must outlive scrapes.
  using Source = std::function<void(std::vector<prometheus::MetricFamily>*)>;
  void AddSource(Source source) { sources_.push_back(std::move(source)); }

  // Shows which bundle is in service since now, and the share of its exemplars under each
  // capability, in place of the one shown before.
  using CapabilityShares = std::vector<std::pair<std::string, double>>;
  void SetBundle(const std::string& digest, const std::string& version,
                 const CapabilityShares& capabilities);

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
  prometheus::Family<prometheus::Counter>& capability_weights_;
  prometheus::Family<prometheus::Gauge>& capability_shares_;
  prometheus::Family<prometheus::Gauge>& bundle_info_;

  // Indexed by the number of the enum value.
  std::vector<prometheus::Counter*> rejections_;
  std::vector<prometheus::Counter*> degradations_;
  std::array<std::array<prometheus::Counter*, kCodeCount>, kMethodCount> requests_;
  std::array<prometheus::Counter*, kShedCount> sheds_;
  prometheus::Gauge* bundle_series_;
  prometheus::Gauge* bundle_activated_seconds_;
  prometheus::Gauge* current_bundle_ = nullptr;
  std::vector<prometheus::Gauge*> current_shares_;

  std::vector<Source> sources_;
  HistogramFamily queue_delay_family_;
  HistogramFamily stage_duration_seconds_;
  HistogramFamily confidence_family_;
  HistogramFamily margin_family_;
  HistogramFamily familiarity_family_;
  HistogramFamily effective_evidence_family_;
  Histogram* queue_delay_seconds_;
  Histogram* embed_seconds_;
  Histogram* search_seconds_;
  Histogram* estimate_seconds_;
  Histogram* choose_seconds_;
  Histogram* total_seconds_;
  Histogram* confidence_;
  Histogram* margin_;
  Histogram* familiarity_;
  Histogram* effective_evidence_;
};

// One value of a family that a source appends.
struct SourceValue {
  prometheus::Labels labels;
  double value;
};

// For sources.
void AppendFamily(const std::string& name, const std::string& help, prometheus::MetricType type,
                  const std::vector<SourceValue>& values,
                  std::vector<prometheus::MetricFamily>* families);

// The label value of an enum value: its name without the enum's own and in lower case, such as
// "cost_above_limit" for REJECTION_REASON_COST_ABOVE_LIMIT.
std::string EnumLabel(const google::protobuf::EnumValueDescriptor& value);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_METRICS_H_

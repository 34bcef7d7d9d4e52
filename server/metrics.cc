#include "server/metrics.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

constexpr const char* kMethodNames[kMethodCount] = {"Route", "BatchRoute", "GetCatalogue",
                                                    "ext_proc"};
constexpr const char* kShedNames[kShedCount] = {"in_flight", "queue_delay", "client_share",
                                                "draining"};
constexpr const char* kCodeNames[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

std::vector<double> StageBounds() {
  return {1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4,
          1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1, 1};
}

std::vector<double> ProbabilityBounds() {
  return {.1, .2, .3, .4, .5, .55, .6, .65, .7, .75, .8, .85, .9, .95, .98, 1};
}

// Finer near zero, where policies have their floor.
std::vector<double> FamiliarityBounds() {
  return {.002, .005, .01, .02, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1};
}

// 0 is declared skill only.
std::vector<double> EvidenceBounds() { return {0, 1, 2, 5, 10, 20, 50, 100}; }

Family<Counter>& AddCounters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Family<Gauge>& AddGauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

std::vector<Counter*> CountersByEnum(Family<Counter>& family, const char* label,
                                     const google::protobuf::EnumDescriptor& descriptor) {
  std::vector<Counter*> counters;
  for (int i = 0; i < descriptor.value_count(); ++i) {
    const auto& value = *descriptor.value(i);
    const auto index = static_cast<size_t>(value.number());
    if (index == 0) continue;  // UNSPECIFIED is never sent
    if (counters.size() <= index) counters.resize(index + 1, nullptr);
    counters[index] = &family.Add({{label, EnumLabel(value)}});
  }
  return counters;
}

}  // namespace

std::string_view MethodName(Method method) { return kMethodNames[static_cast<size_t>(method)]; }

void AppendFamily(const std::string& name, const std::string& help, prometheus::MetricType type,
                  const std::vector<SourceValue>& values,
                  std::vector<prometheus::MetricFamily>* families) {
  prometheus::MetricFamily family{.name = name, .help = help, .type = type, .metric = {}};
  for (const SourceValue& value : values) {
    prometheus::ClientMetric metric;
    for (const auto& [label, text] : value.labels) metric.label.push_back({label, text});
    metric.counter.value = value.value;
    metric.gauge.value = value.value;
    family.metric.push_back(std::move(metric));
  }
  families->push_back(std::move(family));
}

std::string EnumLabel(const google::protobuf::EnumValueDescriptor& value) {
  // REJECTION_REASON_ of RejectionReason: protobuf's style rule, which buf checks.
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  prefix += '_';
  std::string name = value.name();
  if (absl::StartsWith(name, prefix)) name.erase(0, prefix.size());
  return absl::AsciiStrToLower(name);
}

Metrics::Metrics(const std::string& version)
    : decisions_(AddCounters(registry_, "pointsman_decisions_total",
                             "Decisions by chosen model, applied policy and outcome")),
      expected_cost_usd_(AddCounters(
          registry_, "pointsman_expected_cost_usd_total",
          "Expected cost of the choices, where that of the best single model is known too")),
      expected_best_single_cost_usd_(
          AddCounters(registry_, "pointsman_expected_best_single_cost_usd_total",
                      "Expected cost of the same queries had the best single model answered")),
      expected_quality_given_up_(AddCounters(
          registry_, "pointsman_expected_quality_given_up_total",
          "Success probability given up against the best single model, summed over decisions")),
      expected_quality_gained_(AddCounters(
          registry_, "pointsman_expected_quality_gained_total",
          "Success probability gained over the best single model, summed over decisions")),
      capability_weights_(AddCounters(
          registry_, "pointsman_capability_weight_total",
          "Weight of each capability in what queries were judged to need, summed over decisions")),
      capability_shares_(AddGauges(registry_, "pointsman_bundle_capability_ratio",
                                   "Share of the exemplars of the bundle in service under each "
                                   "capability, of those that carry one")),
      bundle_info_(AddGauges(registry_, "pointsman_bundle_info", "1 for the bundle in service")),
      queue_delay_family_("pointsman_queue_delay_seconds",
                          "Time between acceptance of a request and the beginning of its work",
                          StageBounds()),
      stage_duration_seconds_("pointsman_stage_duration_seconds", "Time of a decision by stage",
                              StageBounds(), "stage"),
      confidence_family_("pointsman_confidence", "Confidence of the choices", ProbabilityBounds()),
      margin_family_("pointsman_margin", "Margin of the choices", ProbabilityBounds()),
      familiarity_family_("pointsman_familiarity", "Familiarity of the queries",
                          FamiliarityBounds()),
      effective_evidence_family_("pointsman_effective_evidence",
                                 "Measured outcomes behind the success probability of the choices",
                                 EvidenceBounds()) {
  rejections_ = CountersByEnum(AddCounters(registry_, "pointsman_rejections_total",
                                           "Models that could not be chosen, by first reason"),
                               "reason", *v1::RejectionReason_descriptor());
  degradations_ = CountersByEnum(
      AddCounters(registry_, "pointsman_degradations_total", "What made decisions weaker, by kind"),
      "kind", *v1::DegradationKind_descriptor());

  Family<Counter>& requests = AddCounters(registry_, "pointsman_grpc_requests_total",
                                          "Answered requests by method and gRPC status code");
  for (size_t method = 0; method < kMethodCount; ++method) {
    for (size_t code = 0; code < kCodeCount; ++code) {
      requests_[method][code] =
          &requests.Add({{"method", kMethodNames[method]}, {"code", kCodeNames[code]}});
    }
  }
  Family<Counter>& sheds = AddCounters(registry_, "pointsman_requests_shed_total",
                                       "Requests refused before any work, by reason");
  for (size_t reason = 0; reason < kShedCount; ++reason) {
    sheds_[reason] = &sheds.Add({{"reason", kShedNames[reason]}});
  }
  bundle_activated_seconds_ = &AddGauges(registry_, "pointsman_bundle_activated_time_seconds",
                                         "When the bundle in service went into service, Unix time")
                                   .Add({});
  bundle_series_ = &AddGauges(registry_, "pointsman_bundle_series",
                              "Series labelled with names of bundles, of 20000 at most")
                        .Add({});
  AddGauges(registry_, "pointsman_build_info", "1, labelled with the version of the server")
      .Add({{"version", version}})
      .Set(1);

  queue_delay_seconds_ = queue_delay_family_.Add();
  embed_seconds_ = stage_duration_seconds_.Add("embed");
  search_seconds_ = stage_duration_seconds_.Add("search");
  estimate_seconds_ = stage_duration_seconds_.Add("estimate");
  choose_seconds_ = stage_duration_seconds_.Add("choose");
  total_seconds_ = stage_duration_seconds_.Add("total");
  confidence_ = confidence_family_.Add();
  margin_ = margin_family_.Add();
  familiarity_ = familiarity_family_.Add();
  effective_evidence_ = effective_evidence_family_.Add();
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  for (const HistogramFamily* family :
       {&queue_delay_family_, &stage_duration_seconds_, &confidence_family_, &margin_family_,
        &familiarity_family_, &effective_evidence_family_}) {
    families.push_back(family->Collect());
  }
  for (const Source& source : sources_) source(&families);
  return families;
}

Counter& Metrics::AddCounter(const std::string& name, const std::string& help,
                             const prometheus::Labels& labels) {
  // Registering a name again gives the family that has it.
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

void Metrics::RecordRequest(Method method, grpc::StatusCode code) {
  requests_[static_cast<size_t>(method)][static_cast<size_t>(code)]->Increment();
}

void Metrics::SetBundle(const std::string& digest, const std::string& version,
                        const CapabilityShares& capabilities) {
  if (current_bundle_ != nullptr) bundle_info_.Remove(current_bundle_);
  current_bundle_ = &bundle_info_.Add({{"digest", digest}, {"version", version}});
  current_bundle_->Set(1);
  bundle_activated_seconds_->SetToCurrentTime();
  for (Gauge* share : current_shares_) capability_shares_.Remove(share);
  current_shares_.clear();
  for (const auto& [capability, share] : capabilities) {
    current_shares_.push_back(&capability_shares_.Add({{"capability", capability}}));
    current_shares_.back()->Set(share);
  }
}

}  // namespace pointsman::server

#include "server/sources.h"

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace pointsman::server {
namespace {

using prometheus::MetricType;
using Families = std::vector<prometheus::MetricFamily>*;

constexpr const char* kAttemptNames[kAttemptResultCount] = {
    "activated", "unchanged", "failed", "dry_run", "rolled_back", "superseded"};

void Gauge(const char* name, const char* help, double value, Families families) {
  AppendFamily(name, help, MetricType::Gauge, {{{}, value}}, families);
}

}  // namespace

std::string_view AttemptResultName(AttemptResult result) {
  return kAttemptNames[static_cast<size_t>(result)];
}

Metrics::Source ConnectionMetrics(const GrpcListener& listener) {
  return [&listener](Families families) {
    const ConnectionListener::Counts counts = listener.connections();
    Gauge("pointsman_connections", "Open connections", static_cast<double>(counts.open), families);
    AppendFamily("pointsman_connections_total", "Connections by what became of them",
                 MetricType::Counter,
                 {{{{"result", "accepted"}}, static_cast<double>(counts.accepted)},
                  {{{"result", "refused_limit"}}, static_cast<double>(counts.refused_limit)},
                  {{{"result", "refused_files"}}, static_cast<double>(counts.refused_files)}},
                 families);
  };
}

Metrics::Source RequestMetrics(const Decider& decider, const Admission& admission,
                               const WorkQueue& queue) {
  return [&](Families families) {
    Gauge("pointsman_grpc_requests_in_flight", "Accepted requests that are not answered yet",
          static_cast<double>(decider.in_flight()), families);
    Gauge("pointsman_queue_length", "Accepted requests that no thread works on yet",
          static_cast<double>(queue.waiting()), families);
    Gauge("pointsman_utilisation_ratio",
          "Decisions in flight over those that the limits leave room for", admission.Utilisation(),
          families);
  };
}

Metrics::Source CertificateMetrics(const RotatingCredentials* tls) {
  return [tls](Families families) {
    const absl::Time not_after = tls != nullptr ? tls->not_after() : absl::UnixEpoch();
    Gauge("pointsman_certificate_not_after_seconds",
          "When the certificate in service expires, Unix time; 0 without TLS",
          absl::ToDoubleSeconds(not_after - absl::UnixEpoch()), families);
  };
}

Metrics::Source BundleFetchMetrics(const UrlSource* url) {
  return [url](Families families) {
    const UrlSourceStats stats = url != nullptr ? url->stats() : UrlSourceStats();
    AppendFamily("pointsman_bundle_fetches_total", "Requests to bundle_url, by result",
                 MetricType::Counter,
                 {{{{"result", "updated"}}, static_cast<double>(stats.updated)},
                  {{{"result", "not_modified"}}, static_cast<double>(stats.not_modified)},
                  {{{"result", "failed"}}, static_cast<double>(stats.failed)}},
                 families);
  };
}

Metrics::Source DecisionLogMetrics(const DecisionLog* log) {
  return [log](Families families) {
    const DecisionLog::Stats stats = log != nullptr ? log->stats() : DecisionLog::Stats{};
    const auto counter = [families](const char* name, const char* help, uint64_t value) {
      AppendFamily(name, help, MetricType::Counter, {{{}, static_cast<double>(value)}}, families);
    };
    counter("pointsman_decision_log_records_total", "Records written", stats.records);
    counter("pointsman_decision_log_bytes_total", "Bytes written", stats.bytes);
    counter("pointsman_decision_log_write_errors_total", "Writes that failed", stats.write_errors);
    counter("pointsman_decision_log_rotations_total", "Files begun after the first",
            stats.rotations);
    std::vector<SourceValue> dropped;
    for (size_t reason = 0; reason < stats.dropped.size(); ++reason) {
      dropped.push_back({{{"reason", std::string(Name(static_cast<DropReason>(reason)))}},
                         static_cast<double>(stats.dropped[reason])});
    }
    AppendFamily("pointsman_decision_log_dropped_total", "Records that were not written",
                 MetricType::Counter, dropped, families);
    Gauge("pointsman_decision_log_ring_bytes", "Bytes that wait for the writer",
          static_cast<double>(stats.ring_bytes_used), families);
  };
}

FileReloadMetrics::FileReloadMetrics(Metrics& metrics, const std::string& file) {
  const auto counter = [&](const char* result) {
    return &metrics.AddCounter("pointsman_file_reloads_total",
                               "Files of certificates and clients that changed, by result",
                               {{"file", file}, {"result", result}});
  };
  succeeded_ = counter("succeeded");
  failed_ = counter("failed");
}

BundleReloadMetrics::BundleReloadMetrics(Metrics& metrics) {
  for (size_t i = 0; i < results_.size(); ++i) {
    results_[i] =
        &metrics.AddCounter("pointsman_bundle_reloads_total",
                            "Wishes for another bundle, by result", {{"result", kAttemptNames[i]}});
  }
}

}  // namespace pointsman::server

// Metrics that parts of the server count for themselves, read at each scrape.
#ifndef POINTSMAN_SERVER_SOURCES_H_
#define POINTSMAN_SERVER_SOURCES_H_

#include "server/admission/admission.h"
#include "server/admission/work_queue.h"
#include "server/decider.h"
#include "server/decision_log/decision_log.h"
#include "server/grpc_listener.h"
#include "server/metrics.h"
#include "server/reload/bundle_manager.h"
#include "server/reload/url_source.h"
#include "server/security/rotating_credentials.h"

namespace pointsman::server {

// Each must outlive the scrapes.
Metrics::Source ConnectionMetrics(const GrpcListener& listener);
Metrics::Source RequestMetrics(const Decider& decider, const Admission& admission,
                               const WorkQueue& queue);
Metrics::Source DecisionLogMetrics(const DecisionLog* log);          // null: all zero
Metrics::Source CertificateMetrics(const RotatingCredentials* tls);  // null: zero
Metrics::Source BundleFetchMetrics(const UrlSource* url);            // null: all zero

// Counts what became of files that are read again: `file` is "certificate" or "clients".
class FileReloadMetrics {
 public:
  FileReloadMetrics(Metrics& metrics, const std::string& file);
  void Record(bool succeeded) { (succeeded ? succeeded_ : failed_)->Increment(); }

 private:
  prometheus::Counter* succeeded_;
  prometheus::Counter* failed_;
};

// Counts reloads of bundles by result. Thread-safe.
class BundleReloadMetrics {
 public:
  explicit BundleReloadMetrics(Metrics& metrics);
  void Record(AttemptResult result) { results_[static_cast<size_t>(result)]->Increment(); }

 private:
  std::array<prometheus::Counter*, kAttemptResultCount> results_;
};
std::string_view AttemptResultName(AttemptResult result);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SOURCES_H_

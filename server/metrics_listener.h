// `/metrics` over HTTP, on an address of its own.
#ifndef POINTSMAN_SERVER_METRICS_LISTENER_H_
#define POINTSMAN_SERVER_METRICS_LISTENER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"

namespace pointsman::server {

class MetricsListener {
 public:
  // Serves `metrics` from now until destruction. UNAVAILABLE names the address, for example when
  // the port is in use.
  static absl::StatusOr<MetricsListener> Start(const std::string& address,
                                               std::shared_ptr<prometheus::Collectable> metrics);

  int port() const { return exposer_->GetListeningPorts().front(); }

 private:
  MetricsListener(std::unique_ptr<prometheus::Exposer> exposer,
                  std::shared_ptr<prometheus::Collectable> metrics)
      : metrics_(std::move(metrics)), exposer_(std::move(exposer)) {}

  std::shared_ptr<prometheus::Collectable> metrics_;  // the exposer itself holds it weakly
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_METRICS_LISTENER_H_

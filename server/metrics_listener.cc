#include "server/metrics_listener.h"

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pointsman::server {

absl::StatusOr<MetricsListener> MetricsListener::Start(
    const std::string& address, std::shared_ptr<prometheus::Collectable> metrics) {
  // civetweb's wrapper throws where it cannot listen.
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address);
    exposer->RegisterCollectable(metrics);
    return MetricsListener(std::move(exposer), std::move(metrics));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics_listen_address: cannot listen on ", address,
                                               "; is the port in use? (", error.what(), ")"));
  }
}

}  // namespace pointsman::server

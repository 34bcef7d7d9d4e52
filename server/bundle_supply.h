// The settings that concern bundles, as what BundleManager wants: a loader with its demands, what
// makes a snapshot, the URL as a source, and the first bundle.
#ifndef POINTSMAN_SERVER_BUNDLE_SUPPLY_H_
#define POINTSMAN_SERVER_BUNDLE_SUPPLY_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/engine.h"
#include "server/config.h"
#include "server/metrics.h"
#include "server/reload/bundle_manager.h"
#include "server/reload/url_source.h"

namespace pointsman::server {

// Bounds of requests, and the keys of which one must have signed. Errors name trusted_keys_file.
absl::StatusOr<Engine::LoadOptions> BundleDemands(const Config& config);

BundleLoader MakeLoader(Engine::LoadOptions demands);

// `metrics` must outlive the publisher and its snapshots.
SnapshotPublisher MakePublisher(Metrics& metrics);

// Null without bundle_url. `bundles` must outlive the source.
absl::StatusOr<std::unique_ptr<UrlSource>> MakeUrlSource(const Config& config,
                                                         BundleManager& bundles);

// Loads the bundle that is configured; with a `url`, the one cached of it, or else the one there
// now.
absl::Status LoadFirstBundle(const Config& config, BundleManager& bundles, UrlSource* url);

// One line for what became of a wish.
void LogAttempt(const AttemptReport& report);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_BUNDLE_SUPPLY_H_

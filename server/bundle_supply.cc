#include "server/bundle_supply.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/bundle/signature.h"
#include "server/bundle_metrics.h"
#include "server/log.h"
#include "server/reload/https_fetch.h"
#include "server/sources.h"

namespace pointsman::server {

using std::chrono::milliseconds;

absl::StatusOr<Engine::LoadOptions> BundleDemands(const Config& config) {
  Engine::LoadOptions demands;
  demands.bounds = {.max_text_bytes = static_cast<size_t>(config.max_request_text_bytes),
                    .max_turns = static_cast<int>(config.max_turns),
                    .max_tokens = config.max_tokens,
                    .max_evidence = static_cast<int>(config.max_evidence_exemplars),
                    .max_evidence_text_bytes = static_cast<size_t>(config.max_evidence_text_bytes)};
  if (config.trusted_keys_file.empty()) return demands;
  auto keys = bundle::TrustedKeys::Read(config.trusted_keys_file);
  if (!keys.ok()) return keys.status();
  demands.trusted_keys = std::make_shared<const bundle::TrustedKeys>(*std::move(keys));
  return demands;
}

BundleLoader MakeLoader(Engine::LoadOptions demands) {
  return [demands = std::move(demands)](
             const std::string& path,
             const std::string& expected_digest) -> absl::StatusOr<std::shared_ptr<const Engine>> {
    Engine::LoadOptions options = demands;
    options.expected_digest = expected_digest;
    auto engine = Engine::Load(path, options);
    if (!engine.ok()) return engine.status();
    return std::shared_ptr<const Engine>(*std::move(engine));
  };
}

SnapshotPublisher MakePublisher(Metrics& metrics) {
  return [&metrics](std::shared_ptr<const Engine> engine) {
    const std::vector<double> shares = engine->CapabilityShares();
    Metrics::CapabilityShares capabilities;
    for (size_t i = 0; i < shares.size(); ++i) {
      capabilities.emplace_back(engine->catalogue().capabilities(static_cast<int>(i)).id(),
                                shares[i]);
    }
    metrics.SetBundle(engine->manifest().digest(), engine->manifest().version(), capabilities);
    BundleMetrics resolved(engine->catalogue(), engine->policies(), metrics);
    return std::make_shared<const Snapshot>(Snapshot{std::move(engine), std::move(resolved)});
  };
}

absl::StatusOr<std::unique_ptr<UrlSource>> MakeUrlSource(const Config& config,
                                                         BundleManager& bundles) {
  if (config.bundle_url.empty()) return std::unique_ptr<UrlSource>();
  return UrlSource::Create(
      {.fetch = {.url = config.bundle_url,
                 .ca_file = config.bundle_url_ca_file,
                 .max_bytes = config.max_bundle_bytes},
       .cache_directory = config.bundle_cache_directory,
       .expected_digest = config.bundle_url_digest,
       .has_trusted_keys = !config.trusted_keys_file.empty(),
       .archive = {.max_bytes = config.max_bundle_bytes, .max_file_bytes = config.max_bundle_bytes},
       .poll_interval = milliseconds(config.bundle_url_poll_ms),
       .request =
           [&bundles](BundleWish wish, BundleManager::Done done) {
             bundles.Request(std::move(wish), std::move(done));
           },
       .on_poll =
           [&bundles, shown = ShownUrl(config.bundle_url)](
               PollResult /*result*/, const absl::Status& status, bool seen_by_manager) {
             if (status.ok() || seen_by_manager) return;
             bundles.RecordFailure(shown, status);
             Log(Severity::kError, "bundle_url gives no bundle; the one in service stays",
                 {{"source", std::string_view(shown)},
                  {"error", std::string_view(status.message().data(), status.message().size())}});
           }});
}

absl::Status LoadFirstBundle(const Config& config, BundleManager& bundles, UrlSource* url) {
  if (url == nullptr) return bundles.LoadFirst({.path = config.bundle});
  if (const auto path = url->CachedBundle()) {
    absl::Status cached = bundles.LoadFirst(
        {.path = *path, .source = url->shown_url(), .expected_digest = config.bundle_url_digest});
    if (cached.ok()) return cached;
    Log(Severity::kWarning, absl::StrCat("the cached bundle is refused: ", cached.message()));
  }
  return url->PollOnce();
}

void LogAttempt(const AttemptReport& report) {
  const v1::ReloadAttempt& attempt = report.attempt;
  const bool failed = !attempt.error().empty();
  Log(failed ? Severity::kError : Severity::kInfo,
      failed ? "bundle refused; the one in service stays" : "bundle",
      {{"result", AttemptResultName(report.result)},
       {"source", std::string_view(attempt.source())},
       {"bundle_digest", std::string_view(attempt.digest())},
       {"error", std::string_view(attempt.error())},
       {"duration_ms",
        int64_t{std::chrono::duration_cast<milliseconds>(report.duration).count()}}});
}

}  // namespace pointsman::server

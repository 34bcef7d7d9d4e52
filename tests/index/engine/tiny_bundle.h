// Sources of a bundle that is built in milliseconds and needs no downloaded model: an embedder of
// some forty words in eight dimensions, three capabilities, two models of which one is cheap and
// one is good, and exemplars with outcomes.
#ifndef POINTSMAN_TESTS_INDEX_ENGINE_TINY_BUNDLE_H_
#define POINTSMAN_TESTS_INDEX_ENGINE_TINY_BUNDLE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/builder.h"
#include "index/bundle/sources.h"
#include "index/engine.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman {

// Policies: "balanced" (the default), "quality" (tradeoff 0) and "guarded" (rules, abstains when
// unfamiliar).
bundle::BundleSources TinySources();

// Builds into `directory`, without progress.
absl::StatusOr<bundle::v1::Manifest> Build(const bundle::BundleSources& sources,
                                           const std::string& directory,
                                           const BuildOptions& options = {});

// An engine of `sources`, by way of a directory that is gone by now. Throws on failure.
std::unique_ptr<const Engine> BuiltEngine(const bundle::BundleSources& sources,
                                          const BuildOptions& options = {});

// The same of TinySources, made once.
const Engine& TinyEngine();

v1::RouteRequest TextRequest(std::string_view text);

// Decides with new working memory. Throws on failure.
v1::RouteResponse Decide(const Engine& engine, const v1::RouteRequest& request);

bool IsDegraded(const v1::RouteResponse& response, v1::DegradationKind kind);

// The uncentred vector of a text by the bundle's embedder.
std::vector<float> VectorOf(std::string_view text);

}  // namespace pointsman

#endif  // POINTSMAN_TESTS_INDEX_ENGINE_TINY_BUNDLE_H_

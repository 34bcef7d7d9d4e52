// The way from sources to a bundle: embed every exemplar, index, fit, calibrate, record the golden
// decisions with the engine that will serve, write. The counterpart of engine.h at build time.
//
// Same sources, same model, same options: same bytes.
#ifndef POINTSMAN_INDEX_BUILDER_H_
#define POINTSMAN_INDEX_BUILDER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/bundle/sources.h"
#include "pointsman/bundle/v1/bundle.pb.h"

namespace pointsman {

using bundle::BundleSources;

struct BuildOptions {
  std::string version;        // as the author names it; may be empty
  std::string index_factory;  // FAISS factory string; empty: chosen from the number of exemplars
  bool drop_text = false;     // leave exemplar texts out of the bundle
};

// Called as work goes on: the stage, how much of it is done, and of how much.
using BuildProgress = std::function<void(std::string_view stage, int64_t done, int64_t total)>;

// Builds into a temporary directory beside `directory` and renames it at the end, so that a failed
// build leaves nothing. An existing bundle at `directory` is replaced only by a complete one.
// FAILED_PRECONDITION lists the golden queries whose expectations are not met.
absl::StatusOr<bundle::v1::Manifest> BuildBundle(const BundleSources& sources,
                                                 const BuildOptions& options,
                                                 const std::string& directory,
                                                 const BuildProgress& progress);

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_BUILDER_H_

// manifest.json: what a bundle holds and the digests that everything is checked against.
#ifndef POINTSMAN_INDEX_BUNDLE_MANIFEST_H_
#define POINTSMAN_INDEX_BUNDLE_MANIFEST_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"

namespace pointsman::bundle {

// Version of everything in a bundle: names, encodings, meaning of the calibration. Counts up with
// every change that an older server would misread.
inline constexpr int kFormatVersion = 1;

// SHA-256 over all fields but `digest`, in their canonical form: compact JSON in the order of the
// proto. The digest of the bundle, since it covers the digests of all files.
std::string ManifestDigest(const v1::Manifest& manifest);

// The text of manifest.json.
std::string FormatManifest(const v1::Manifest& manifest);

// Parses and verifies. FAILED_PRECONDITION for another format version, which is looked at first, so
// that a newer format may look otherwise; DATA_LOSS for anything else that is not as it was
// written.
absl::StatusOr<v1::Manifest> ParseManifest(std::string_view json);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_MANIFEST_H_

// The bundle on disk: a directory of nine files that is written whole or not at all, and read only
// after everything in it has been verified; and, if it was signed, `signature.json` (signature.h).
//
// Writing goes to a temporary directory beside the target, is synced, and is renamed at the end.
// Reading checks, in this order: the manifest's format version and digest, the expected digest and
// the signature where they are demanded, names, lengths and digests of all files; only then is a
// byte of them parsed; then ranges (validate.h) and counts.
#ifndef POINTSMAN_INDEX_BUNDLE_STORE_H_
#define POINTSMAN_INDEX_BUNDLE_STORE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/bundle/v1/calibration.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"

namespace pointsman::bundle {

class TrustedKeys;

// What a bundle holds, in memory.
struct BundleParts {
  // The author of a bundle sets version, dimensions, index_factory, capability_count,
  // builder_version and texts_dropped; WriteBundle fills in the rest.
  v1::Manifest manifest;
  pointsman::v1::Catalogue catalogue;
  pointsman::v1::PolicySet policies;
  v1::ExemplarTable exemplars;
  v1::Calibration calibration;
  v1::GoldenSet golden;
  std::string faiss;           // bytes of search::VectorIndex::Serialise
  std::string safetensors;     // bytes of the embedder's model.safetensors
  std::string tokenizer_json;  // bytes of its tokenizer.json
  std::string signed_by;       // name of the trusted key; empty where none was demanded
};

// "static-<dimensions>-<digits>": the first 12 hex digits of the SHA-256 over the two files'
// SHA-256, each as 64 hex digits and a line feed, safetensors first.
std::string EmbedderId(int dimensions, std::string_view safetensors,
                       std::string_view tokenizer_json);

// Whether WriteBundle may put a bundle there: nothing is there yet, or an empty directory, or a
// bundle and nothing else. FAILED_PRECONDITION names what stands in the way. For asking before a
// long build; WriteBundle asks again.
absl::Status CheckReplaceable(const std::string& directory);

// Writes `parts` and returns the completed manifest. On any failure `directory` is as it was, and
// nothing else is left; what an earlier, killed build left beside it is removed. A bundle that is
// there already is exchanged in one step where the file system can (Linux: renameat2), so that a
// reader sees the old or the new one; elsewhere there is an instant in which neither is there.
// Same parts, same bytes. INVALID_ARGUMENT for parts that ReadBundle would refuse.
absl::StatusOr<v1::Manifest> WriteBundle(const BundleParts& parts, const std::string& directory);

// What a bundle must be beyond sound.
struct Demands {
  // A valid signature of one of these keys. Null or empty: none. Must outlive the call.
  const TrustedKeys* trusted_keys = nullptr;
  // Hex digits in either case. Empty: any digest.
  std::string_view expected_digest = {};
};

// Reads and verifies a bundle. Demands are checked as soon as the manifest has been read, so a
// bundle that does not meet them costs little and none of its contents is parsed. Every error names
// the file and the check:
//   NOT_FOUND            no such directory, or no manifest in it
//   FAILED_PRECONDITION  a format version that this program does not know, or another digest than
//                        the expected one
//   PERMISSION_DENIED    no valid signature of a trusted key
//   DATA_LOSS            a missing, extra, truncated or altered file
//   INVALID_ARGUMENT     verified contents that are out of range
absl::StatusOr<BundleParts> ReadBundle(const std::string& directory, const Demands& demands = {});

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_STORE_H_

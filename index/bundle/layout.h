// The names of the files of a bundle.
#ifndef POINTSMAN_INDEX_BUNDLE_LAYOUT_H_
#define POINTSMAN_INDEX_BUNDLE_LAYOUT_H_

#include <algorithm>
#include <array>
#include <string_view>

namespace pointsman::bundle {

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr char kSignatureFile[] = "signature.json";  // optional
inline constexpr char kCalibrationFile[] = "calibration.binpb";
inline constexpr char kCatalogueFile[] = "catalogue.binpb";
inline constexpr char kExemplarsFile[] = "exemplars.binpb";
inline constexpr char kGoldenFile[] = "golden.binpb";
inline constexpr char kSafetensorsFile[] = "model.safetensors";
inline constexpr char kPoliciesFile[] = "policies.binpb";
inline constexpr char kTokenizerFile[] = "tokenizer.json";
inline constexpr char kVectorsFile[] = "vectors.faiss";

// All but the manifest, which lists them in this order, and the signatures.
inline constexpr std::array<std::string_view, 8> kListedFiles = {
    kCalibrationFile, kCatalogueFile, kExemplarsFile, kGoldenFile,
    kSafetensorsFile, kPoliciesFile,  kTokenizerFile, kVectorsFile};
static_assert(std::is_sorted(kListedFiles.begin(), kListedFiles.end()));

// Whether a directory entry of this name may stand in a bundle. Names that start with ".." are
// Kubernetes' own, in every volume it projects.
inline bool MayBeInBundle(std::string_view name) {
  return name == kManifestFile || name == kSignatureFile || name.starts_with("..") ||
         std::find(kListedFiles.begin(), kListedFiles.end(), name) != kListedFiles.end();
}

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_LAYOUT_H_

#include "index/bundle/manifest.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "index/bundle/document.h"
#include "index/bundle/layout.h"
#include "index/bundle/problems.h"
#include "index/bundle/proto_reader.h"
#include "index/digest.h"
#include "nlohmann/json.hpp"

namespace pointsman::bundle {
namespace {

using Json = nlohmann::ordered_json;

Json AllButDigest(const v1::Manifest& manifest) {
  Json files = Json::array();
  for (const v1::ManifestFile& file : manifest.files()) {
    files.push_back({{"name", file.name()}, {"size", file.size()}, {"sha256", file.sha256()}});
  }
  return {{"format_version", manifest.format_version()},
          {"version", manifest.version()},
          {"embedder_id", manifest.embedder_id()},
          {"dimensions", manifest.dimensions()},
          {"index_factory", manifest.index_factory()},
          {"exemplar_count", manifest.exemplar_count()},
          {"model_count", manifest.model_count()},
          {"capability_count", manifest.capability_count()},
          {"files", files},
          {"builder_version", manifest.builder_version()},
          {"texts_dropped", manifest.texts_dropped()}};
}

// The format version of a parsed manifest; -1 if it has none.
int FormatVersionOf(const TreeNode& node) {
  for (const TreeNode& child : node.children) {
    int version = -1;
    if (child.key == "format_version" && absl::SimpleAtoi(child.text, &version)) return version;
  }
  return -1;
}

}  // namespace

std::string ManifestDigest(const v1::Manifest& manifest) {
  return Sha256(AllButDigest(manifest).dump());
}

std::string FormatManifest(const v1::Manifest& manifest) {
  Json json = AllButDigest(manifest);
  json["digest"] = manifest.digest();
  return json.dump(2) + "\n";
}

absl::StatusOr<v1::Manifest> ParseManifest(std::string_view json) {
  Problems problems;
  Reporter reporter(kManifestFile, 0, &problems);
  TreeNode node;
  if (!ParseJson(json, 0, &reporter, &node)) {
    return absl::DataLossError(problems.ToStatus().message());
  }
  const int version = FormatVersionOf(node);
  if (version < 0) {
    return absl::DataLossError(absl::StrCat(kManifestFile, ": format_version is missing"));
  }
  if (version != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        kManifestFile, ": format_version must be ", kFormatVersion, ", is ", version,
        version > kFormatVersion ? ": built by a newer pointsman-index" : ": build it again"));
  }
  v1::Manifest manifest;
  const Path root;
  ReadMessage(node, root, &manifest, &reporter);
  if (!problems.empty()) return absl::DataLossError(problems.ToStatus().message());
  // Catches what reads the same but is not what was written.
  if (manifest.digest() != ManifestDigest(manifest) || FormatManifest(manifest) != json) {
    return absl::DataLossError(absl::StrCat(kManifestFile, ": its digest does not match"));
  }
  return manifest;
}

}  // namespace pointsman::bundle

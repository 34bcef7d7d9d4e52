#include "index/bundle/store.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "index/bundle/files.h"
#include "index/bundle/layout.h"
#include "index/bundle/manifest.h"
#include "index/bundle/signature.h"
#include "index/bundle/staged_directory.h"
#include "index/bundle/validate.h"
#include "index/digest.h"
#include "index/string_view.h"

namespace pointsman::bundle {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostManifestBytes = 64 << 10;
constexpr int kMostDimensions = 65'536;
constexpr size_t kLongestVersion = 200;
constexpr size_t kEmbedderDigestDigits = 12;

using FileBytes = std::map<std::string_view, std::string, std::less<>>;

// protobuf does not serialise more than 2 GiB.
absl::Status Serialise(const google::protobuf::Message& message, std::string_view name,
                       FileBytes* files) {
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(name), ": must be at most 2147483647 bytes, is ", size,
                     "; fewer exemplars, or --drop-text, make it smaller"));
  }
  (*files)[name] = SerializeDeterministically(message);
  return absl::OkStatus();
}

absl::Status Parse(const FileBytes& files, std::string_view name,
                   google::protobuf::Message* message) {
  if (message->ParseFromString(files.find(name)->second)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(name), ": is no ", message->GetDescriptor()->full_name()));
}

absl::Status CheckNames(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (MayBeInBundle(name)) continue;
    return absl::DataLossError(absl::StrCat(name, ": is no file of a bundle"));
  }
  if (error) {
    return absl::DataLossError(absl::StrCat(directory, ": cannot be listed: ", error.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckListedFiles(const v1::Manifest& manifest) {
  bool good = manifest.files_size() == static_cast<int>(kListedFiles.size());
  for (int i = 0; good && i < manifest.files_size(); ++i) {
    good = manifest.files(i).name() == kListedFiles[static_cast<size_t>(i)];
  }
  if (good) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(kManifestFile, ": does not list the files of a bundle"));
}

// Reads a listed file and checks its length and digest.
absl::StatusOr<std::string> ReadListedFile(const std::string& directory,
                                           const v1::ManifestFile& listed) {
  absl::StatusOr<std::string> bytes =
      ReadFile(directory + "/" + listed.name(), listed.name(), std::numeric_limits<int64_t>::max());
  if (!bytes.ok()) return absl::DataLossError(bytes.status().message());
  if (static_cast<int64_t>(bytes->size()) != listed.size()) {
    return absl::DataLossError(absl::StrCat(listed.name(), ": length must be ", listed.size(),
                                            " bytes, is ", bytes->size()));
  }
  const std::string digest = Sha256(*bytes);
  if (digest != listed.sha256()) {
    return absl::DataLossError(
        absl::StrCat(listed.name(), ": SHA-256 must be ", listed.sha256(), ", is ", digest));
  }
  return bytes;
}

// Over the digests of both files, which are in the manifest anyhow: loading hashes each file once.
std::string EmbedderIdOfDigests(int dimensions, std::string_view safetensors_sha256,
                                std::string_view tokenizer_sha256) {
  const std::string digest =
      Sha256(absl::StrCat(ToAbsl(safetensors_sha256), "\n", ToAbsl(tokenizer_sha256), "\n"));
  return absl::StrCat("static-", dimensions, "-", digest.substr(0, kEmbedderDigestDigits));
}

// The digest that the manifest lists for a file; all known files are listed.
const std::string& ListedDigest(const v1::Manifest& manifest, std::string_view name) {
  const auto it = std::find(kListedFiles.begin(), kListedFiles.end(), name);
  return manifest.files(static_cast<int>(it - kListedFiles.begin())).sha256();
}

absl::Status CheckCount(const char* field, int64_t stated, int64_t actual) {
  if (stated == actual) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(kManifestFile, ": ", field, " must be ", actual, ", is ", stated));
}

absl::Status CheckManifest(const v1::Manifest& manifest, const BundleParts& parts) {
  if (manifest.dimensions() < 1 || manifest.dimensions() > kMostDimensions) {
    return absl::InvalidArgumentError(absl::StrCat(kManifestFile, ": dimensions must be 1 to ",
                                                   kMostDimensions, ", is ",
                                                   manifest.dimensions()));
  }
  if (manifest.version().size() > kLongestVersion) {
    return absl::InvalidArgumentError(absl::StrCat(kManifestFile, ": version must be at most ",
                                                   kLongestVersion, " bytes, is ",
                                                   manifest.version().size()));
  }
  if (manifest.exemplar_count() < 1) {
    return absl::InvalidArgumentError(absl::StrCat(kManifestFile, ": no exemplars"));
  }
  absl::Status status =
      CheckCount("exemplar_count", manifest.exemplar_count(), parts.exemplars.exemplars_size());
  if (!status.ok()) return status;
  status = CheckCount("model_count", manifest.model_count(), parts.catalogue.models_size());
  if (!status.ok()) return status;
  if (parts.catalogue.capabilities_size() > 0) {  // else it counts clusters
    status = CheckCount("capability_count", manifest.capability_count(),
                        parts.catalogue.capabilities_size());
    if (!status.ok()) return status;
  }
  const std::string embedder =
      EmbedderIdOfDigests(manifest.dimensions(), ListedDigest(manifest, kSafetensorsFile),
                          ListedDigest(manifest, kTokenizerFile));
  if (manifest.embedder_id() != embedder) {
    return absl::InvalidArgumentError(absl::StrCat(kManifestFile, ": embedder_id must be ",
                                                   embedder, ", is ", manifest.embedder_id()));
  }
  return absl::OkStatus();
}

// Reports duplicates among `records`, messages with an id that stand in field `field` of
// `reporter`'s file, and calls `validate(record, path)` for each.
template <typename Records, typename Validate>
void ValidateRecords(const Records& records, std::string_view field, const Validate& validate,
                     Reporter* reporter) {
  const Path root;
  UniqueIds ids;
  for (int i = 0; i < records.size() && !reporter->full(); ++i) {
    const Path path = root.Field(field, i);
    validate(records.Get(i), path);
    if (const std::optional<int64_t> first = ids.Add(records.Get(i).id())) {
      reporter->Report(path.Field("id"),
                       absl::StrCat("duplicate id ", Quoted(records.Get(i).id()), ", first at ",
                                    reporter->Where(root.Field(field, *first))));
    }
  }
}

// The ranges of everything that is parsed: what holds for sources, and that numbers are finite.
absl::Status CheckRanges(const v1::Manifest& manifest, const BundleParts& parts) {
  const absl::Status status = CheckManifest(manifest, parts);
  if (!status.ok()) return status;
  Problems problems;
  const Path root;
  const Vocabulary vocabulary = Vocabulary::Of(parts.catalogue, parts.policies);
  const Form form = manifest.texts_dropped() ? Form::kCompiledWithoutTexts : Form::kCompiled;
  Reporter in_catalogue(kCatalogueFile, 0, &problems);
  ValidateCatalogue(parts.catalogue, &in_catalogue);
  Reporter in_policies(kPoliciesFile, 0, &problems);
  ValidatePolicies(parts.policies, vocabulary, &in_policies);
  Reporter in_exemplars(kExemplarsFile, 0, &problems);
  ValidateRecords(
      parts.exemplars.exemplars(), "exemplars",
      [&](const v1::Exemplar& exemplar, const Path& path) {
        ValidateExemplar(exemplar, vocabulary, form, path, &in_exemplars);
      },
      &in_exemplars);
  Reporter in_golden(kGoldenFile, 0, &problems);
  ValidateRecords(
      parts.golden.queries(), "queries",
      [&](const v1::GoldenQuery& query, const Path& path) {
        ValidateGoldenQuery(query, vocabulary, form, path, &in_golden);
      },
      &in_golden);
  Reporter in_calibration(kCalibrationFile, 0, &problems);
  ValidateFinite(parts.calibration, root, &in_calibration);
  return problems.ToStatus();
}

// Fills in what follows from the parts, and the digests of `files`.
void CompleteManifest(const BundleParts& parts, const FileBytes& files, v1::Manifest* manifest) {
  manifest->set_format_version(kFormatVersion);
  manifest->set_exemplar_count(parts.exemplars.exemplars_size());
  manifest->set_model_count(parts.catalogue.models_size());
  manifest->clear_files();
  for (const auto& [name, bytes] : files) {
    v1::ManifestFile* file = manifest->add_files();
    file->set_name(std::string(name));
    file->set_size(static_cast<int64_t>(bytes.size()));
    file->set_sha256(Sha256(bytes));
  }
  manifest->set_embedder_id(EmbedderIdOfDigests(manifest->dimensions(),
                                                ListedDigest(*manifest, kSafetensorsFile),
                                                ListedDigest(*manifest, kTokenizerFile)));
  manifest->set_digest(ManifestDigest(*manifest));
}

// Checks what does not need the listed files; fills in `signed_by`.
absl::Status CheckDemands(const std::string& directory, const std::string& digest,
                          const Demands& demands, std::string* signed_by) {
  if (!demands.expected_digest.empty() &&
      !absl::EqualsIgnoreCase(ToAbsl(demands.expected_digest), digest)) {
    return absl::FailedPreconditionError(absl::StrCat(
        kManifestFile, ": digest must be ", ToAbsl(demands.expected_digest), ", is ", digest));
  }
  if (demands.trusted_keys == nullptr || demands.trusted_keys->empty()) return absl::OkStatus();
  absl::StatusOr<std::string> signer = RequireSignature(directory, digest, *demands.trusted_keys);
  if (!signer.ok()) return signer.status();
  *signed_by = *std::move(signer);
  return absl::OkStatus();
}

// ReadBundle, with messages that start with the name of the file within the bundle.
absl::StatusOr<BundleParts> ReadAndVerify(const std::string& directory, const Demands& demands) {
  const absl::StatusOr<std::string> manifest_json =
      ReadFile(fs::path(directory) / kManifestFile, kManifestFile, kMostManifestBytes);
  if (absl::IsNotFound(manifest_json.status())) return manifest_json.status();
  if (!manifest_json.ok()) return absl::DataLossError(manifest_json.status().message());
  absl::StatusOr<v1::Manifest> manifest = ParseManifest(*manifest_json);
  if (!manifest.ok()) return manifest.status();
  BundleParts parts;
  absl::Status status = CheckDemands(directory, manifest->digest(), demands, &parts.signed_by);
  if (status.ok()) status = CheckListedFiles(*manifest);
  if (status.ok()) status = CheckNames(directory);
  if (!status.ok()) return status;

  FileBytes files;
  for (int i = 0; i < manifest->files_size(); ++i) {
    absl::StatusOr<std::string> bytes = ReadListedFile(directory, manifest->files(i));
    if (!bytes.ok()) return bytes.status();
    files[kListedFiles[static_cast<size_t>(i)]] = *std::move(bytes);
  }

  parts.manifest = *std::move(manifest);
  const std::pair<std::string_view, google::protobuf::Message*> messages[] = {
      {kCatalogueFile, &parts.catalogue},
      {kPoliciesFile, &parts.policies},
      {kExemplarsFile, &parts.exemplars},
      {kCalibrationFile, &parts.calibration},
      {kGoldenFile, &parts.golden}};
  for (const auto& [name, message] : messages) {
    status = Parse(files, name, message);
    if (!status.ok()) return status;
  }
  parts.faiss = std::move(files[kVectorsFile]);
  parts.safetensors = std::move(files[kSafetensorsFile]);
  parts.tokenizer_json = std::move(files[kTokenizerFile]);
  status = CheckRanges(parts.manifest, parts);
  if (!status.ok()) return status;
  return parts;
}

}  // namespace

std::string EmbedderId(int dimensions, std::string_view safetensors,
                       std::string_view tokenizer_json) {
  return EmbedderIdOfDigests(dimensions, Sha256(safetensors), Sha256(tokenizer_json));
}

absl::Status CheckReplaceable(const std::string& directory) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (!fs::exists(status)) return absl::OkStatus();
  if (!fs::is_directory(status)) {
    return absl::FailedPreconditionError(absl::StrCat(directory, ": exists and is no directory"));
  }
  bool is_empty = true;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    is_empty = false;
    const std::string name = it->path().filename();
    if (!MayBeInBundle(name)) {
      return absl::FailedPreconditionError(absl::StrCat(
          directory, ": exists and holds ", Quoted(name), ", which is no file of a bundle"));
    }
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, ": cannot be listed: ", error.message()));
  }
  if (!is_empty && !fs::exists(fs::path(directory) / kManifestFile, error)) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, ": exists, is not empty and holds no ", kManifestFile));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Manifest> WriteBundle(const BundleParts& parts, const std::string& directory) {
  absl::Status status = CheckReplaceable(directory);
  if (!status.ok()) return status;
  FileBytes files;
  files[kVectorsFile] = parts.faiss;
  files[kSafetensorsFile] = parts.safetensors;
  files[kTokenizerFile] = parts.tokenizer_json;
  const std::pair<std::string_view, const google::protobuf::Message*> messages[] = {
      {kCatalogueFile, &parts.catalogue},
      {kPoliciesFile, &parts.policies},
      {kExemplarsFile, &parts.exemplars},
      {kCalibrationFile, &parts.calibration},
      {kGoldenFile, &parts.golden}};
  for (const auto& [name, message] : messages) {
    status = Serialise(*message, name, &files);
    if (!status.ok()) return status;
  }
  v1::Manifest manifest = parts.manifest;
  CompleteManifest(parts, files, &manifest);
  status = CheckRanges(manifest, parts);
  if (!status.ok()) return status;

  absl::StatusOr<std::unique_ptr<StagedDirectory>> staged = StagedDirectory::Create(directory);
  if (!staged.ok()) return staged.status();
  for (const auto& [name, bytes] : files) {
    status = (*staged)->Add(name, bytes);
    if (!status.ok()) return status;
  }
  status = (*staged)->Add(kManifestFile, FormatManifest(manifest));
  if (status.ok()) status = (*staged)->Publish();
  if (!status.ok()) return status;
  return manifest;
}

absl::StatusOr<BundleParts> ReadBundle(const std::string& directory, const Demands& demands) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat(directory, ": no such directory"));
  }
  absl::StatusOr<BundleParts> parts = ReadAndVerify(directory, demands);
  if (parts.ok()) return parts;
  return absl::Status(parts.status().code(),
                      absl::StrCat(directory, "/", parts.status().message()));
}

}  // namespace pointsman::bundle

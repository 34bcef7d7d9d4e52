#include "index/bundle/sources.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/bundle/document.h"
#include "index/bundle/files.h"
#include "index/bundle/layout.h"
#include "index/bundle/line_reader.h"
#include "index/bundle/proto_reader.h"
#include "index/bundle/validate.h"

namespace pointsman::bundle {
namespace {

namespace fs = std::filesystem;

constexpr char kCatalogueSource[] = "catalogue.yaml";
constexpr char kPoliciesSource[] = "policies.yaml";
constexpr char kExemplarsSource[] = "exemplars";  // with .jsonl or .jsonl.gz, and a directory
constexpr char kGoldenSource[] = "golden";        // with .jsonl or .jsonl.gz

// A file by its path on disk and by the name that messages use.
struct SourceFile {
  std::string path;
  std::string name;
};

// Where a record of a JSONL file stands.
struct Place {
  size_t file;
  int line;
};

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// `stem`.jsonl and `stem`.jsonl.gz in `directory`, those that are there.
std::vector<SourceFile> FindJsonl(const fs::path& directory, const std::string& stem) {
  std::vector<SourceFile> files;
  for (const char* ending : {".jsonl", ".jsonl.gz"}) {
    const std::string name = stem + ending;
    if (Exists(directory / name)) files.push_back({directory / name, name});
  }
  return files;
}

// All files of exemplars, in the order in which they are read.
std::vector<SourceFile> FindExemplars(const fs::path& directory) {
  std::vector<SourceFile> files = FindJsonl(directory, kExemplarsSource);
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory / kExemplarsSource, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    files.push_back(
        {directory / kExemplarsSource / name, absl::StrCat(kExemplarsSource, "/", name)});
  }
  return files;
}

// Reads one YAML file into `message`. `reporter` must be of that file. An error is one of reading;
// what is wrong with the contents is reported.
absl::Status ReadYaml(const SourceFile& file, int64_t max_bytes, google::protobuf::Message* message,
                      Reporter* reporter) {
  const absl::StatusOr<std::string> text = ReadFile(file.path, file.name, max_bytes);
  if (!text.ok()) return text.status();
  const Path root;
  TreeNode node;
  if (ParseYaml(*text, reporter, &node)) ReadMessage(node, root, message, reporter);
  return absl::OkStatus();
}

// Reads every line of `files` into a Record, calls `validate(record, reporter)`, and checks that
// ids are unique over all files.
template <typename Record, typename Validate>
std::vector<Record> ReadJsonl(const std::vector<SourceFile>& files, const SourceBounds& bounds,
                              const Validate& validate, Problems* problems) {
  const Path root;
  std::vector<Record> records;
  std::vector<Place> places;  // of the records, for messages about duplicates
  UniqueIds ids;
  for (size_t f = 0; f < files.size() && !problems->full(); ++f) {
    const std::unique_ptr<LineReader> reader = LineReader::Open(
        files[f].path, files[f].name, bounds.max_line_bytes, bounds.max_jsonl_bytes, problems);
    if (reader == nullptr) continue;
    std::string line;
    while (!problems->full() && reader->Next(&line)) {
      Reporter reporter(files[f].name, reader->line_number(), problems);
      TreeNode node;
      if (!ParseJson(line, reader->line_number(), &reporter, &node)) continue;
      Record& record = records.emplace_back();
      places.push_back({f, reader->line_number()});
      ReadMessage(node, root, &record, &reporter);
      validate(record, &reporter);
      if (const std::optional<int64_t> first = ids.Add(record.id())) {
        const Place& place = places[static_cast<size_t>(*first)];
        reporter.Report(root.Field("id"),
                        absl::StrCat("duplicate id ", Quoted(record.id()), ", first at ",
                                     files[place.file].name, ":", place.line));
      }
    }
  }
  return records;
}

std::vector<v1::Exemplar> ReadExemplarFiles(const std::vector<SourceFile>& files,
                                            const Vocabulary& vocabulary,
                                            const SourceBounds& bounds, Problems* problems) {
  const Path root;
  return ReadJsonl<v1::Exemplar>(
      files, bounds,
      [&](const v1::Exemplar& exemplar, Reporter* reporter) {
        ValidateExemplar(exemplar, vocabulary, Form::kSource, root, reporter);
      },
      problems);
}

}  // namespace

absl::StatusOr<BundleSources> ReadSources(const std::string& directory,
                                          const std::string& model_directory,
                                          const SourceBounds& bounds) {
  if (!Exists(directory)) {
    return absl::NotFoundError(absl::StrCat("sources ", directory, ": no such directory"));
  }
  const auto in = [&directory](const char* name) {
    return SourceFile{fs::path(directory) / name, name};
  };
  BundleSources sources;
  Problems problems;
  Reporter in_catalogue(kCatalogueSource, 1, &problems);
  absl::Status status =
      ReadYaml(in(kCatalogueSource), bounds.max_yaml_bytes, &sources.catalogue, &in_catalogue);
  if (!status.ok()) return status;
  Reporter in_policies(kPoliciesSource, 1, &problems);
  status = ReadYaml(in(kPoliciesSource), bounds.max_yaml_bytes, &sources.policies, &in_policies);
  if (!status.ok()) return status;
  // With half of the names missing, everything that refers to them would be reported, too.
  if (!problems.empty()) return problems.ToStatus();

  const Vocabulary vocabulary = Vocabulary::Of(sources.catalogue, sources.policies);
  ValidateCatalogue(sources.catalogue, &in_catalogue);
  ValidatePolicies(sources.policies, vocabulary, &in_policies);

  const std::vector<SourceFile> exemplar_files = FindExemplars(directory);
  if (exemplar_files.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "sources ", directory, ": no exemplars.jsonl[.gz] and no exemplars/*.jsonl[.gz]"));
  }
  sources.exemplars = ReadExemplarFiles(exemplar_files, vocabulary, bounds, &problems);
  if (problems.empty() && sources.exemplars.empty()) {
    problems.Add(absl::StrCat(exemplar_files.front().name, ": at least one exemplar is required"));
  }
  const Path root;
  sources.golden = ReadJsonl<v1::GoldenQuery>(
      FindJsonl(directory, kGoldenSource), bounds,
      [&](const v1::GoldenQuery& query, Reporter* reporter) {
        ValidateGoldenQuery(query, vocabulary, Form::kSource, root, reporter);
      },
      &problems);
  if (!problems.empty()) return problems.ToStatus();
  absl::StatusOr<EmbedderFiles> embedder = ReadEmbedder(model_directory, bounds);
  if (!embedder.ok()) return embedder.status();
  sources.safetensors = std::move(embedder->safetensors);
  sources.tokenizer_json = std::move(embedder->tokenizer_json);
  return sources;
}

absl::StatusOr<pointsman::v1::Catalogue> ReadCatalogue(const std::string& path,
                                                       const SourceBounds& bounds) {
  Problems problems;
  Reporter reporter(path, 1, &problems);
  pointsman::v1::Catalogue catalogue;
  const absl::Status status = ReadYaml({path, path}, bounds.max_yaml_bytes, &catalogue, &reporter);
  if (!status.ok()) return status;
  if (problems.empty()) ValidateCatalogue(catalogue, &reporter);
  if (!problems.empty()) return problems.ToStatus();
  return catalogue;
}

absl::StatusOr<std::vector<v1::Exemplar>> ReadExemplars(const std::string& path,
                                                        const pointsman::v1::Catalogue& catalogue,
                                                        const SourceBounds& bounds) {
  if (!Exists(path)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  Problems problems;
  const Vocabulary vocabulary = Vocabulary::Of(catalogue, {});
  std::vector<v1::Exemplar> exemplars =
      ReadExemplarFiles({{path, path}}, vocabulary, bounds, &problems);
  if (!problems.empty()) return problems.ToStatus();
  return exemplars;
}

absl::StatusOr<EmbedderFiles> ReadEmbedder(const std::string& model_directory,
                                           const SourceBounds& bounds) {
  if (!Exists(model_directory)) {
    return absl::NotFoundError(absl::StrCat("model ", model_directory, ": no such directory"));
  }
  EmbedderFiles files;
  for (const auto& [name, bytes] : {std::pair(kSafetensorsFile, &files.safetensors),
                                    std::pair(kTokenizerFile, &files.tokenizer_json)}) {
    const std::string path = fs::path(model_directory) / name;
    absl::StatusOr<std::string> read = ReadFile(path, path, bounds.max_model_bytes);
    if (!read.ok()) return read.status();
    if (read->empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": is empty"));
    *bytes = *std::move(read);
  }
  return files;
}

}  // namespace pointsman::bundle

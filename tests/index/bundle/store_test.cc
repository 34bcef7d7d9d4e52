#include "index/bundle/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/layout.h"
#include "index/bundle/manifest.h"
#include "index/digest.h"
#include "tests/index/bundle/scratch_directory.h"

namespace pointsman::bundle {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kName[] = "bundle";

BundleParts SmallParts() {
  BundleParts parts;
  parts.manifest.set_version("2026-11-24");
  parts.manifest.set_dimensions(2);
  parts.manifest.set_index_factory("Flat");
  parts.manifest.set_capability_count(1);
  parts.manifest.set_builder_version("0.1.0");
  parts.catalogue.add_models()->set_id("small");
  parts.catalogue.add_capabilities()->set_id("maths");
  parts.policies.add_policies()->set_name("balanced");
  parts.policies.set_default_policy("balanced");
  for (const char* id : {"e1", "e2", "e3"}) {
    v1::Exemplar* exemplar = parts.exemplars.add_exemplars();
    exemplar->set_id(id);
    exemplar->set_text("a text");
    (*exemplar->mutable_outcomes())["small"].set_quality(1);
  }
  parts.calibration.add_mean(0.5F);
  v1::GoldenQuery* query = parts.golden.add_queries();
  query->set_id("g");
  query->mutable_request()->set_text("hi");
  query->mutable_recorded()->set_model("small");
  parts.faiss = std::string("vectors\0of the index", 20);
  parts.safetensors = "weights";
  parts.tokenizer_json = "{}";
  return parts;
}

class StoreTest : public ::testing::Test {
 protected:
  std::string bundle() const { return directory_ / kName; }
  std::string InBundle(std::string_view file) const { return bundle() + "/" + std::string(file); }

  v1::Manifest MustWrite(const BundleParts& parts) const {
    const absl::StatusOr<v1::Manifest> manifest = WriteBundle(parts, bundle());
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    return *manifest;
  }

  std::string ReadFile(std::string_view file) const {
    return directory_.Read(std::string(kName) + "/" + std::string(file));
  }
  void WriteFile(std::string_view file, std::string_view bytes) const {
    directory_.Write(std::string(kName) + "/" + std::string(file), bytes);
  }

  // Expects the bundle to be refused with this code, by a message that names `file`.
  void ExpectRefused(absl::StatusCode code, std::string_view file) const {
    const absl::Status status = ReadBundle(bundle()).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(file)));
  }

  // Writes a bundle whose digests are right but which holds `message` in place of one of its files,
  // as another program might make it, and returns why it is refused.
  std::string ContentsProblem(std::string_view file,
                              const google::protobuf::Message& message) const {
    v1::Manifest manifest = MustWrite(SmallParts());
    const std::string bytes = message.SerializeAsString();
    WriteFile(file, bytes);
    for (v1::ManifestFile& listed : *manifest.mutable_files()) {
      if (listed.name() != file) continue;
      listed.set_size(static_cast<int64_t>(bytes.size()));
      listed.set_sha256(Sha256(bytes));
    }
    Seal(manifest);
    const absl::Status status = ReadBundle(bundle()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  void Seal(v1::Manifest manifest) const {
    manifest.set_digest(ManifestDigest(manifest));
    WriteFile(kManifestFile, FormatManifest(manifest));
  }

  ScratchDirectory directory_;
};

TEST_F(StoreTest, ReadsBackWhatWasWritten) {
  const BundleParts parts = SmallParts();
  const v1::Manifest manifest = MustWrite(parts);
  const absl::StatusOr<BundleParts> read = ReadBundle(bundle());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->manifest.SerializeAsString(), manifest.SerializeAsString());
  EXPECT_EQ(read->catalogue.SerializeAsString(), parts.catalogue.SerializeAsString());
  EXPECT_EQ(read->policies.SerializeAsString(), parts.policies.SerializeAsString());
  EXPECT_EQ(read->exemplars.SerializeAsString(), parts.exemplars.SerializeAsString());
  EXPECT_EQ(read->calibration.SerializeAsString(), parts.calibration.SerializeAsString());
  EXPECT_EQ(read->golden.SerializeAsString(), parts.golden.SerializeAsString());
  EXPECT_EQ(read->faiss, parts.faiss);
  EXPECT_EQ(read->safetensors, parts.safetensors);
  EXPECT_EQ(read->tokenizer_json, parts.tokenizer_json);
}

TEST_F(StoreTest, TheManifestTellsWhatIsThere) {
  const v1::Manifest manifest = MustWrite(SmallParts());
  EXPECT_EQ(manifest.format_version(), kFormatVersion);
  EXPECT_EQ(manifest.exemplar_count(), 3);
  EXPECT_EQ(manifest.model_count(), 1);
  EXPECT_EQ(manifest.embedder_id(), EmbedderId(2, "weights", "{}"));
  EXPECT_EQ(manifest.digest().size(), 64u);
  ASSERT_EQ(manifest.files_size(), 8);
  for (const v1::ManifestFile& file : manifest.files()) {
    const std::string bytes = ReadFile(file.name());
    EXPECT_EQ(file.size(), static_cast<int64_t>(bytes.size())) << file.name();
    EXPECT_EQ(file.sha256(), Sha256(bytes)) << file.name();
  }
  EXPECT_THAT(directory_.List(kName), ElementsAre(kCalibrationFile, kCatalogueFile, kExemplarsFile,
                                                  kGoldenFile, kManifestFile, kSafetensorsFile,
                                                  kPoliciesFile, kTokenizerFile, kVectorsFile));
}

TEST_F(StoreTest, EqualPartsGiveEqualBytes) {
  const BundleParts parts = SmallParts();
  MustWrite(parts);
  ASSERT_TRUE(WriteBundle(parts, directory_ / "second").ok());
  for (const std::string& name : directory_.List(kName)) {
    EXPECT_EQ(ReadFile(name), directory_.Read("second/" + name)) << name;
  }
}

TEST_F(StoreTest, EveryFieldOfTheManifestIsInItsDigest) {
  const v1::Manifest manifest = MustWrite(SmallParts());
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const auto* descriptor = v1::Manifest::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (field->name() == "digest") continue;
    v1::Manifest altered = manifest;
    const auto* reflection = altered.GetReflection();
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(&altered, field, "altered");
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(&altered, field, !reflection->GetBool(altered, field));
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(&altered, field, 77);
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(&altered, field, 77);
        break;
      default:
        altered.mutable_files(0)->set_size(77);
    }
    EXPECT_NE(ManifestDigest(altered), manifest.digest()) << field->name();
  }
}

TEST_F(StoreTest, TheEmbedderIdDependsOnEveryByte) {
  const std::string id = EmbedderId(256, "weights", "tokenizer");
  EXPECT_THAT(id, ::testing::MatchesRegex("static-256-[0-9a-f]{12}"));
  EXPECT_NE(EmbedderId(256, "weightz", "tokenizer"), id);
  EXPECT_NE(EmbedderId(256, "weights", "tokenizes"), id);
  EXPECT_NE(EmbedderId(256, "weightst", "okenizer"), id);
  EXPECT_NE(EmbedderId(128, "weights", "tokenizer"), id);
}

// Reading a corrupted bundle.

TEST_F(StoreTest, AMissingBundleIsNotFound) {
  EXPECT_EQ(ReadBundle(bundle()).status().code(), absl::StatusCode::kNotFound);
  fs::create_directory(bundle());
  EXPECT_EQ(ReadBundle(bundle()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(ReadBundle(bundle()).status().message()), HasSubstr("manifest.json"));
}

TEST_F(StoreTest, AnyFlippedByteIsFound) {
  MustWrite(SmallParts());
  for (const std::string& name : directory_.List(kName)) {
    const std::string good = ReadFile(name);
    for (size_t i = 0; i < good.size(); i += 3) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
      WriteFile(name, bad);
      const absl::Status status = ReadBundle(bundle()).status();
      // A flipped digit of the format version reads as another version.
      EXPECT_TRUE(status.code() == absl::StatusCode::kDataLoss ||
                  (name == kManifestFile && status.code() == absl::StatusCode::kFailedPrecondition))
          << name << " byte " << i << ": " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    }
    WriteFile(name, good);
  }
  EXPECT_TRUE(ReadBundle(bundle()).ok());
}

TEST_F(StoreTest, AnyTruncationOrAdditionIsFound) {
  MustWrite(SmallParts());
  for (const std::string& name : directory_.List(kName)) {
    const std::string good = ReadFile(name);
    for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2),
                                   good.substr(0, good.size() - 1), good + "\n"}) {
      WriteFile(name, bad);
      ExpectRefused(absl::StatusCode::kDataLoss, name);
    }
    WriteFile(name, good);
  }
}

TEST_F(StoreTest, AMissingFileIsFound) {
  MustWrite(SmallParts());
  for (const std::string_view name : kListedFiles) {
    const std::string good = ReadFile(name);
    fs::remove(InBundle(name));
    ExpectRefused(absl::StatusCode::kDataLoss, name);
    WriteFile(name, good);
  }
}

TEST_F(StoreTest, AnExtraFileIsFound) {
  MustWrite(SmallParts());
  WriteFile("notes.txt", "x");
  ExpectRefused(absl::StatusCode::kDataLoss, "notes.txt");
}

TEST_F(StoreTest, SwappedFilesAreFound) {
  MustWrite(SmallParts());
  fs::rename(InBundle(kCatalogueFile), InBundle("aside"));
  fs::rename(InBundle(kPoliciesFile), InBundle(kCatalogueFile));
  fs::rename(InBundle("aside"), InBundle(kPoliciesFile));
  ExpectRefused(absl::StatusCode::kDataLoss, kCatalogueFile);
}

TEST_F(StoreTest, AFileOfAnotherBundleIsFound) {
  MustWrite(SmallParts());
  BundleParts other = SmallParts();
  other.exemplars.mutable_exemplars(0)->set_text("b text");  // the same length
  ASSERT_TRUE(WriteBundle(other, directory_ / "other").ok());
  WriteFile(kExemplarsFile, directory_.Read("other/exemplars.binpb"));
  ExpectRefused(absl::StatusCode::kDataLoss, kExemplarsFile);
}

TEST_F(StoreTest, ADirectoryOrPipeInPlaceOfAFileIsRefused) {
  MustWrite(SmallParts());
  fs::remove(InBundle(kVectorsFile));
  fs::create_directory(InBundle(kVectorsFile));
  ExpectRefused(absl::StatusCode::kDataLoss, kVectorsFile);
  fs::remove(InBundle(kVectorsFile));
  ASSERT_EQ(mkfifo(InBundle(kVectorsFile).c_str(), 0600), 0);
  ExpectRefused(absl::StatusCode::kDataLoss, kVectorsFile);
}

TEST_F(StoreTest, ANewerFormatIsRefusedWhateverElseItHolds) {
  MustWrite(SmallParts());
  WriteFile(kManifestFile, R"({"format_version": 2, "shards": [{"name": "../../etc/passwd"}]})");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "format_version must be 1, is 2");
}

TEST_F(StoreTest, AManifestThatNamesOtherFilesIsRefused) {
  for (const char* name : {"../../etc/passwd", "/etc/passwd", "a/b", "other", ""}) {
    v1::Manifest manifest = MustWrite(SmallParts());
    manifest.mutable_files(0)->set_name(name);
    Seal(manifest);
    ExpectRefused(absl::StatusCode::kDataLoss, "does not list the files of a bundle");
  }
}

TEST_F(StoreTest, AManifestThatIsNoneIsRefused) {
  MustWrite(SmallParts());
  for (const char* text : {"", "{}", "[]", "null", "{\"format_version\": 1}", "\xFF",
                           "{\"format_version\": 1, \"files\": 7}"}) {
    WriteFile(kManifestFile, text);
    ExpectRefused(absl::StatusCode::kDataLoss, kManifestFile);
  }
  WriteFile(kManifestFile, std::string(100'000, ' '));
  ExpectRefused(absl::StatusCode::kDataLoss, kManifestFile);
}

TEST_F(StoreTest, VolumesOfKubernetesAreRead) {
  // A projected volume holds its files behind symbolic links to a directory that it swaps.
  MustWrite(SmallParts());
  fs::create_directory(directory_ / "volume");
  fs::rename(bundle(), directory_ / "volume/..2026_11_24");
  fs::create_directory_symlink("..2026_11_24", directory_ / "volume/..data");
  for (const std::string& name : directory_.List("volume/..2026_11_24")) {
    fs::create_symlink("..data/" + name, directory_ / ("volume/" + name));
  }
  const absl::Status status = ReadBundle(directory_ / "volume").status();
  EXPECT_TRUE(status.ok()) << status;
}

// Verified contents that are out of range.

TEST_F(StoreTest, ContentsAreHeldToTheBoundsOfSources) {
  BundleParts parts = SmallParts();
  parts.catalogue.mutable_models(0)->set_input_usd_per_mtok(-1);
  EXPECT_EQ(ContentsProblem(kCatalogueFile, parts.catalogue),
            InBundle("catalogue.binpb: models[0].input_usd_per_mtok: must be a finite number >= 0, "
                     "is -1"));
  parts.policies.set_default_policy("none");
  EXPECT_THAT(ContentsProblem(kPoliciesFile, parts.policies),
              HasSubstr("policies.binpb: default_policy: unknown policy `none`"));
  parts.calibration.add_mean(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(ContentsProblem(kCalibrationFile, parts.calibration),
              HasSubstr("calibration.binpb: mean: must be finite"));
  parts.golden.mutable_queries(0)->clear_recorded();
  EXPECT_THAT(ContentsProblem(kGoldenFile, parts.golden),
              HasSubstr("golden.binpb: queries[0].recorded: is required"));
}

TEST_F(StoreTest, ExemplarsMustBeUniqueAndOfKnownModelsAndCapabilities) {
  v1::ExemplarTable table = SmallParts().exemplars;
  table.mutable_exemplars(2)->set_id("e1");
  (*table.mutable_exemplars(1)->mutable_outcomes())["tiny"].set_quality(1);
  table.mutable_exemplars(1)->set_capability("cooking");
  const std::string problem = ContentsProblem(kExemplarsFile, table);
  EXPECT_THAT(problem, HasSubstr("exemplars[2].id: duplicate id `e1`, first at exemplars[0]"));
  EXPECT_THAT(problem, HasSubstr("exemplars[1].outcomes[tiny]: unknown model `tiny`"));
  EXPECT_THAT(problem, HasSubstr("exemplars[1].capability: unknown capability `cooking`"));
}

TEST_F(StoreTest, CountsMustMatch) {
  for (const auto& [field, set] :
       std::initializer_list<std::pair<const char*, void (*)(v1::Manifest*)>>{
           {"exemplar_count", [](v1::Manifest* m) { m->set_exemplar_count(4); }},
           {"model_count", [](v1::Manifest* m) { m->set_model_count(0); }},
           {"capability_count", [](v1::Manifest* m) { m->set_capability_count(5); }},
           {"embedder_id", [](v1::Manifest* m) { m->set_embedder_id("static-2-0"); }},
           {"dimensions", [](v1::Manifest* m) { m->set_dimensions(0); }}}) {
    v1::Manifest manifest = MustWrite(SmallParts());
    set(&manifest);
    Seal(manifest);
    ExpectRefused(absl::StatusCode::kInvalidArgument, field);
  }
}

TEST_F(StoreTest, ClustersAreCountedWhereThereAreNoCapabilities) {
  BundleParts parts = SmallParts();
  parts.catalogue.clear_capabilities();
  parts.manifest.set_capability_count(64);
  MustWrite(parts);
  EXPECT_TRUE(ReadBundle(bundle()).ok());
}

TEST_F(StoreTest, VerifiedBytesThatAreNoMessageAreRefused) {
  v1::Manifest manifest = MustWrite(SmallParts());
  WriteFile(kCatalogueFile, "\xFF\xFF\xFF");
  manifest.mutable_files(1)->set_size(3);
  manifest.mutable_files(1)->set_sha256(Sha256("\xFF\xFF\xFF"));
  Seal(manifest);
  ExpectRefused(absl::StatusCode::kInvalidArgument,
                "catalogue.binpb: is no pointsman.v1.Catalogue");
}

// Writing.

TEST_F(StoreTest, WhatWouldBeRefusedIsNotWritten) {
  BundleParts parts = SmallParts();
  parts.manifest.set_capability_count(5);
  absl::Status status = WriteBundle(parts, bundle()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  parts = SmallParts();
  parts.calibration.add_mean(std::numeric_limits<float>::infinity());
  status = WriteBundle(parts, bundle()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_TRUE(directory_.List().empty());
}

TEST_F(StoreTest, ABundleIsReplacedAndNothingElseIsLeft) {
  MustWrite(SmallParts());
  BundleParts second = SmallParts();
  second.manifest.set_version("second");
  MustWrite(second);
  EXPECT_EQ(ReadBundle(bundle())->manifest.version(), "second");
  EXPECT_THAT(directory_.List(), ElementsAre(kName));
}

TEST_F(StoreTest, AnEmptyDirectoryIsFilled) {
  fs::create_directory(bundle());
  MustWrite(SmallParts());
  EXPECT_TRUE(ReadBundle(bundle()).ok());
}

TEST_F(StoreTest, MissingParentsAreMadeAndASlashAtTheEndIsFine) {
  ASSERT_TRUE(WriteBundle(SmallParts(), directory_ / "a/b/c/").ok());
  EXPECT_TRUE(ReadBundle(directory_ / "a/b/c").ok());
}

TEST_F(StoreTest, WhatIsNoBundleIsNotReplaced) {
  directory_.Write("bundle/precious.txt", "x");
  EXPECT_EQ(CheckReplaceable(bundle()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(WriteBundle(SmallParts(), bundle()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(directory_.List(kName), ElementsAre("precious.txt"));
  EXPECT_THAT(directory_.List(), ElementsAre(kName));
}

TEST_F(StoreTest, ABundleWithAForeignFileIsNotReplaced) {
  MustWrite(SmallParts());
  WriteFile("precious.txt", "x");
  EXPECT_THAT(std::string(CheckReplaceable(bundle()).message()), HasSubstr("`precious.txt`"));
}

TEST_F(StoreTest, AFileIsNotReplaced) {
  directory_.Write(kName, "x");
  EXPECT_EQ(WriteBundle(SmallParts(), bundle()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(directory_.Read(kName), "x");
}

TEST_F(StoreTest, TheTargetOfALinkIsReplacedAndTheLinkStays) {
  MustWrite(SmallParts());
  fs::create_directory_symlink(kName, directory_ / "current");
  BundleParts second = SmallParts();
  second.manifest.set_version("second");
  ASSERT_TRUE(WriteBundle(second, directory_ / "current").ok());
  EXPECT_TRUE(fs::is_symlink(directory_ / "current"));
  EXPECT_EQ(ReadBundle(bundle())->manifest.version(), "second");
}

TEST_F(StoreTest, WhatAKilledBuildLeftIsRemoved) {
  directory_.Write(".bundle.building-abc123/catalogue.binpb", "half");
  directory_.Write(".other.building-abc123/catalogue.binpb", "of another target");
  MustWrite(SmallParts());
  EXPECT_THAT(directory_.List(), ElementsAre(".other.building-abc123", kName));
}

TEST_F(StoreTest, WhatABuildThatRunsIsWritingIsLeftAlone) {
  directory_.Write(".bundle.building-abc123/catalogue.binpb", "half");
  const int running =
      open((directory_ / ".bundle.building-abc123").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(running, LOCK_EX | LOCK_NB), 0);
  MustWrite(SmallParts());
  EXPECT_THAT(directory_.List(), ElementsAre(".bundle.building-abc123", kName));
  close(running);
}

TEST_F(StoreTest, AFailedWriteLeavesEverythingAsItWas) {
  MustWrite(SmallParts());
  const std::string before = ReadFile(kManifestFile);
  // A file stands where a parent directory would have to be.
  EXPECT_FALSE(WriteBundle(SmallParts(), InBundle("manifest.json/x")).ok());
  EXPECT_EQ(ReadFile(kManifestFile), before);
  EXPECT_THAT(directory_.List(), ElementsAre(kName));
  EXPECT_FALSE(WriteBundle(SmallParts(), "/").ok());
}

}  // namespace
}  // namespace pointsman::bundle

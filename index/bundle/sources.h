// The sources of a bundle, as people write them: a directory with
//   catalogue.yaml                    models and capabilities        (pointsman.v1.Catalogue)
//   policies.yaml                     policies and the default one   (pointsman.v1.PolicySet)
//   exemplars.jsonl[.gz]              labelled queries, one a line   (pointsman.bundle.v1.Exemplar)
//   exemplars/*.jsonl[.gz]            more of them, read in order of their names
//   golden.jsonl[.gz]                 optional: queries whose decisions are fixed
//                                                                (pointsman.bundle.v1.GoldenQuery)
// Keys are the field names of those messages. Other files are left alone.
//
// Errors read `file:line: field.path: what is wrong, the bound, the value`, up to 20 of them in one
// INVALID_ARGUMENT, one a line; NOT_FOUND where a directory or a required file is missing.
#ifndef POINTSMAN_INDEX_BUNDLE_SOURCES_H_
#define POINTSMAN_INDEX_BUNDLE_SOURCES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"

namespace pointsman::bundle {

// Everything a bundle is built from.
struct BundleSources {
  pointsman::v1::Catalogue catalogue;
  pointsman::v1::PolicySet policies;
  std::vector<v1::Exemplar> exemplars;
  std::vector<v1::GoldenQuery> golden;
  std::string safetensors;     // bytes of the embedder's model.safetensors
  std::string tokenizer_json;  // bytes of its tokenizer.json
};

// Each keeps the memory of reading bounded, whatever the files hold.
struct SourceBounds {
  size_t max_line_bytes = size_t{4} << 20;     // of JSONL: a 1 MiB text, escaped, with its labels
  int64_t max_jsonl_bytes = int64_t{2} << 30;  // of one file, decompressed: what a bundle can hold
  int64_t max_yaml_bytes = int64_t{16} << 20;  // of one file
  int64_t max_model_bytes = int64_t{2} << 30;  // of one file of the model
};

// Reads and validates the sources in `directory`, and reads the embedder's files in
// `model_directory`.
absl::StatusOr<BundleSources> ReadSources(const std::string& directory,
                                          const std::string& model_directory,
                                          const SourceBounds& bounds = {});

// The parts, for evaluation, which has no directory of sources.

// Reads and validates one catalogue.
absl::StatusOr<pointsman::v1::Catalogue> ReadCatalogue(const std::string& path,
                                                       const SourceBounds& bounds = {});

// Reads and validates one file of exemplars, labelled in terms of `catalogue`.
absl::StatusOr<std::vector<v1::Exemplar>> ReadExemplars(const std::string& path,
                                                        const pointsman::v1::Catalogue& catalogue,
                                                        const SourceBounds& bounds = {});

struct EmbedderFiles {
  std::string safetensors;     // bytes of model.safetensors
  std::string tokenizer_json;  // bytes of tokenizer.json
};

// Reads the files of an embedder in Model2Vec format, without looking into them.
absl::StatusOr<EmbedderFiles> ReadEmbedder(const std::string& model_directory,
                                           const SourceBounds& bounds = {});

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_SOURCES_H_

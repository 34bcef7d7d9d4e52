#include "index/evaluate/inputs.h"

#include <utility>

#include "index/bundle/document.h"
#include "index/bundle/files.h"
#include "index/bundle/problems.h"
#include "index/bundle/proto_reader.h"
#include "index/bundle/sources.h"
#include "index/bundle/validate.h"

namespace pointsman::evaluate {
namespace {

absl::StatusOr<v1::Catalogue> ReadCatalogue(const std::string& path,
                                            const bundle::SourceBounds& bounds) {
  const absl::StatusOr<std::string> text = bundle::ReadFile(path, path, bounds.max_yaml_bytes);
  if (!text.ok()) return text.status();
  bundle::Problems problems;
  bundle::Reporter reporter(path, 1, &problems);
  bundle::Node node;
  v1::Catalogue catalogue;
  if (bundle::ParseYaml(*text, &reporter, &node)) {
    bundle::ReadMessage(node, bundle::Path(), &catalogue, &reporter);
    bundle::ValidateCatalogue(catalogue, &reporter);
  }
  if (!problems.empty()) return problems.ToStatus();
  return catalogue;
}

}  // namespace

absl::StatusOr<Inputs> ReadInputs(const InputFiles& files) {
  const bundle::SourceBounds bounds;
  Inputs inputs;
  auto catalogue = ReadCatalogue(files.catalogue, bounds);
  if (!catalogue.ok()) return catalogue.status();
  inputs.catalogue = *std::move(catalogue);
  auto labelled = bundle::ReadExemplars(files.labelled, inputs.catalogue, bounds);
  if (!labelled.ok()) return labelled.status();
  inputs.labelled = *std::move(labelled);
  if (!files.test.empty()) {
    auto test = bundle::ReadExemplars(files.test, inputs.catalogue, bounds);
    if (!test.ok()) return test.status();
    inputs.test = *std::move(test);
  }
  const std::string safetensors = files.model_directory + "/model.safetensors";
  auto bytes = bundle::ReadFile(safetensors, safetensors, bounds.max_model_bytes);
  if (!bytes.ok()) return bytes.status();
  inputs.safetensors = *std::move(bytes);
  const std::string tokenizer = files.model_directory + "/tokenizer.json";
  bytes = bundle::ReadFile(tokenizer, tokenizer, bounds.max_model_bytes);
  if (!bytes.ok()) return bytes.status();
  inputs.tokenizer_json = *std::move(bytes);
  return inputs;
}

}  // namespace pointsman::evaluate

#include "index/evaluate/inputs.h"

#include <utility>

#include "index/bundle/sources.h"

namespace pointsman::evaluate {

absl::StatusOr<Inputs> ReadInputs(const InputFiles& files) {
  Inputs inputs;
  auto catalogue = bundle::ReadCatalogue(files.catalogue);
  if (!catalogue.ok()) return catalogue.status();
  inputs.catalogue = *std::move(catalogue);
  auto labelled = bundle::ReadExemplars(files.labelled, inputs.catalogue);
  if (!labelled.ok()) return labelled.status();
  inputs.labelled = *std::move(labelled);
  if (!files.test.empty()) {
    auto test = bundle::ReadExemplars(files.test, inputs.catalogue);
    if (!test.ok()) return test.status();
    inputs.test = *std::move(test);
  }
  auto embedder = bundle::ReadEmbedder(files.model_directory);
  if (!embedder.ok()) return embedder.status();
  inputs.safetensors = std::move(embedder->safetensors);
  inputs.tokenizer_json = std::move(embedder->tokenizer_json);
  return inputs;
}

}  // namespace pointsman::evaluate

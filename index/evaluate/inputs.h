// What an evaluation is made from, read from files.
#ifndef POINTSMAN_INDEX_EVALUATE_INPUTS_H_
#define POINTSMAN_INDEX_EVALUATE_INPUTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::evaluate {

// Exemplars name no models but those of `catalogue`, as ReadInputs makes sure.
struct Inputs {
  v1::Catalogue catalogue;
  std::string safetensors;     // bytes of the embedder's model.safetensors
  std::string tokenizer_json;  // bytes of its tokenizer.json
  std::vector<bundle::v1::Exemplar> labelled;
  // What is tested on, where it is not a part of `labelled`: shows how far the labels carry.
  std::optional<std::vector<bundle::v1::Exemplar>> test;
};

struct InputFiles {
  std::string catalogue;        // catalogue.yaml
  std::string model_directory;  // model.safetensors and tokenizer.json
  std::string labelled;         // exemplars, .jsonl or .jsonl.gz
  std::string test;             // the same; empty: tested on a part of `labelled`
};

// Errors are those of bundle::ReadSources.
absl::StatusOr<Inputs> ReadInputs(const InputFiles& files);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_INPUTS_H_

// The parts of an engine, for engine.cc and builder.cc only.
#ifndef POINTSMAN_INDEX_ENGINE_INTERNALS_H_
#define POINTSMAN_INDEX_ENGINE_INTERNALS_H_

#include <string>
#include <vector>

#include "index/bundle/store.h"
#include "index/choose/catalogue.h"
#include "index/choose/choose.h"
#include "index/choose/policy.h"
#include "index/embed/static_embedder.h"
#include "index/embed/text_encoder.h"
#include "index/engine.h"
#include "index/estimate/estimator.h"
#include "index/render.h"
#include "index/request.h"
#include "index/search/vector_index.h"

namespace pointsman {

struct Engine::Internals {
  RequestBounds bounds;
  bundle::v1::Manifest manifest;
  v1::Catalogue catalogue_source;
  v1::PolicySet policies_source;
  bundle::v1::ExemplarTable exemplars;
  bundle::v1::GoldenSet golden;
  std::string signed_by;
  int best_single_model;
  choose::Catalogue catalogue;
  choose::PolicySet policies;
  embed::StaticEmbedder embedder;
  search::VectorIndex index;
  estimate::Estimator estimator;
};

struct Engine::Scratch::Buffers {
  embed::EncodedText encoded;
  std::vector<float> centred;
  std::vector<search::Neighbour> neighbours;
  std::vector<float> evidence_weights;
  estimate::EstimateScratch estimate;
  choose::Decision decision;
};

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_ENGINE_INTERNALS_H_

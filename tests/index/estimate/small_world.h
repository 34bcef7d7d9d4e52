// A world small enough to fit in milliseconds, in which the truth is known: topics with words of
// their own, word vectors around their topic's, and models that are better at some topics.
#ifndef POINTSMAN_TESTS_INDEX_ESTIMATE_SMALL_WORLD_H_
#define POINTSMAN_TESTS_INDEX_ESTIMATE_SMALL_WORLD_H_

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "index/estimate/estimator.h"
#include "index/estimate/fit.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/bundle/v1/calibration.pb.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman::estimate {

struct SmallWorldOptions {
  int exemplars = 160;
  int models = 3;
  bool capabilities = true;  // one a topic; false: neither in the catalogue nor on exemplars
  bool difficulties = true;
  bool skills = true;         // all models but the last
  double measured_share = 1;  // of (exemplar, model) pairs that have an outcome
  double labelled_share = 1;  // of exemplars that carry capability and difficulty
  unsigned seed = 1;
};

class SmallWorld {
 public:
  static constexpr int kTopics = 4;
  static constexpr int kDimension = 256;

  explicit SmallWorld(const SmallWorldOptions& options = {});

  // A new text on a topic, embedded; it lives as long as the world.
  const EmbeddedText& Write(int topic);
  // One of words that no exemplar has.
  const EmbeddedText& WriteGibberish();
  // Probability that `model` answers `text` acceptably: what outcomes are drawn from.
  double Truth(int topic, const EmbeddedText& text, int model) const;

  bundle::v1::Calibration Fit() const;
  Estimator Create(const bundle::v1::Calibration& calibration) const;

  std::vector<float> Centred(const EmbeddedText& text) const;
  // The nearest exemplars of a centred vector, best first.
  std::vector<search::Neighbour> Neighbours(const std::vector<float>& centred, int k) const;

  v1::Catalogue catalogue;
  google::protobuf::RepeatedPtrField<bundle::v1::Exemplar> exemplars;
  std::vector<int> topics;  // of the exemplars

 private:
  const EmbeddedText& WriteWords(const std::vector<int>& words);
  int PickWord(int group);

  std::mt19937 random_;
  std::vector<std::string> vocabulary_;
  std::vector<std::vector<float>> vectors_;  // of the words
  std::deque<std::string> texts_;
  std::deque<EmbeddedText> written_;
  std::vector<EmbeddedText> embedded_;  // the exemplars
  std::vector<EmbeddedText> background_;
  std::vector<float> mean_;
  std::vector<float> centred_;
};

// A query on `text` with all that its spans point to.
class OwnedQuery {
 public:
  OwnedQuery(const SmallWorld& world, const EmbeddedText& text, int neighbours = 100);
  OwnedQuery(const OwnedQuery&) = delete;
  OwnedQuery& operator=(const OwnedQuery&) = delete;

  const Query& query() const { return query_; }
  // The same where only the vector was sent.
  Query without_text() const;

 private:
  std::vector<float> centred_;
  std::vector<search::Neighbour> neighbours_;
  Query query_;
};

}  // namespace pointsman::estimate

#endif  // POINTSMAN_TESTS_INDEX_ESTIMATE_SMALL_WORLD_H_

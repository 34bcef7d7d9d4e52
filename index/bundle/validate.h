// Every bound that the comments of the protos state, checked on the messages. The same checks hold
// for sources (problems have lines) and for a compiled bundle, whose bytes are as its author made
// them but whose author may have been another program.
#ifndef POINTSMAN_INDEX_BUNDLE_VALIDATE_H_
#define POINTSMAN_INDEX_BUNDLE_VALIDATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "google/protobuf/message.h"
#include "index/bundle/problems.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"

namespace pointsman::bundle {

// Where a message comes from: exemplars need a text in sources, golden queries need a recorded
// decision in bundles and must not have one in sources.
enum class Form { kSource, kCompiled, kCompiledWithoutTexts };

// Names of one kind, to look up and to list. Views into the messages they come from.
class NameSet {
 public:
  void Add(std::string_view name);
  bool Contains(std::string_view name) const;
  // "unknown model `x`; known: a, b" for kind "model".
  std::string Unknown(std::string_view kind, std::string_view name) const;
  size_t size() const { return names_.size(); }

 private:
  std::vector<std::string_view> names_;  // in the order of the source
  absl::flat_hash_set<std::string_view> set_;
};

// The names that policies, exemplars and golden queries may refer to. Views into the messages
// given, which must outlive it.
struct Vocabulary {
  NameSet models;
  NameSet capabilities;
  NameSet features;
  NameSet policies;

  static Vocabulary Of(const pointsman::v1::Catalogue& catalogue,
                       const pointsman::v1::PolicySet& policies);
};

// Finds ids that are given twice. Places count up from 0 with each id.
class UniqueIds {
 public:
  // The place where `id` was added first, if it was before.
  std::optional<int64_t> Add(std::string_view id);

 private:
  absl::flat_hash_map<std::string, int64_t> first_;
  int64_t count_ = 0;
};

void ValidateCatalogue(const pointsman::v1::Catalogue& catalogue, Reporter* reporter);

void ValidatePolicies(const pointsman::v1::PolicySet& policies, const Vocabulary& vocabulary,
                      Reporter* reporter);

// One exemplar or golden query; that ids are unique is for the caller to see to (UniqueIds).
void ValidateExemplar(const v1::Exemplar& exemplar, const Vocabulary& vocabulary, Form form,
                      const Path& path, Reporter* reporter);
void ValidateGoldenQuery(const v1::GoldenQuery& query, const Vocabulary& vocabulary, Form form,
                         const Path& path, Reporter* reporter);

// Reports every field of `message` or of a message within it that holds a number that is not
// finite.
void ValidateFinite(const google::protobuf::Message& message, const Path& path, Reporter* reporter);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_VALIDATE_H_

#include "absl/strings/str_cat.h"
#include "index/bundle/problems.h"
#include "index/bundle/validate.h"
#include "index/errors.h"
#include "index/string_view.h"

namespace pointsman::bundle {

void NameSet::Add(std::string_view name) {
  if (set_.insert(name).second) names_.push_back(name);
}

bool NameSet::Contains(std::string_view name) const { return set_.contains(name); }

std::string NameSet::Unknown(std::string_view kind, std::string_view name) const {
  return absl::StrCat("unknown ", ToAbsl(kind), " ", Quoted(name), "; known: ", KnownNames(names_));
}

Vocabulary Vocabulary::Of(const pointsman::v1::Catalogue& catalogue,
                          const pointsman::v1::PolicySet& policies) {
  Vocabulary vocabulary;
  for (const auto& model : catalogue.models()) {
    vocabulary.models.Add(model.id());
    for (const std::string& feature : model.features()) vocabulary.features.Add(feature);
  }
  for (const auto& capability : catalogue.capabilities()) {
    vocabulary.capabilities.Add(capability.id());
  }
  for (const auto& policy : policies.policies()) vocabulary.policies.Add(policy.name());
  return vocabulary;
}

std::optional<int64_t> UniqueIds::Add(std::string_view id) {
  const auto [it, is_new] = first_.try_emplace(std::string(id), count_++);
  if (is_new) return std::nullopt;
  return it->second;
}

}  // namespace pointsman::bundle

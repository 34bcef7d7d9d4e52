// The single checks that validation is made of. Each reports what is wrong, the bound and the
// value.
#ifndef POINTSMAN_INDEX_BUNDLE_CHECKS_H_
#define POINTSMAN_INDEX_BUNDLE_CHECKS_H_

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "google/protobuf/repeated_field.h"
#include "index/bundle/problems.h"
#include "index/bundle/validate.h"

namespace pointsman::bundle {

// A range of numbers; all are finite.
struct Range {
  double least;
  double most = std::numeric_limits<double>::infinity();
  bool above = false;  // `least` itself is outside
};
inline constexpr Range kShare{0, 1};
inline constexpr Range kNotNegative{0};
inline constexpr Range kPositive{0, std::numeric_limits<double>::infinity(), true};

void CheckNumber(double value, const Range& range, const Path& path, Reporter* reporter);

// A name is 1 to `longest` characters, each a digit, a lower-case letter, an upper-case one if
// `upper`, or one of `punctuation`.
struct Alphabet {
  size_t longest;
  std::string_view punctuation;
  bool upper;
  std::string_view text;  // for people
};
inline constexpr Alphabet kModelId{128, "._:/@-", true, "[A-Za-z0-9._:/@-]"};
inline constexpr Alphabet kCapabilityId{64, "_", false, "[a-z0-9_]"};
inline constexpr Alphabet kFeatureName{64, "_", false, "[a-z0-9_]"};
inline constexpr Alphabet kTagName{128, "_.:/=-", false, "[a-z0-9_.:/=-]"};
inline constexpr Alphabet kPolicyName{64, "_-", false, "[a-z0-9_-]"};

void CheckName(std::string_view name, const Alphabet& alphabet, const Path& path,
               Reporter* reporter);

// At most `most` characters (not bytes).
void CheckCharacters(std::string_view utf8, size_t most, const Path& path, Reporter* reporter);

// A name among those of `kind` that are known, such as "model".
void CheckKnown(std::string_view kind, std::string_view name, const NameSet& known,
                const Path& path, Reporter* reporter);

// The same for every name of the repeated field `field` of the message at `path`.
void CheckAllKnown(std::string_view kind, std::string_view field,
                   const google::protobuf::RepeatedPtrField<std::string>& names,
                   const NameSet& known, const Path& path, Reporter* reporter);

// Reports that the element at `path` has in `id_field` the id that the one at `first` has.
void ReportDuplicate(std::string_view id, const Path& path, std::string_view id_field,
                     const Path& first, Reporter* reporter);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_CHECKS_H_

#include "index/bundle/checks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"

namespace pointsman::bundle {

void CheckNumber(double value, const Range& range, const Path& path, Reporter* reporter) {
  const bool inside = std::isfinite(value) && value <= range.most &&
                      (range.above ? value > range.least : value >= range.least);
  if (inside) return;
  const std::string bound =
      std::isfinite(range.most)
          ? absl::StrCat("a number from ", range.least, " to ", range.most)
          : absl::StrCat("a finite number ", range.above ? "> " : ">= ", range.least);
  reporter->Report(path, absl::StrCat("must be ", bound, ", is ", value));
}

void CheckName(std::string_view name, const Alphabet& alphabet, const Path& path,
               Reporter* reporter) {
  const bool good =
      !name.empty() && name.size() <= alphabet.longest &&
      std::all_of(name.begin(), name.end(), [&](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
               absl::ascii_islower(static_cast<unsigned char>(c)) ||
               (alphabet.upper && absl::ascii_isupper(static_cast<unsigned char>(c))) ||
               alphabet.punctuation.find(c) != std::string_view::npos;
      });
  if (good) return;
  reporter->Report(path, absl::StrCat("must be 1 to ", alphabet.longest, " characters of ",
                                      ToAbsl(alphabet.text), ", is ", Quoted(name)));
}

void CheckCharacters(std::string_view utf8, size_t most, const Path& path, Reporter* reporter) {
  const auto count = static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  if (count <= most) return;
  reporter->Report(path, absl::StrCat("must be at most ", most, " characters, is ", count));
}

void CheckKnown(std::string_view kind, std::string_view name, const NameSet& known,
                const Path& path, Reporter* reporter) {
  if (!known.Contains(name)) reporter->Report(path, known.Unknown(kind, name));
}

void CheckAllKnown(std::string_view kind, std::string_view field,
                   const google::protobuf::RepeatedPtrField<std::string>& names,
                   const NameSet& known, const Path& path, Reporter* reporter) {
  for (int i = 0; i < names.size(); ++i) {
    CheckKnown(kind, names.Get(i), known, path.Field(field, i), reporter);
  }
}

void ReportDuplicate(std::string_view id, const Path& path, std::string_view id_field,
                     const Path& first, Reporter* reporter) {
  reporter->Report(path.Field(id_field),
                   absl::StrCat("duplicate ", ToAbsl(id_field), " ", Quoted(id), ", first at ",
                                reporter->Where(first)));
}

}  // namespace pointsman::bundle

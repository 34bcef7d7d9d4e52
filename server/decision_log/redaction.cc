#include "server/decision_log/redaction.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "server/decision_log/small_file.h"

namespace pointsman::server {
namespace {

// Room for every pattern at its longest, and as much again for comments.
constexpr size_t kMaxFileBytes = 2 * kMaxRedactPatterns * (kMaxRedactPatternBytes + 1);

re2::StringPiece ToRe2(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

absl::StatusOr<Redactor> Redactor::Read(const std::string& path) {
  const absl::StatusOr<std::string> file =
      ReadSmallFile(path, kMaxFileBytes, "the redaction patterns");
  if (!file.ok()) return file.status();
  Redactor redactor;
  std::string_view rest = *file;
  for (int line_number = 1; !rest.empty(); ++line_number) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto refuse = [&](const auto&... reason) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", line_number, ": ", reason...));
    };
    if (redactor.patterns_.size() == kMaxRedactPatterns) {
      return refuse("more than ", kMaxRedactPatterns, " redaction patterns");
    }
    if (line.size() > kMaxRedactPatternBytes) {
      return refuse("a redaction pattern has at most ", kMaxRedactPatternBytes,
                    " bytes, this one has ", line.size());
    }
    auto pattern = std::make_shared<const RE2>(ToRe2(line), RE2::Quiet);
    if (!pattern->ok()) return refuse("not an RE2 pattern: ", pattern->error());
    if (RE2::PartialMatch("", *pattern)) {
      return refuse("the pattern matches the empty text, so it would be found everywhere");
    }
    redactor.patterns_.push_back(std::move(pattern));
  }
  return redactor;
}

std::string_view Redactor::Apply(std::string_view text, std::string* storage) const {
  bool changed = false;
  for (const std::shared_ptr<const RE2>& pattern : patterns_) {
    if (!changed) {
      // Most texts match nothing: search without a copy first.
      if (!RE2::PartialMatch(ToRe2(text), *pattern)) continue;
      storage->assign(text);
      changed = true;
    }
    RE2::GlobalReplace(storage, *pattern, ToRe2(kRedacted));
  }
  return changed ? std::string_view(*storage) : text;
}

}  // namespace pointsman::server

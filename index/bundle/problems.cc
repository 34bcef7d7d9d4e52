#include "index/bundle/problems.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "index/string_view.h"

namespace pointsman::bundle {
namespace {

constexpr size_t kLongestQuote = 60;

}  // namespace

std::string Path::ToString() const {
  if (parent_ == nullptr) return "";
  std::string text = parent_->ToString();
  if (!text.empty()) text += '.';
  absl::StrAppend(&text, ToAbsl(name_));
  if (index_ >= 0) absl::StrAppend(&text, "[", index_, "]");
  if (key_.data() != nullptr) absl::StrAppend(&text, "[", ToAbsl(key_), "]");
  return text;
}

void Problems::Add(std::string sentence) {
  if (!full()) sentences_.push_back(std::move(sentence));
}

absl::Status Problems::ToStatus() const {
  if (empty()) return absl::OkStatus();
  std::string all = absl::StrJoin(sentences_, "\n");
  if (full()) absl::StrAppend(&all, "\n(", kEnough, " problems found, not looking further)");
  return absl::InvalidArgumentError(all);
}

void Reporter::RecordLine(const Path& path, int line) {
  if (line != line_) lines_[path.ToString()] = line;
}

int Reporter::LineOf(const Path& path) const {
  if (lines_.empty()) return line_;
  for (const Path* p = &path; p != nullptr; p = p->parent()) {
    const auto it = lines_.find(p->ToString());
    if (it != lines_.end()) return it->second;
  }
  return line_;
}

std::string Reporter::Where(const Path& path) const {
  const int line = LineOf(path);
  return line == 0 ? path.ToString() : absl::StrCat(file_, ":", line);
}

void Reporter::ReportAt(int line, const Path& path, std::string_view problem) {
  std::string sentence = file_;
  if (line > 0) absl::StrAppend(&sentence, ":", line);
  const std::string field = path.ToString();
  if (!field.empty()) absl::StrAppend(&sentence, ": ", field);
  absl::StrAppend(&sentence, ": ", ToAbsl(problem));
  problems_->Add(std::move(sentence));
}

std::string Quoted(std::string_view value) {
  if (value.size() <= kLongestQuote) {
    return absl::StrCat("`", absl::Utf8SafeCHexEscape(ToAbsl(value)), "`");
  }
  size_t end = kLongestQuote;
  while (end > 0 && (value[end] & 0xC0) == 0x80) --end;  // no half character
  return absl::StrCat("`", absl::Utf8SafeCHexEscape(ToAbsl(value.substr(0, end))), "`...");
}

}  // namespace pointsman::bundle

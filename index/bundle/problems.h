// How anything wrong with sources or bundles is told: `file:line: field.path: what, bound, value`.
//
// Path names a field within a message and costs nothing until it is printed; Problems collects
// sentences; a Reporter is one file (or one line of JSONL) that they are about.
#ifndef POINTSMAN_INDEX_BUNDLE_PROBLEMS_H_
#define POINTSMAN_INDEX_BUNDLE_PROBLEMS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace pointsman::bundle {

// A field of a message: `models[3].skills[maths]`. A link to the path of the enclosing message,
// which must outlive it; the names must, too.
class Path {
 public:
  Path() = default;  // the whole message: an empty path

  Path Field(std::string_view name) const& { return Path(this, name, -1, {}); }
  Path Field(std::string_view name, int64_t index) const& { return Path(this, name, index, {}); }
  Path Field(std::string_view name, std::string_view key) const& {
    return Path(this, name, -1, key);
  }
  // A temporary cannot be the parent of a path that is stored.
  Path Field(std::string_view name) && = delete;
  Path Field(std::string_view name, int64_t index) && = delete;
  Path Field(std::string_view name, std::string_view key) && = delete;

  const Path* parent() const { return parent_; }  // null: the whole message
  std::string ToString() const;

 private:
  Path(const Path* parent, std::string_view name, int64_t index, std::string_view key)
      : parent_(parent), name_(name), index_(index), key_(key) {}

  const Path* parent_ = nullptr;
  std::string_view name_;
  int64_t index_ = -1;      // -1: not an element of a list
  std::string_view key_{};  // null: not an entry of a map
};

// Collects problems until there are enough of them.
class Problems {
 public:
  static constexpr size_t kEnough = 20;

  void Add(std::string sentence);
  bool empty() const { return sentences_.empty(); }
  // Nothing more is kept: callers stop looking.
  bool full() const { return sentences_.size() >= kEnough; }
  // OK, or INVALID_ARGUMENT with one problem a line.
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> sentences_;
};

// Reports problems of one message that was read from `file`, starting at `line` (0: the file has no
// lines), and knows on which line each field stands.
class Reporter {
 public:
  Reporter(std::string_view file, int line, Problems* problems)
      : file_(file), line_(line), problems_(problems) {}

  void RecordLine(const Path& path, int line);
  // The line of the field, or of the nearest enclosing one that has a line.
  int LineOf(const Path& path) const;
  // "file:line", or "path" where the file has no lines.
  std::string Where(const Path& path) const;

  void Report(const Path& path, std::string_view problem) { ReportAt(LineOf(path), path, problem); }
  void ReportAt(int line, const Path& path, std::string_view problem);
  bool full() const { return problems_->full(); }

 private:
  std::string file_;
  int line_;
  Problems* problems_;
  absl::flat_hash_map<std::string, int> lines_;  // fields on other lines than `line_`
};

// A value for an error message: in backquotes, cut after some 60 bytes, control characters escaped.
std::string Quoted(std::string_view value);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_PROBLEMS_H_

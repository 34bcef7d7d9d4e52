// How far a long piece of work has got: a bar that redraws itself on a terminal, and elsewhere one
// line when a stage starts and at each further quarter of it, so that logs stay short.
#ifndef POINTSMAN_INDEX_TOOL_PROGRESS_H_
#define POINTSMAN_INDEX_TOOL_PROGRESS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace pointsman::tool {

class Progress {
 public:
  // `out` must outlive it.
  Progress(std::ostream* out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  // Takes the bar away, so that what is printed next has the line to itself.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` parts of `stage` are done. A stage starts with its first call.
  void Update(std::string_view stage, int64_t done, int64_t total);

 private:
  std::ostream* out_;
  bool is_terminal_;
  std::string stage_;
  int shown_ = -1;  // percent, or quarters
};

}  // namespace pointsman::tool

#endif  // POINTSMAN_INDEX_TOOL_PROGRESS_H_

#include "index/tool/progress.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "index/string_view.h"

namespace pointsman::tool {
namespace {

constexpr int kBarWidth = 30;
constexpr int kPercentsPerLine = 25;
constexpr char kEraseLine[] = "\r\x1b[K";

}  // namespace

Progress::~Progress() {
  if (is_terminal_ && shown_ >= 0) *out_ << kEraseLine << std::flush;
}

void Progress::Update(std::string_view stage, int64_t done, int64_t total) {
  const int percent =
      total > 0 ? static_cast<int>(std::clamp<int64_t>(done * 100 / total, 0, 100)) : 0;
  const int step = is_terminal_ ? percent : percent / kPercentsPerLine;
  if (stage == stage_ && step <= shown_) return;
  stage_ = stage;
  shown_ = step;
  if (is_terminal_) {
    const int filled = percent * kBarWidth / 100;
    *out_ << kEraseLine
          << absl::StreamFormat("[%s%s] %3d %%  %s", std::string(static_cast<size_t>(filled), '#'),
                                std::string(static_cast<size_t>(kBarWidth - filled), ' '), percent,
                                ToAbsl(stage))
          << std::flush;
  } else {
    *out_ << absl::StreamFormat("%s: %d %%\n", ToAbsl(stage), percent) << std::flush;
  }
}

}  // namespace pointsman::tool

#include "client/cli/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "absl/strings/str_format.h"

namespace pointsman::cli {
namespace {

constexpr int kCells = 30;
constexpr std::chrono::milliseconds kRedrawInterval{100};

}  // namespace

ProgressBar::ProgressBar(int64_t total_bytes, bool visible)
    : total_bytes_(total_bytes), visible_(visible), start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() { Wipe(); }

void ProgressBar::Update(int64_t bytes_done, int64_t lines_done) {
  if (!visible_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  std::cerr << "\r" << ProgressText(bytes_done, total_bytes_, lines_done, now - start_) << "\x1b[K"
            << std::flush;
}

void ProgressBar::Wipe() {
  if (visible_) std::cerr << "\r\x1b[K" << std::flush;
}

std::string ProgressText(int64_t bytes_done, int64_t total_bytes, int64_t lines_done,
                         std::chrono::duration<double> elapsed) {
  std::string text;
  const double share =
      total_bytes > 0
          ? std::min(1.0, static_cast<double>(bytes_done) / static_cast<double>(total_bytes))
          : 0;
  if (total_bytes > 0) {
    const auto filled = static_cast<size_t>(std::lround(share * kCells));
    text = absl::StrFormat("[%s%s] %3.0f %%  ", std::string(filled, '#'),
                           std::string(kCells - filled, '-'), share * 100);
  }
  absl::StrAppendFormat(&text, "%d lines", lines_done);
  if (elapsed.count() <= 0) return text;
  absl::StrAppendFormat(&text, ", %.0f a second",
                        static_cast<double>(lines_done) / elapsed.count());
  if (share > 0) {
    absl::StrAppendFormat(&text, ", %.0f s left", elapsed.count() * (1 - share) / share);
  }
  return text;
}

}  // namespace pointsman::cli

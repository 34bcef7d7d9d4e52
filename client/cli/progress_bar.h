// How far a long command has come, on standard error of a terminal.
#ifndef POINTSMAN_CLIENT_CLI_PROGRESS_BAR_H_
#define POINTSMAN_CLIENT_CLI_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace pointsman::cli {

class ProgressBar {
 public:
  // `total_bytes` of the input; 0 where it is not known, and no share is shown then. Draws nothing
  // unless `visible`.
  ProgressBar(int64_t total_bytes, bool visible);
  // Wipes the bar, so that what is printed next starts on a clean line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Redraws at most ten times a second.
  void Update(int64_t bytes_done, int64_t lines_done);
  void Wipe();

 private:
  const int64_t total_bytes_;
  const bool visible_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_drawn_;
};

// The text of the bar: "[######----]  60 %  1200 lines, 400 a second, 2 s left".
std::string ProgressText(int64_t bytes_done, int64_t total_bytes, int64_t lines_done,
                         std::chrono::duration<double> elapsed);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_PROGRESS_BAR_H_

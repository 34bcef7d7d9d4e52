#include "index/estimate/background.h"

namespace pointsman::estimate {

extern const char kBackgroundPromptLines[];  // generated from background_prompts.txt

std::vector<std::string_view> BackgroundPrompts() {
  std::vector<std::string_view> prompts;
  std::string_view rest = kBackgroundPromptLines;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!line.empty()) prompts.push_back(line);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return prompts;
}

}  // namespace pointsman::estimate

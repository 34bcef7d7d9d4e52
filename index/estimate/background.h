// The background class of familiarity: what people send language models at large.
#ifndef POINTSMAN_INDEX_ESTIMATE_BACKGROUND_H_
#define POINTSMAN_INDEX_ESTIMATE_BACKGROUND_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pointsman::estimate {

// Generic prompts over all subjects and registers, written for this project: the lines of
// background_prompts.txt, compiled in.
std::vector<std::string_view> BackgroundPrompts();

// Bags of random tokens, drawn by the vocabulary's own order of frequency (Zipf-Mandelbrot): text
// about nothing, in every direction. The same bags in every build.
std::vector<std::vector<uint32_t>> RandomTokenBags(size_t vocabulary_size);

}  // namespace pointsman::estimate

#endif  // POINTSMAN_INDEX_ESTIMATE_BACKGROUND_H_

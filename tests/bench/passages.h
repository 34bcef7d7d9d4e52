// Texts of a given number of tokens, made of passages: what decisions are timed on.
#ifndef POINTSMAN_TESTS_BENCH_PASSAGES_H_
#define POINTSMAN_TESTS_BENCH_PASSAGES_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "index/embed/wordpiece.h"

namespace pointsman::bench {

// `count` different texts of `tokens` tokens each (rarely one or two fewer): random passages in a
// row, cut off where that many are reached. The same arguments give the same texts. At least one
// passage must have a token.
std::vector<std::string> TextsOf(size_t tokens, size_t count, std::span<const std::string> passages,
                                 const embed::WordPiece& tokenizer);

}  // namespace pointsman::bench

#endif  // POINTSMAN_TESTS_BENCH_PASSAGES_H_

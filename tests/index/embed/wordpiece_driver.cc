// The C++ half of tokenizer_identity.py.
//
//   wordpiece_driver <tokenizer.json>
//
// Reads texts from standard input, each a 32-bit little-endian length and as many bytes of UTF-8;
// writes for each a 32-bit count and as many 32-bit token ids.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "index/embed/wordpiece.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: wordpiece_driver <tokenizer.json>\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto tokenizer = pointsman::embed::WordPiece::FromJson(json);
  if (!tokenizer.ok()) {
    std::cerr << argv[1] << ": " << tokenizer.status() << "\n";
    return 1;
  }

  std::string text;
  std::vector<uint32_t> tokens;
  for (uint32_t size; std::fread(&size, sizeof size, 1, stdin) == 1;) {
    text.resize(size);
    if (std::fread(text.data(), 1, size, stdin) != size) return 1;
    tokens.clear();
    tokenizer->Encode(text, std::numeric_limits<size_t>::max(), &tokens);
    const auto count = static_cast<uint32_t>(tokens.size());
    std::fwrite(&count, sizeof count, 1, stdout);
    std::fwrite(tokens.data(), sizeof(uint32_t), count, stdout);
  }
  return std::ferror(stdin) != 0 || std::fflush(stdout) != 0 ? 1 : 0;
}

#include "pointsman/client/text_table.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace pointsman::client {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Characters of UTF-8; wide scripts take more columns than this, which is why free text always
// stands in the last column.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

}  // namespace

std::string Paint::Wrap(std::string_view code, std::string_view text) const {
  if (!colour_) return std::string(text);
  return absl::StrFormat("\x1b[%sm%s\x1b[0m", code, text);
}

std::string OneLine(std::string_view text, size_t max_characters) {
  std::string line;
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (StartsCharacter(text[i]) && characters++ == max_characters) return line + "...";
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls are 0xC2 0x80 to 0xC2 0x9F in UTF-8.
    const bool c1 =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    line += (byte < 0x20 || byte == 0x7F || c1) ? ' ' : text[i];
  }
  return line;
}

std::string TextTable::Render(const Paint& paint) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const Row& row : rows_) {
    for (size_t c = 0; c < std::min(row.cells.size(), widths.size()); ++c) {
      widths[c] = std::max(widths[c], Width(row.cells[c]));
    }
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (widths[c] == 0) continue;
      const std::string cell = cell_of(c);
      const size_t width = std::max(widths[c], Width(columns_[c].title));
      const std::string padding(width - std::min(width, Width(cell)), ' ');
      text += "  ";
      text += columns_[c].align == Align::kRight ? padding + cell : cell + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };

  std::string table = paint.Dim(line([&](size_t c) { return columns_[c].title; })) + "\n";
  for (const Row& row : rows_) {
    const std::string text =
        line([&](size_t c) { return c < row.cells.size() ? row.cells[c] : std::string(); });
    table += (row.marked ? paint.Bold(text) : text) + "\n";
  }
  return table;
}

}  // namespace pointsman::client

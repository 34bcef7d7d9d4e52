// Tables and colour for a terminal, shared by ExplainText and the pointsman command. Not installed.
#ifndef POINTSMAN_CLIENT_TEXT_TABLE_H_
#define POINTSMAN_CLIENT_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace pointsman::client {

// Wraps text in terminal attributes, or leaves it alone.
class Paint {
 public:
  explicit Paint(bool colour) : colour_(colour) {}
  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Dim(std::string_view text) const { return Wrap("2", text); }
  std::string Good(std::string_view text) const { return Wrap("32", text); }
  std::string Warning(std::string_view text) const { return Wrap("33", text); }
  std::string Bad(std::string_view text) const { return Wrap("31", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const;

  bool colour_;
};

// Text from outside, made safe to print on one line: control characters (which could drive the
// terminal) become spaces, and text longer than `max_characters` is cut and marked with "...".
std::string OneLine(std::string_view text, size_t max_characters);

// Columns as wide as their widest cell, two spaces apart, each line indented by two.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell a column; missing cells are empty.
  void AddRow(std::vector<std::string> cells) { rows_.push_back({std::move(cells), false}); }
  // The same, in bold: the row that matters.
  void AddMarkedRow(std::vector<std::string> cells) { rows_.push_back({std::move(cells), true}); }

  // Ends with a newline. Columns in which every cell is empty are left out.
  std::string Render(const Paint& paint) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool marked = false;
  };

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_TEXT_TABLE_H_

// Text in columns, as wide as they need to be.
#ifndef POINTSMAN_INDEX_TOOL_TABLE_H_
#define POINTSMAN_INDEX_TOOL_TABLE_H_

#include <string>
#include <vector>

namespace pointsman::tool {

// Rows of equal length, the headings first; two spaces between columns. The first column is aligned
// left, the others, which hold numbers, right.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace pointsman::tool

#endif  // POINTSMAN_INDEX_TOOL_TABLE_H_

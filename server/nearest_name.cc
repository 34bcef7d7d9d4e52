#include "server/nearest_name.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace pointsman::server {

int EditDistance(std::string_view a, std::string_view b) {
  // One row of the table of distances between the prefixes of both.
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

NearestName FindNearestName(std::string_view name, std::span<const std::string> known) {
  NearestName nearest{known.front(), EditDistance(name, known.front())};
  for (const std::string& candidate : known.subspan(1)) {
    const int edits = EditDistance(name, candidate);
    if (edits < nearest.edits) nearest = {candidate, edits};
  }
  return nearest;
}

}  // namespace pointsman::server

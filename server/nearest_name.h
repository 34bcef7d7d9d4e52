// "Did you mean": the known name that is fewest edits away.
#ifndef POINTSMAN_SERVER_NEAREST_NAME_H_
#define POINTSMAN_SERVER_NEAREST_NAME_H_

#include <span>
#include <string>
#include <string_view>

namespace pointsman::server {

struct NearestName {
  std::string name;
  int edits = 0;
};

// Characters to insert, delete or replace to turn `a` into `b`.
int EditDistance(std::string_view a, std::string_view b);

// The nearest of `known`, the first of equals. `known` must not be empty.
NearestName FindNearestName(std::string_view name, std::span<const std::string> known);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_NEAREST_NAME_H_

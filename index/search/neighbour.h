// What a search gives: the one thing of this folder that others see of a query's surroundings.
#ifndef POINTSMAN_INDEX_SEARCH_NEIGHBOUR_H_
#define POINTSMAN_INDEX_SEARCH_NEIGHBOUR_H_

#include <cstdint>

namespace pointsman::search {

// An exemplar near a query.
struct Neighbour {
  int32_t row = 0;       // of the index; exemplar `row` of the bundle
  float similarity = 0;  // inner product of the two vectors; their cosine, since both are unit
};

}  // namespace pointsman::search

#endif  // POINTSMAN_INDEX_SEARCH_NEIGHBOUR_H_

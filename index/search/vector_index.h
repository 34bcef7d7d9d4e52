// Vector -> nearest exemplars. The only part of Pointsman that knows FAISS.
//
// In: unit vectors, one a row, at build time; a unit vector when deciding. Out: rows and their
// inner products (for unit vectors, cosines), best first. Which index that is, exact or
// approximate, is a FAISS factory string chosen at build time and stored in the bundle's manifest.
// Everything FAISS throws comes back as a Status with its text.
#ifndef POINTSMAN_INDEX_SEARCH_VECTOR_INDEX_H_
#define POINTSMAN_INDEX_SEARCH_VECTOR_INDEX_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/search/neighbour.h"

namespace faiss {
struct Index;
}

namespace pointsman::search {

// Immutable once built: all const functions may be called from any number of threads.
class VectorIndex {
 public:
  // Builds an index by `factory` over `vectors`, row-major with `dimension` numbers a row, at least
  // one row. Each row is finite and has norm 1, or 0 where there was nothing to embed. The same
  // arguments give the same index, and so the same bytes, on every run: one thread, fixed seeds.
  // INVALID_ARGUMENT names the row, or the factory string that FAISS does not accept.
  static absl::StatusOr<VectorIndex> Build(std::string_view factory, int dimension,
                                           std::span<const float> vectors);

  // Reads what Serialise wrote. FAISS crashes on some corrupted files, so the digest of `bytes`
  // must have been verified before; what is checked here is that the index is of a known type,
  // searches by inner product and has the expected shape. INVALID_ARGUMENT names the check.
  static absl::StatusOr<VectorIndex> FromBytes(std::string_view bytes, int64_t expected_rows,
                                               int expected_dimension);

  VectorIndex(VectorIndex&&) noexcept;
  VectorIndex& operator=(VectorIndex&&) noexcept;
  ~VectorIndex();

  absl::StatusOr<std::string> Serialise() const;

  // Overwrites `out` with the min(k, size()) nearest rows, or fewer where an approximate index
  // finds fewer; most similar first, equal ones by row. INVALID_ARGUMENT if `query` does not have
  // `dimension()` numbers or k < 1. Reuse `out` to avoid allocation.
  absl::Status Search(std::span<const float> query, int k, std::vector<Neighbour>* out) const;

  int64_t size() const;
  int dimension() const;

 private:
  explicit VectorIndex(std::unique_ptr<faiss::Index> index);

  std::unique_ptr<faiss::Index> index_;
};

// The factory string for `rows` exemplars: exact search where it is fast enough, else a graph whose
// recall and agreement of decisions with exact search are both about .995.
std::string ChooseFactory(int64_t rows);

// Sets what FAISS and OpenBLAS keep for the whole process: single queries go through OpenBLAS's
// kernels, on one thread. Every main that searches calls it once, before other threads start;
// without it searches give the same rows, several times slower.
void ConfigureForServing();

}  // namespace pointsman::search

#endif  // POINTSMAN_INDEX_SEARCH_VECTOR_INDEX_H_

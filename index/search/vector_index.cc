#include "index/search/vector_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "faiss/IndexFlat.h"
#include "faiss/IndexHNSW.h"
#include "faiss/IndexIVF.h"
#include "faiss/IndexPQ.h"
#include "faiss/IndexPreTransform.h"
#include "faiss/IndexRefine.h"
#include "faiss/IndexScalarQuantizer.h"
#include "faiss/impl/io.h"
#include "faiss/index_factory.h"
#include "faiss/index_io.h"
#include "faiss/utils/distances.h"
#include "index/string_view.h"
#include "omp.h"

// Present when BLAS is OpenBLAS; other implementations have no threads to turn off here.
extern "C" void openblas_set_num_threads(int threads) __attribute__((weak));

namespace pointsman::search {
namespace {

using RowId = faiss::Index::idx_t;

// Exact search takes some 0.3 ms here and grows with the rows; a graph hardly grows.
constexpr int64_t kMostRowsOfExactSearch = 20'000;
constexpr char kExactFactory[] = "Flat";
constexpr char kGraphFactory[] = "HNSW32";
// Candidates that a graph search keeps: recall .995 on real vectors.
constexpr int kGraphSearchBreadth = 128;
// An inverted index visits this share of its lists, at least: recall .98 on real vectors.
constexpr size_t kListsPerProbe = 4;

// The working memory of one search lives on the stack up to this many neighbours.
constexpr size_t kInlineNeighbours = 256;

constexpr float kNormTolerance = 1e-3F;

// FAISS runs OpenMP regions even for one query, and OpenMP keeps its number of threads by calling
// thread, so a setting made in main does not reach the threads of a server. In force for one scope.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneOpenMpThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  const int before_;
};

// Reads from memory that stays where it is; FAISS's own reader wants a copy.
class MemoryReader : public faiss::IOReader {
 public:
  explicit MemoryReader(std::string_view bytes) : rest_(bytes) { name = "vector index"; }

  size_t operator()(void* to, size_t size, size_t count) override {
    if (size == 0) return 0;
    const size_t items = std::min(count, rest_.size() / size);
    if (items > 0) std::memcpy(to, rest_.data(), items * size);
    rest_.remove_prefix(items * size);
    return items;
  }

  bool exhausted() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

class StringWriter : public faiss::IOWriter {
 public:
  size_t operator()(const void* from, size_t size, size_t count) override {
    bytes_.append(static_cast<const char*>(from), size * count);
    return count;
  }

  std::string Take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Runs `work`, which calls FAISS and returns a Status, and turns what it throws into a Status.
template <typename Work>
absl::Status WithoutExceptions(std::string_view what, Work work) {
  const OneOpenMpThread one_thread;
  try {
    return work();
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("vector index: ", ToAbsl(what), ": ", error.what()));
  }
}

// Rows of these types are numbered in the order in which they were added, and searching them from
// several threads is safe.
bool IsKnownType(const faiss::Index& index) {
  if (const auto* transformed = dynamic_cast<const faiss::IndexPreTransform*>(&index)) {
    return transformed->index != nullptr && IsKnownType(*transformed->index);
  }
  if (const auto* refined = dynamic_cast<const faiss::IndexRefine*>(&index)) {
    return refined->base_index != nullptr && IsKnownType(*refined->base_index);
  }
  return dynamic_cast<const faiss::IndexFlat*>(&index) != nullptr ||
         dynamic_cast<const faiss::IndexHNSW*>(&index) != nullptr ||
         dynamic_cast<const faiss::IndexIVF*>(&index) != nullptr ||
         dynamic_cast<const faiss::IndexPQ*>(&index) != nullptr ||
         dynamic_cast<const faiss::IndexScalarQuantizer*>(&index) != nullptr;
}

// How far an approximate index looks is part of the index and stored with it.
void SetSearchBreadth(faiss::Index* index) {
  if (auto* transformed = dynamic_cast<faiss::IndexPreTransform*>(index)) {
    SetSearchBreadth(transformed->index);
  } else if (auto* graph = dynamic_cast<faiss::IndexHNSW*>(index)) {
    graph->hnsw.efSearch = kGraphSearchBreadth;
  } else if (auto* inverted = dynamic_cast<faiss::IndexIVF*>(index)) {
    inverted->nprobe = (inverted->nlist + kListsPerProbe - 1) / kListsPerProbe;
  }
}

absl::Status CheckRows(std::span<const float> vectors, size_t dimension) {
  for (size_t row = 0; row * dimension < vectors.size(); ++row) {
    float squared = 0;
    for (const float x : vectors.subspan(row * dimension, dimension)) squared += x * x;
    const float norm = std::sqrt(squared);
    if (norm != 0 && !(std::abs(norm - 1) <= kNormTolerance)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "vector index: row ", row, ": norm must be 1 (or 0 for an empty text), is ", norm));
    }
  }
  return absl::OkStatus();
}

// The vectors themselves, where the index holds them as they were added; else empty.
std::span<const float> StoredVectors(const faiss::Index& index) {
  const faiss::Index* storage = &index;
  if (const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(&index)) storage = graph->storage;
  const auto* flat = dynamic_cast<const faiss::IndexFlat*>(storage);
  if (flat == nullptr) return {};
  return {flat->get_xb(), static_cast<size_t>(flat->ntotal) * static_cast<size_t>(flat->d)};
}

}  // namespace

VectorIndex::VectorIndex(std::unique_ptr<faiss::Index> index) : index_(std::move(index)) {}
VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex& VectorIndex::operator=(VectorIndex&&) noexcept = default;
VectorIndex::~VectorIndex() = default;

int64_t VectorIndex::size() const { return index_->ntotal; }
int VectorIndex::dimension() const { return index_->d; }

absl::StatusOr<VectorIndex> VectorIndex::Build(std::string_view factory, int dimension,
                                               std::span<const float> vectors) {
  if (dimension < 1 || vectors.empty() || vectors.size() % static_cast<size_t>(dimension) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "vector index: ", vectors.size(), " numbers are no rows of dimension ", dimension));
  }
  const size_t rows = vectors.size() / static_cast<size_t>(dimension);
  if (rows > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::InvalidArgumentError(
        absl::StrCat("vector index: ", rows, " rows, at most 2147483647 allowed"));
  }
  absl::Status status = CheckRows(vectors, static_cast<size_t>(dimension));
  if (!status.ok()) return status;

  std::unique_ptr<faiss::Index> index;
  const std::string factory_string(factory);
  status = WithoutExceptions(absl::StrCat("factory `", factory_string, "`"), [&] {
    index.reset(
        faiss::index_factory(dimension, factory_string.c_str(), faiss::METRIC_INNER_PRODUCT));
    if (!IsKnownType(*index)) {
      return absl::InvalidArgumentError(
          absl::StrCat("vector index: factory `", factory_string,
                       "`: use Flat, SQ, PQ, HNSW or IVF, with PCA, OPQ or RFlat if you like"));
    }
    const RowId count = static_cast<RowId>(rows);
    if (!index->is_trained) index->train(count, vectors.data());
    index->add(count, vectors.data());
    SetSearchBreadth(index.get());
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return VectorIndex(std::move(index));
}

absl::StatusOr<VectorIndex> VectorIndex::FromBytes(std::string_view bytes, int64_t expected_rows,
                                                   int expected_dimension) {
  MemoryReader reader(bytes);
  std::unique_ptr<faiss::Index> index;
  absl::Status status = WithoutExceptions("reading", [&] {
    index.reset(faiss::read_index(&reader));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  if (!reader.exhausted()) return absl::InvalidArgumentError("vector index: bytes after its end");
  if (!IsKnownType(*index)) return absl::InvalidArgumentError("vector index: unknown type");
  if (!index->is_trained) return absl::InvalidArgumentError("vector index: not trained");
  if (index->metric_type != faiss::METRIC_INNER_PRODUCT) {
    return absl::InvalidArgumentError("vector index: metric must be inner product");
  }
  if (index->d != expected_dimension) {
    return absl::InvalidArgumentError(
        absl::StrCat("vector index: dimension must be ", expected_dimension, ", is ", index->d));
  }
  if (index->ntotal != expected_rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("vector index: rows must be ", expected_rows, ", are ", index->ntotal));
  }
  status = CheckRows(StoredVectors(*index), static_cast<size_t>(index->d));
  if (!status.ok()) return status;
  return VectorIndex(std::move(index));
}

absl::StatusOr<std::string> VectorIndex::Serialise() const {
  StringWriter writer;
  absl::Status status = WithoutExceptions("writing", [&] {
    faiss::write_index(index_.get(), &writer);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return std::move(writer).Take();
}

absl::Status VectorIndex::Search(std::span<const float> query, int k,
                                 std::vector<Neighbour>* out) const {
  out->clear();
  if (query.size() != static_cast<size_t>(dimension())) {
    return absl::InvalidArgumentError(
        absl::StrCat("query: ", dimension(), " numbers are needed, got ", query.size()));
  }
  if (k < 1) return absl::InvalidArgumentError(absl::StrCat("k must be at least 1, is ", k));

  const size_t count = static_cast<size_t>(std::min<int64_t>(k, size()));
  absl::InlinedVector<float, kInlineNeighbours> similarities(count);
  absl::InlinedVector<RowId, kInlineNeighbours> rows(count);
  absl::Status status = WithoutExceptions("search", [&] {
    index_->search(1, query.data(), static_cast<RowId>(count), similarities.data(), rows.data());
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  out->reserve(count);
  for (size_t i = 0; i < count; ++i) {
    // FAISS fills up with -1 where an approximate search meets too few rows.
    if (rows[i] >= 0) out->push_back({static_cast<int32_t>(rows[i]), similarities[i]});
  }
  std::sort(out->begin(), out->end(), [](const Neighbour& a, const Neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
  });
  return absl::OkStatus();
}

std::string ChooseFactory(int64_t rows) {
  return rows <= kMostRowsOfExactSearch ? kExactFactory : kGraphFactory;
}

void ConfigureForServing() {
  faiss::distance_compute_blas_threshold = 1;
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

}  // namespace pointsman::search

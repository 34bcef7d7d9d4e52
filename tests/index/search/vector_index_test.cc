#include "index/search/vector_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "gtest/gtest.h"

// FAISS leaks what it has read when it throws on a truncated file; a server never gets that far,
// since digests are verified before. Called by LeakSanitizer, where it is linked.
extern "C" const char* __lsan_default_suppressions() { return "leak:faiss::read_index\n"; }

namespace pointsman::search {
namespace {

constexpr int kDimension = 32;

// `rows` unit vectors around a few centres, as exemplars cluster around topics.
std::vector<float> UnitVectors(int rows, uint32_t seed) {
  constexpr int kCentres = 12;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> centres(kCentres * kDimension);
  for (float& x : centres) x = normal(random);
  std::vector<float> vectors;
  vectors.reserve(static_cast<size_t>(rows) * kDimension);
  for (int row = 0; row < rows; ++row) {
    const size_t begin = vectors.size();
    float squared = 0;
    for (size_t i = 0; i < kDimension; ++i) {
      const float centre = centres[static_cast<size_t>(row % kCentres) * kDimension + i];
      vectors.push_back(centre + normal(random));
      squared += vectors.back() * vectors.back();
    }
    for (size_t i = begin; i < vectors.size(); ++i) vectors[i] /= std::sqrt(squared);
  }
  return vectors;
}

std::span<const float> Row(const std::vector<float>& vectors, int row) {
  return std::span(vectors).subspan(static_cast<size_t>(row) * kDimension, kDimension);
}

float InnerProduct(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<float>(sum);
}

// The slow, obvious search.
std::vector<Neighbour> Reference(const std::vector<float>& vectors, std::span<const float> query,
                                 size_t k) {
  std::vector<Neighbour> all;
  for (int row = 0; static_cast<size_t>(row) * kDimension < vectors.size(); ++row) {
    all.push_back({row, InnerProduct(Row(vectors, row), query)});
  }
  std::stable_sort(all.begin(), all.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.similarity > b.similarity;
  });
  all.resize(std::min(k, all.size()));
  return all;
}

VectorIndex MustBuild(std::string_view factory, const std::vector<float>& vectors) {
  absl::StatusOr<VectorIndex> index = VectorIndex::Build(factory, kDimension, vectors);
  EXPECT_TRUE(index.ok()) << index.status();
  return *std::move(index);
}

std::vector<Neighbour> MustSearch(const VectorIndex& index, std::span<const float> query, int k) {
  std::vector<Neighbour> found;
  const absl::Status status = index.Search(query, k, &found);
  EXPECT_TRUE(status.ok()) << status;
  return found;
}

TEST(VectorIndex, FlatFindsWhatTheObviousSearchFinds) {
  const std::vector<float> vectors = UnitVectors(500, 1);
  const std::vector<float> queries = UnitVectors(50, 2);
  const VectorIndex index = MustBuild("Flat", vectors);
  for (int q = 0; q < 50; ++q) {
    for (const int k : {1, 7, 64, 100, 300}) {
      const std::vector<Neighbour> found = MustSearch(index, Row(queries, q), k);
      const std::vector<Neighbour> expected =
          Reference(vectors, Row(queries, q), static_cast<size_t>(k));
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].row, expected[i].row) << "query " << q << " place " << i;
        EXPECT_NEAR(found[i].similarity, expected[i].similarity, 1e-5);
      }
    }
  }
}

TEST(VectorIndex, ServingSettingsFindTheSameRows) {
  const std::vector<float> vectors = UnitVectors(500, 1);
  const std::vector<float> queries = UnitVectors(50, 2);
  ConfigureForServing();
  const VectorIndex index = MustBuild("Flat", vectors);
  for (int q = 0; q < 50; ++q) {
    const std::vector<Neighbour> found = MustSearch(index, Row(queries, q), 100);
    const std::vector<Neighbour> expected = Reference(vectors, Row(queries, q), 100);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].row, expected[i].row);
  }
}

TEST(VectorIndex, EqualSimilaritiesAreOrderedByRow) {
  const std::vector<float> one = UnitVectors(1, 3);
  std::vector<float> vectors;
  for (int copy = 0; copy < 20; ++copy) vectors.insert(vectors.end(), one.begin(), one.end());
  const VectorIndex index = MustBuild("Flat", vectors);
  const std::vector<Neighbour> found = MustSearch(index, one, 20);
  ASSERT_EQ(found.size(), 20u);
  for (size_t i = 1; i < found.size(); ++i) {
    const bool in_order =
        found[i - 1].similarity > found[i].similarity ||
        (found[i - 1].similarity == found[i].similarity && found[i - 1].row < found[i].row);
    EXPECT_TRUE(in_order) << "place " << i;
  }
}

TEST(VectorIndex, FewerRowsThanAskedForAreAllReturned) {
  const std::vector<float> vectors = UnitVectors(3, 4);
  for (const char* factory : {"Flat", "HNSW32", "SQ8"}) {
    const std::vector<Neighbour> found =
        MustSearch(MustBuild(factory, vectors), Row(vectors, 1), 100);
    ASSERT_EQ(found.size(), 3u) << factory;
    EXPECT_EQ(found[0].row, 1) << factory;
  }
}

TEST(VectorIndex, ApproximateIndicesReachTheirRecall) {
  const std::vector<float> vectors = UnitVectors(1200, 5);
  const std::vector<float> queries = UnitVectors(40, 6);
  constexpr int kNeighbours = 50;
  const std::pair<const char*, double> floors[] = {{"HNSW32", 0.98},    {"HNSW32,SQ8", 0.98},
                                                   {"SQ8", 0.98},       {"IVF32,Flat", 0.75},
                                                   {"PCA24,Flat", 0.5}, {"PQ8x4,RFlat", 0.3}};
  for (const auto& [factory, floor] : floors) {
    const VectorIndex index = MustBuild(factory, vectors);
    int hits = 0;
    for (int q = 0; q < 40; ++q) {
      std::set<int32_t> expected;
      for (const Neighbour& n : Reference(vectors, Row(queries, q), kNeighbours)) {
        expected.insert(n.row);
      }
      for (const Neighbour& n : MustSearch(index, Row(queries, q), kNeighbours)) {
        hits += static_cast<int>(expected.count(n.row));
      }
    }
    EXPECT_GE(hits, floor * 40 * kNeighbours) << factory;
  }
}

TEST(VectorIndex, SameVectorsGiveTheSameBytes) {
  const std::vector<float> vectors = UnitVectors(2000, 7);
  for (const char* factory : {"Flat", "HNSW32", "IVF16,SQ8"}) {
    const absl::StatusOr<std::string> first = MustBuild(factory, vectors).Serialise();
    const absl::StatusOr<std::string> second = MustBuild(factory, vectors).Serialise();
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_TRUE(*first == *second) << factory;
  }
}

TEST(VectorIndex, ReadBackItFindsTheSame) {
  const std::vector<float> vectors = UnitVectors(2000, 8);
  for (const char* factory : {"Flat", "HNSW32", "HNSW32,SQ8", "IVF16,Flat", "PCA24,Flat"}) {
    const VectorIndex built = MustBuild(factory, vectors);
    const absl::StatusOr<std::string> bytes = built.Serialise();
    ASSERT_TRUE(bytes.ok());
    const absl::StatusOr<VectorIndex> read = VectorIndex::FromBytes(*bytes, 2000, kDimension);
    ASSERT_TRUE(read.ok()) << factory << ": " << read.status();
    for (int row = 0; row < 2000; row += 100) {
      const std::vector<Neighbour> a = MustSearch(built, Row(vectors, row), 60);
      const std::vector<Neighbour> b = MustSearch(*read, Row(vectors, row), 60);
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].row, b[i].row);
        EXPECT_EQ(a[i].similarity, b[i].similarity);
      }
    }
  }
}

TEST(VectorIndex, SearchFromManyThreadsGivesWhatOneThreadGets) {
  const std::vector<float> vectors = UnitVectors(1000, 9);
  for (const char* factory : {"Flat", "HNSW32"}) {
    const VectorIndex index = MustBuild(factory, vectors);
    std::vector<int> first_rows(1000, -1);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::vector<Neighbour> found;
        for (int row = t; row < 1000; row += 4) {
          if (!index.Search(Row(vectors, row), 10, &found).ok() || found.empty()) continue;
          first_rows[static_cast<size_t>(row)] = found[0].row;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    int own = 0;
    for (int row = 0; row < 1000; ++row) own += first_rows[static_cast<size_t>(row)] == row;
    EXPECT_GE(own, 995) << factory;
  }
}

TEST(VectorIndex, RefusesAFactoryThatFaissDoesNotKnow) {
  const absl::StatusOr<VectorIndex> index =
      VectorIndex::Build("Cabbage", kDimension, UnitVectors(5, 10));
  EXPECT_EQ(index.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(index.status().message().find("`Cabbage`"), absl::string_view::npos);
}

TEST(VectorIndex, RefusesAFactoryWhoseIdsAreNotRows) {
  EXPECT_FALSE(VectorIndex::Build("IDMap,Flat", kDimension, UnitVectors(5, 11)).ok());
}

TEST(VectorIndex, RefusesVectorsThatAreNoRows) {
  std::vector<float> vectors = UnitVectors(5, 12);
  EXPECT_FALSE(VectorIndex::Build("Flat", kDimension, {}).ok());
  EXPECT_FALSE(VectorIndex::Build("Flat", 0, vectors).ok());
  vectors.pop_back();
  EXPECT_FALSE(VectorIndex::Build("Flat", kDimension, vectors).ok());
}

TEST(VectorIndex, RefusesRowsThatAreNotFiniteOrNotOfUnitNorm) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 2.0F}) {
    std::vector<float> vectors = UnitVectors(5, 13);
    vectors[3 * kDimension + 4] = bad;
    const absl::StatusOr<VectorIndex> index = VectorIndex::Build("Flat", kDimension, vectors);
    EXPECT_EQ(index.status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_NE(index.status().message().find("row 3"), absl::string_view::npos) << index.status();
  }
}

TEST(VectorIndex, AcceptsAZeroRowForATextWithNothingToEmbed) {
  std::vector<float> vectors = UnitVectors(5, 14);
  std::fill_n(vectors.begin() + 2 * kDimension, kDimension, 0.0F);
  const std::vector<Neighbour> found = MustSearch(MustBuild("Flat", vectors), Row(vectors, 0), 5);
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].row, 0);
}

TEST(VectorIndex, RefusesAQueryOfAnotherDimensionAndNoNeighbours) {
  const std::vector<float> vectors = UnitVectors(5, 15);
  const VectorIndex index = MustBuild("Flat", vectors);
  std::vector<Neighbour> found;
  EXPECT_FALSE(index.Search(std::span(vectors).first(kDimension - 1), 3, &found).ok());
  EXPECT_FALSE(index.Search(Row(vectors, 0), 0, &found).ok());
  EXPECT_TRUE(found.empty());
}

class FromBytes : public ::testing::Test {
 protected:
  std::string bytes_ = *MustBuild("Flat", UnitVectors(40, 16)).Serialise();
};

TEST_F(FromBytes, RefusesAnotherNumberOfRows) {
  EXPECT_NE(VectorIndex::FromBytes(bytes_, 41, kDimension).status().message().find("rows"),
            absl::string_view::npos);
}

TEST_F(FromBytes, RefusesAnotherDimension) {
  EXPECT_NE(VectorIndex::FromBytes(bytes_, 40, 64).status().message().find("dimension"),
            absl::string_view::npos);
}

TEST_F(FromBytes, RefusesTruncatedBytes) {
  for (size_t length = 0; length < bytes_.size(); length += 97) {
    EXPECT_EQ(VectorIndex::FromBytes(std::string_view(bytes_).substr(0, length), 40, kDimension)
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument)
        << length;
  }
}

TEST_F(FromBytes, RefusesBytesAfterTheEnd) {
  EXPECT_FALSE(VectorIndex::FromBytes(bytes_ + "x", 40, kDimension).ok());
}

TEST_F(FromBytes, RefusesAnIndexOfAnotherMetric) {
  // The four letters of FAISS's flat indices: IxFI searches by inner product, IxF2 by distance.
  const size_t at = bytes_.find("IxFI");
  ASSERT_EQ(at, 0u);
  bytes_.replace(at, 4, "IxF2");
  // The metric is stored once more, as the last number of the header.
  const size_t metric = 4 + sizeof(int32_t) + 3 * sizeof(int64_t) + 1;
  bytes_[metric] = 1;
  const absl::Status status = VectorIndex::FromBytes(bytes_, 40, kDimension).status();
  EXPECT_NE(status.message().find("metric"), absl::string_view::npos) << status;
}

TEST_F(FromBytes, RefusesVectorsThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  bytes_.replace(bytes_.size() - sizeof nan, sizeof nan, reinterpret_cast<const char*>(&nan),
                 sizeof nan);
  const absl::Status status = VectorIndex::FromBytes(bytes_, 40, kDimension).status();
  EXPECT_NE(status.message().find("row 39"), absl::string_view::npos) << status;
}

TEST(ChooseFactory, IsExactWhileExactIsFastEnough) {
  EXPECT_EQ(ChooseFactory(1), "Flat");
  EXPECT_EQ(ChooseFactory(20'000), "Flat");
  EXPECT_NE(ChooseFactory(20'001), "Flat");
}

}  // namespace
}  // namespace pointsman::search

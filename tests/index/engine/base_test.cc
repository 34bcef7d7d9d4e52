// The small parts that all of index/ rests on: errors, digests, hashes, token counts.
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "index/digest.h"
#include "index/errors.h"
#include "index/request.h"
#include "index/stable_hash.h"
#include "pointsman/v1/catalogue.pb.h"

namespace pointsman {
namespace {

TEST(InvalidFieldTest, SaysItInWordsAndAsADetail) {
  const absl::Status status = InvalidField("tradeoff", "must be within 0 to 1; is 2");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "tradeoff: must be within 0 to 1; is 2");
  const auto payload = status.GetPayload(kBadRequestTypeUrl);
  ASSERT_TRUE(payload.has_value());
  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  ASSERT_EQ(details.field_violations_size(), 1);
  EXPECT_EQ(details.field_violations(0).field(), "tradeoff");
  EXPECT_EQ(details.field_violations(0).description(), "must be within 0 to 1; is 2");
}

TEST(KnownNamesTest, ListsThemAndCutsLongLists) {
  EXPECT_EQ(KnownNames(std::vector<std::string>{}), "none");
  EXPECT_EQ(KnownNames(std::vector<std::string>{"a", "b"}), "a, b");
  EXPECT_EQ(KnownNames(std::vector<std::string>{"a", "b", "c"}, 2), "a, b, ... (3 in all)");
}

TEST(DigestTest, IsSha256InHex) {
  EXPECT_EQ(Sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, EqualMessagesGiveEqualBytesWhateverTheOrderOfInsertion) {
  v1::Model a;
  v1::Model b;
  for (int i = 0; i < 50; ++i) (*a.mutable_skills())["c" + std::to_string(i)] = i;
  for (int i = 49; i >= 0; --i) (*b.mutable_skills())["c" + std::to_string(i)] = i;
  EXPECT_EQ(SerializeDeterministically(a), SerializeDeterministically(b));
  EXPECT_EQ(Sha256OfMessage(a), Sha256OfMessage(b));
}

TEST(StableHashTest, IsTheSameInEveryBuild) {
  // Ties, folds and exploration depend on these numbers; other ones would change old decisions.
  EXPECT_EQ(StableHash(""), 0xc3817c016ba4ff30u);
  EXPECT_EQ(StableHash("model", 7), 0xe66c88f8d64c7e64u);
}

TEST(StableHashTest, SpreadsAndDependsOnTheSeed) {
  std::set<uint64_t> low_bits;
  for (int i = 0; i < 256; ++i) low_bits.insert(StableHash(std::to_string(i)) % 256);
  EXPECT_GT(low_bits.size(), 130u) << "a random function fills 63 % of them";
  EXPECT_NE(StableHash("a", 1), StableHash("a", 2));
}

TEST(EstimateTokensTest, CountsFourAsciiCharactersOrTenOthersBySix) {
  EXPECT_DOUBLE_EQ(EstimateTokens(""), 0);
  EXPECT_DOUBLE_EQ(EstimateTokens("abcdefgh"), 2);
  EXPECT_DOUBLE_EQ(EstimateTokens("中国中国中国中国中国"), 6);
}

}  // namespace
}  // namespace pointsman

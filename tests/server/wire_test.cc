#include "server/wire.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pointsman/v1/router.pb.h"
#include "server/log.h"

namespace pointsman::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(ContiguousBytesTest, JoinsTheSlicesOfABuffer) {
  const grpc::Slice slices[] = {grpc::Slice("one "), grpc::Slice("message")};
  const grpc::ByteBuffer buffer(slices, 2);
  EXPECT_EQ(ContiguousBytes(buffer).view(), "one message");
}

TEST(ContiguousBytesTest, ABufferWithoutContentIsEmpty) {
  EXPECT_THAT(ContiguousBytes(grpc::ByteBuffer()).view(), IsEmpty());
}

TEST(SerialiseTest, GivesWhatParseReads) {
  v1::Evidence evidence;
  for (int i = 0; i < 50; ++i) (*evidence.mutable_outcomes())["model-" + std::to_string(i)] = i;
  const grpc::ByteBuffer buffer = Serialise(evidence);
  v1::Evidence read;
  ASSERT_TRUE(Parse(ContiguousBytes(buffer).view(), &read).ok());
  EXPECT_EQ(read.outcomes_size(), 50);
  EXPECT_EQ(read.outcomes().at("model-7"), 7);
}

TEST(SerialiseTest, GivesEqualBytesWhateverTheOrderOfInsertionIntoAMap) {
  v1::Evidence forward;
  v1::Evidence backward;
  for (int i = 0; i < 50; ++i) {
    (*forward.mutable_outcomes())["model-" + std::to_string(i)] = 1;
    (*backward.mutable_outcomes())["model-" + std::to_string(49 - i)] = 1;
  }
  EXPECT_EQ(ContiguousBytes(Serialise(forward)).view(),
            ContiguousBytes(Serialise(backward)).view());
}

TEST(SerialiseTest, AnEmptyMessageIsNoBytes) {
  EXPECT_THAT(ContiguousBytes(Serialise(v1::RouteResponse())).view(), IsEmpty());
}

class SplitBatchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { AdoptLibraryLogs(); }
};

TEST_F(SplitBatchTest, GivesTheBytesOfEachItemInOrder) {
  v1::BatchRouteRequest batch;
  batch.add_requests()->set_text("first");
  batch.add_requests();
  batch.add_requests()->set_text("third");
  const std::string bytes = batch.SerializeAsString();
  const auto items = SplitBatch(bytes, 3);
  ASSERT_TRUE(items.ok()) << items.status();
  ASSERT_EQ(items->size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ((*items)[static_cast<size_t>(i)], batch.requests(i).SerializeAsString());
  }
}

TEST_F(SplitBatchTest, LeavesABadItemToItsOwnParsing) {
  v1::BatchRouteRequest batch;
  batch.add_requests()->set_text("good");
  batch.add_requests()->set_text("\xFF");
  const std::string bytes = batch.SerializePartialAsString();
  const auto items = SplitBatch(bytes, 10);
  ASSERT_TRUE(items.ok()) << items.status();
  v1::RouteRequest request;
  EXPECT_TRUE(Parse((*items)[0], &request).ok());
  EXPECT_THAT(std::string(Parse((*items)[1], &request).message()), StartsWith("text: "));
}

TEST_F(SplitBatchTest, NamesTheBoundOnItemsAndTheNumberSent) {
  v1::BatchRouteRequest batch;
  EXPECT_EQ(SplitBatch("", 2).status().message(), "requests: must hold 1 to 2 items; holds 0");
  for (int i = 0; i < 3; ++i) batch.add_requests()->set_text("x");
  const std::string bytes = batch.SerializeAsString();
  EXPECT_EQ(SplitBatch(bytes, 2).status().message(), "requests: must hold 1 to 2 items; holds 3");
}

TEST_F(SplitBatchTest, RefusesBrokenFraming) {
  v1::BatchRouteRequest batch;
  batch.add_requests()->set_text("a text");
  const std::string bytes = batch.SerializeAsString();
  for (size_t length = 1; length < bytes.size(); ++length) {
    const std::string part = bytes.substr(0, length);
    const auto items = SplitBatch(part, 10);
    ASSERT_FALSE(items.ok()) << length;
    EXPECT_THAT(std::string(items.status().message()), HasSubstr("BatchRouteRequest"));
  }
  EXPECT_FALSE(SplitBatch(bytes + '\x03', 10).ok());
}

TEST_F(SplitBatchTest, PassesOverUnknownFields) {
  v1::BatchRouteRequest batch;
  batch.add_requests()->set_text("x");
  const std::string unknown("\xC0\x3E\x01", 3);  // field 1000, a number
  const std::string bytes = unknown + batch.SerializeAsString() + unknown;
  const auto items = SplitBatch(bytes, 10);
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ(items->size(), 1u);
}

}  // namespace
}  // namespace pointsman::server

#include "server/request_sample.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::RouteRequest Asking(std::string text) {
  v1::RouteRequest request;
  request.set_text(std::move(text));
  return request;
}

TEST(RequestSample, KeepsEveryNthAndTheLatest) {
  RequestSample sample(4);
  for (uint64_t i = 0; i < 10 * RequestSample::kStride; ++i) sample.Offer(Asking(absl::StrCat(i)));
  std::vector<std::string> kept = sample.Requests();
  std::sort(kept.begin(), kept.end());
  std::vector<std::string> latest;
  for (uint64_t i = 6; i < 10; ++i)
    latest.push_back(Asking(absl::StrCat(i * RequestSample::kStride)).SerializeAsString());
  std::sort(latest.begin(), latest.end());
  EXPECT_EQ(kept, latest);
}

TEST(RequestSample, LeavesOutWhatIsLarge) {
  RequestSample sample(4);
  sample.Offer(Asking(std::string(RequestSample::kMaxRequestBytes + 1, 'x')));
  EXPECT_THAT(sample.Requests(), IsEmpty());
}

TEST(RequestSample, OfNoneKeepsNothing) {
  RequestSample sample(0);
  for (int i = 0; i < 100; ++i) sample.Offer(Asking("x"));
  EXPECT_THAT(sample.Requests(), IsEmpty());
}

TEST(RequestSample, TakesFromManyThreads) {
  RequestSample sample(16);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&sample, t] {
      for (int i = 0; i < 10'000; ++i) sample.Offer(Asking(absl::StrCat(t, "-", i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(sample.Requests(), SizeIs(16));
}

}  // namespace
}  // namespace pointsman::server

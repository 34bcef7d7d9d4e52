// What the decision log costs: prints figures, and fails only where they are off by far, since a
// loaded machine is no place to measure.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>

#include "gtest/gtest.h"
#include "server/decision_log/decision_log.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

double ThreadCpuNanos() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void Measure(const char* name, LogContent content, double most_ns) {
  const TemporaryDirectory directory;
  auto log = DecisionLog::Open({.destination = directory / "decisions.jsonl", .content = content});
  ASSERT_TRUE(log.ok()) << log.status();
  const v1::RouteRequest request = UsualRequest();
  const v1::RouteResponse response = UsualResponse(18);
  const RecordFacts facts = {.trace_id = "0af7651916cd43dd8448eb211c80319c",
                             .client = "team-a",
                             .method = "Route",
                             .batch_index = std::nullopt,
                             .unix_micros = 1795530600123456};
  constexpr int kRounds = 50;
  constexpr int kRecords = 1000;
  double best_ns = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const double before = ThreadCpuNanos();
    for (int i = 0; i < kRecords; ++i) (*log)->Record(request, response, facts);
    best_ns = std::min(best_ns, (ThreadCpuNanos() - before) / kRecords);
    // The ring empties, so that every round finds it as a server at its usual load does.
    ASSERT_TRUE(Eventually([&] { return (*log)->stats().ring_bytes_used == 0; }));
  }
  ASSERT_TRUE((*log)->Close(std::chrono::seconds(10)));
  const DecisionLog::Stats stats = (*log)->stats();
  const auto records = static_cast<double>(stats.records);
  std::printf("%s: Record %.0f ns, writer %.0f ns CPU a record, %.0f bytes a line\n", name, best_ns,
              static_cast<double>(stats.writer_cpu.count()) / records,
              static_cast<double>(stats.bytes) / records);
  EXPECT_LT(best_ns, most_ns);
}

TEST(DecisionLogCostTest, WithHashes) { Measure("content=hash", LogContent::kHash, 20'000); }

TEST(DecisionLogCostTest, WithRequests) { Measure("content=text", LogContent::kText, 60'000); }

}  // namespace
}  // namespace pointsman::server

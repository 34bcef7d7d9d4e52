// ORCA load reports: how busy this replica is, in the trailer of each answer, for balancers that
// weight replicas by it (Envoy's client-side weighted round robin, gRPC's weighted_round_robin).
//
// gRPC 1.51 for C++ declares such reports but does not link them, so the few bytes of
// xds.data.orca.v3.OrcaLoadReport are written here.
#ifndef POINTSMAN_SERVER_LOAD_REPORT_H_
#define POINTSMAN_SERVER_LOAD_REPORT_H_

#include <atomic>
#include <cstdint>
#include <string>

namespace pointsman::server {

inline constexpr char kLoadReportTrailer[] = "endpoint-load-metrics-bin";

struct Load {
  double cpu = 0;          // of all cores, 0..1
  double application = 0;  // decisions in flight over the capacity, 0 and up
  double rate = 0;         // answers a second
};

// Serialised OrcaLoadReport.
std::string EncodeLoadReport(const Load& load);

// Keeps a report fresh. Thread-safe; costs a clock reading, and a look at the process's CPU time
// every kRefreshNanos.
class LoadReporter {
 public:
  static constexpr int64_t kRefreshNanos = 200'000'000;

  // `now_ns`: monotonic. `answers`: since start.
  Load Current(int64_t now_ns, int64_t answers, double application);

 private:
  std::atomic<int64_t> refreshed_ns_{0};
  std::atomic<int64_t> cpu_ns_{0};
  std::atomic<int64_t> answers_{0};
  std::atomic<double> cpu_{0};
  std::atomic<double> rate_{0};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_LOAD_REPORT_H_

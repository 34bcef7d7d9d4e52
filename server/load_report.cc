#include "server/load_report.h"

#include <algorithm>
#include <bit>
#include <ctime>
#include <thread>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace pointsman::server {
namespace {

// Field numbers of xds.data.orca.v3.OrcaLoadReport, all of type double.
constexpr uint32_t kCpuUtilization = 1;
constexpr uint32_t kRpsFractional = 6;
constexpr uint32_t kApplicationUtilization = 9;

int64_t ProcessCpuNanos() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::string EncodeLoadReport(const Load& load) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  const auto write = [&out](uint32_t field, double value) {
    constexpr uint32_t kFixed64 = 1;  // wire type
    out.WriteTag(field << 3 | kFixed64);
    out.WriteLittleEndian64(std::bit_cast<uint64_t>(value));
  };
  write(kCpuUtilization, load.cpu);
  write(kRpsFractional, load.rate);
  write(kApplicationUtilization, load.application);
  out.Trim();
  return bytes;
}

Load LoadReporter::Current(int64_t now_ns, int64_t answers, double application) {
  int64_t before = refreshed_ns_.load(std::memory_order_relaxed);
  // Whoever wins the exchange refreshes; the others use what there is.
  if (now_ns - before >= kRefreshNanos &&
      refreshed_ns_.compare_exchange_strong(before, now_ns, std::memory_order_relaxed)) {
    const int64_t cpu_ns = ProcessCpuNanos();
    const int64_t cpu_before = cpu_ns_.exchange(cpu_ns, std::memory_order_relaxed);
    const int64_t answers_before = answers_.exchange(answers, std::memory_order_relaxed);
    if (before != 0) {
      const auto elapsed = static_cast<double>(now_ns - before);
      const double cores = std::max(1U, std::thread::hardware_concurrency());
      cpu_ = std::clamp(static_cast<double>(cpu_ns - cpu_before) / elapsed / cores, 0.0, 1.0);
      rate_ = static_cast<double>(answers - answers_before) / elapsed * 1e9;
    }
  }
  return {.cpu = cpu_, .application = application, .rate = rate_};
}

}  // namespace pointsman::server

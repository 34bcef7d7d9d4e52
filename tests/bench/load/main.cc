// load_client: calls pointsman-server at a rate or as fast as it answers, and accounts for every
// call.
//
//   load_client --target 127.0.0.1:7431 --requests queries.jsonl --rate 2000 --duration 10

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/load/channels.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"
#include "tests/bench/load/requests.h"

namespace pointsman::bench {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kNotConnected = 3;
constexpr std::chrono::milliseconds kConnectLimit{15'000};

std::atomic<bool> stop_requested{false};

extern "C" void RequestStop(int /*signal*/) { stop_requested.store(true); }

int Fail(const absl::Status& status, int exit_code) {
  const std::string message(status.message());
  std::fprintf(stderr, "load_client: %s\n", message.c_str());
  return exit_code;
}

absl::Status Write(const LoadOptions& options, const LoadResult& result) {
  if (!options.trace_file.empty()) {
    absl::Status status = WriteFile(options.trace_file, FormatTrace(result.log));
    if (!status.ok()) return status;
  }
  const std::string report = FormatReport(result);
  if (!options.json_file.empty()) return WriteFile(options.json_file, report);
  std::fputs(report.c_str(), stdout);
  return absl::OkStatus();
}

int Run(int argc, char** argv) {
  const absl::StatusOr<Invocation> invocation = ParseCommandLine(argc, argv);
  if (!invocation.ok()) return Fail(invocation.status(), kUsage);
  if (invocation->help) {
    std::fputs(invocation->help_text.c_str(), stdout);
    return 0;
  }
  const LoadOptions& options = invocation->options;
  std::vector<grpc::ByteBuffer> requests = {grpc::ByteBuffer()};
  if (options.noop) {
    const grpc::Slice nothing;
    requests = {grpc::ByteBuffer(&nothing, 1)};
  } else {
    absl::StatusOr<std::vector<grpc::ByteBuffer>> read = ReadRequests(options.requests_file);
    if (!read.ok()) return Fail(read.status(), kUsage);
    requests = *std::move(read);
  }

  std::signal(SIGINT, RequestStop);
  std::signal(SIGTERM, RequestStop);
  const auto channels = MakeChannels(options);
  if (!channels.ok()) return Fail(channels.status(), kUsage);
  if (const absl::Status status = Connect(*channels, kConnectLimit); !status.ok()) {
    return Fail(status, kNotConnected);
  }
  std::printf("loading since %.6f\n", static_cast<double>(Now()) / 1e9);
  std::fflush(stdout);

  const LoadResult result = RunLoad(options, requests, *channels, stop_requested);
  const absl::Status written = Write(options, result);
  if (!written.ok()) std::fprintf(stderr, "load_client: %s\n", written.ToString().c_str());
  if (result.unanswered == 0) return written.ok() ? 0 : kFailed;
  std::fprintf(stderr, "load_client: %lld calls have not ended, long after their deadline\n",
               static_cast<long long>(result.unanswered));
  std::fflush(nullptr);
  std::_Exit(kFailed);
}

}  // namespace
}  // namespace pointsman::bench

int main(int argc, char** argv) { return pointsman::bench::Run(argc, argv); }

#include "tests/bench/load/load.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

#include "grpc/support/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/async_unary_call.h"

namespace pointsman::bench {
namespace {

constexpr char kRoute[] = "/pointsman.v1.RouterService/Route";
constexpr char kNoop[] = "/pointsman.bench.Noop/Call";
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kLongestSleep = 20 * kMillisecond;  // so that stopping is soon noticed
// A call in closed loop that found nobody waits before it tries again.
constexpr int64_t kPauseAfterUnavailable = 5 * kMillisecond;
// gRPC ends every call at its deadline; this is for the case that it does not.
constexpr int64_t kPatienceAfterDeadline = 10'000 * kMillisecond;

struct Call {
  size_t connection = 0;
  int64_t due_ns = 0;
  int64_t sent_ns = 0;
  grpc::ClientContext context;
  grpc::Status status;
  grpc::ByteBuffer response;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
};

struct Connection {
  explicit Connection(const std::shared_ptr<grpc::Channel>& channel) : stub(channel) {}
  grpc::GenericStub stub;
  std::atomic<bool> closed{false};
};

class Loader {
 public:
  Loader(const LoadOptions& options, const std::vector<grpc::ByteBuffer>& requests,
         const std::vector<std::shared_ptr<grpc::Channel>>& channels, const std::atomic<bool>& stop)
      : options_(options),
        requests_(requests),
        stop_(stop),
        authorization_(options.api_key.empty() ? "" : "Bearer " + options.api_key),
        open_connections_(channels.size()) {
    for (const auto& channel : channels) connections_.emplace_back(channel);
  }

  LoadResult Run() {
    result_.started_ns = Now();
    end_ns_ = result_.started_ns + static_cast<int64_t>(options_.duration_s * 1e9);
    std::thread sender;
    if (options_.rate > 0) {
      sender = std::thread([this] { SendAtRate(); });
    } else {
      for (int i = 0; i < options_.concurrency; ++i) {
        Send(static_cast<size_t>(i) % connections_.size(), Now());
      }
    }
    while (!IsOver()) ReceiveOne();
    if (sender.joinable()) sender.join();
    result_.ended_ns = Now();
    const int64_t patience_ends =
        result_.ended_ns + options_.deadline_ms * kMillisecond + kPatienceAfterDeadline;
    while (outstanding_.load() > 0 && Now() < patience_ends) ReceiveOne();

    result_.sent = sent_.load();
    result_.not_sent = not_sent_.load();
    result_.unanswered = outstanding_.load();
    result_.closed_connections = static_cast<int64_t>(connections_.size() - open_connections_);
    if (result_.unanswered == 0) {
      queue_.Shutdown();
      void* tag = nullptr;
      bool ok = false;
      while (queue_.Next(&tag, &ok)) {
      }
    }
    return std::move(result_);
  }

 private:
  bool IsOver() const { return stop_.load() || Now() >= end_ns_ || all_closed_.load(); }

  void Send(size_t connection, int64_t due_ns) {
    auto* const call = new Call;  // owned by the queue until it comes back as a tag
    const auto number = static_cast<size_t>(sent_.fetch_add(1));
    outstanding_.fetch_add(1);
    call->connection = connection;
    call->due_ns = due_ns;
    call->context.set_deadline(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(options_.deadline_ms, GPR_TIMESPAN)));
    if (!authorization_.empty()) call->context.AddMetadata("authorization", authorization_);
    call->sent_ns = Now();
    call->reader = connections_[connection].stub.PrepareUnaryCall(
        &call->context, options_.noop ? kNoop : kRoute, requests_[number % requests_.size()],
        &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  }

  // The thread of the open loop.
  void SendAtRate() {
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // or sleeps last 50 us longer
    const double interval_ns = 1e9 / options_.rate;
    for (int64_t i = 0; !IsOver(); ++i) {
      const int64_t due =
          result_.started_ns + static_cast<int64_t>(interval_ns * static_cast<double>(i));
      if (due >= end_ns_) return;
      for (int64_t now = Now(); now < due && !IsOver(); now = Now()) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(due - now, kLongestSleep)));
      }
      if (IsOver()) return;
      const size_t connection = static_cast<size_t>(i) % connections_.size();
      if (connections_[connection].closed.load()) continue;
      if (outstanding_.load() < options_.max_outstanding) {
        Send(connection, due);
      } else {
        not_sent_.fetch_add(1);
      }
    }
  }

  void ReceiveOne() {
    int64_t wake = Now() + kLongestSleep;
    if (!paused_.empty()) wake = std::min(wake, paused_.front().due_ns);
    const gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_nanos(std::max<int64_t>(0, wake - Now()), GPR_TIMESPAN));
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) {
      const std::unique_ptr<Call> call(static_cast<Call*>(tag));
      const int64_t now = Now();
      result_.log.Add(call->due_ns, call->sent_ns, now, call->status, call->response);
      outstanding_.fetch_sub(1);
      AfterAnswer(call->connection, call->status, now);
    }
    while (!paused_.empty() && (paused_.front().due_ns <= Now() || IsOver())) {
      const Paused next = paused_.front();
      paused_.pop_front();
      if (!IsOver()) Send(next.connection, Now());
    }
  }

  void AfterAnswer(size_t connection, const grpc::Status& status, int64_t now) {
    const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
    if (unavailable && options_.until_closed && !connections_[connection].closed.exchange(true)) {
      --open_connections_;
      if (open_connections_ == 0) all_closed_.store(true);
    }
    if (options_.rate > 0 || IsOver() || connections_[connection].closed.load()) return;
    if (unavailable) {
      paused_.push_back({.due_ns = now + kPauseAfterUnavailable, .connection = connection});
    } else {
      Send(connection, now);
    }
  }

  struct Paused {
    int64_t due_ns;
    size_t connection;
  };

  const LoadOptions& options_;
  const std::vector<grpc::ByteBuffer>& requests_;
  const std::atomic<bool>& stop_;
  const std::string authorization_;
  std::deque<Connection> connections_;
  grpc::CompletionQueue queue_;
  int64_t end_ns_ = 0;
  std::atomic<int64_t> sent_{0};
  std::atomic<int64_t> not_sent_{0};
  std::atomic<int64_t> outstanding_{0};
  std::atomic<bool> all_closed_{false};
  // The receiving thread's own.
  size_t open_connections_;
  std::deque<Paused> paused_;
  LoadResult result_;
};

}  // namespace

LoadResult RunLoad(const LoadOptions& options, const std::vector<grpc::ByteBuffer>& requests,
                   const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                   const std::atomic<bool>& stop) {
  // On the heap and, if gRPC still holds calls, left there: see LoadResult::unanswered.
  auto loader = std::make_unique<Loader>(options, requests, channels, stop);
  LoadResult result = loader->Run();
  if (result.unanswered > 0) static_cast<void>(loader.release());
  return result;
}

}  // namespace pointsman::bench

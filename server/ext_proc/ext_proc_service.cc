#include "server/ext_proc/ext_proc_service.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "google/protobuf/arena.h"
#include "server/clock.h"
#include "server/status.h"
#include "server/thread_workspace.h"
#include "server/trace_context.h"
#include "server/wire.h"

namespace pointsman::server {
namespace {

using google::protobuf::Arena;

absl::Status ToAbslStatus(const grpc::Status& status) {
  // Both number the codes alike.
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace

ExtProcMetrics::ExtProcMetrics(Metrics& metrics) {
  for (size_t i = 0; i < kExchangeResultCount; ++i) {
    const auto result = static_cast<ExchangeResult>(i);
    results_[i] =
        &metrics.AddCounter("pointsman_ext_proc_requests_total",
                            "HTTP requests that Envoy asked about, by what became of them",
                            {{"result", std::string(ExchangeResultName(result))}});
  }
  for (size_t i = 0; i < kFailureReasonCount; ++i) {
    const auto reason = static_cast<FailureReason>(i);
    failures_[i] = &metrics.AddCounter("pointsman_ext_proc_failures_total",
                                       "HTTP requests that were not routed, by reason",
                                       {{"reason", std::string(FailureReasonName(reason))}});
  }
}

void ExtProcMetrics::Record(const Exchange& exchange) {
  if (const auto result = exchange.result()) results_[static_cast<size_t>(*result)]->Increment();
  if (const auto reason = exchange.reason()) failures_[static_cast<size_t>(*reason)]->Increment();
}

// One stream. Owns itself. Messages are taken one at a time: the next is read once the answer to
// the last is written, so that a stream holds one message and one answer at most.
class ExtProcService::Stream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public WorkQueue::Task,
      public IdleStreams::Stream {
 public:
  Stream(ExtProcService& service, grpc::CallbackServerContext* context)
      : service_(service),
        context_(context),
        exchange_(service.options_.exchange),
        entry_{.method = Method::kExtProc} {
    grpc::Status status = service_.decider_.Accept(*context_, Scope::kRoute, &entry_);
    if (!status.ok()) {
      End(std::move(status));
      return;
    }
    in_flight_ = true;
    StartRead(&message_);
  }

  // On the thread that works.
  bool Run() override {
    auto snapshot = service_.decider_.Begin(*context_, entry_);
    if (!snapshot.ok()) {
      if (absl::IsCancelled(snapshot.status())) {
        End(ToGrpcStatus(snapshot.status()));
      } else {
        Fail(FailureOfStatus(snapshot.status()));
      }
      return true;
    }
    const int64_t begin = MonotonicNanos();
    if (std::optional<Failure> failure = exchange_.Read((*snapshot)->engine->catalogue())) {
      Fail(*failure);
      return true;
    }
    Arena arena(ThreadWorkspace().arena_block.data(), kArenaBlockBytes);
    auto* decision = Arena::CreateMessage<v1::RouteResponse>(&arena);
    const absl::Status status =
        service_.decider_.Decide(**snapshot, exchange_.request(), entry_, std::nullopt, decision);
    if (!status.ok()) {
      Fail(FailureOfStatus(status));
      return true;
    }
    EnvoyAnswer answer;
    const Exchange::Next next = exchange_.Route(*decision, &answer);
    service_.decider_.RecordServiceTime(begin, 1);
    Send(next, answer);
    return true;
  }

 private:
  void OnReadDone(bool ok) override {
    if (exchange_.result() && !BackFromIdle()) return;
    if (!ok) {
      const bool answered = exchange_.result().has_value();
      End(answered ? grpc::Status::OK
                   : grpc::Status(grpc::StatusCode::CANCELLED,
                                  "the stream ended before the request was complete"));
      return;
    }
    EnvoyRequest message;
    absl::Status status = Parse(ContiguousBytes(message_).view(), &message);
    message_.Clear();
    if (!status.ok()) {
      End(ToGrpcStatus(status));
      return;
    }
    EnvoyAnswer answer;
    const absl::StatusOr<Exchange::Next> next = exchange_.Take(std::move(message), &answer);
    if (!next.ok()) {
      End(ToGrpcStatus(next.status()));
    } else if (*next == Exchange::Next::kDecide) {
      Decide();
    } else {
      Send(*next, answer);
    }
  }

  // False if the stream has been ended.
  bool BackFromIdle() {
    // First, so that who drains finds it either idle or in flight.
    service_.decider_.Retain();
    if (!service_.idle_.Remove(this)) {
      service_.decider_.Release();
      return false;
    }
    in_flight_ = true;
    return true;
  }

  // Here, or on a worker.
  void Decide() {
    const grpc::Status status = service_.decider_.Admit(*context_, 1, &entry_);
    if (!status.ok()) {
      Fail(FailureOfStatus(ToAbslStatus(status)));
      return;
    }
    TakeTrace();
    if (service_.decider_.HasOthers()) {
      service_.queue_.Push(this);
    } else {
      Run();
    }
  }

  // The HTTP request's own, or else that of Envoy's call.
  void TakeTrace() {
    entry_.trace_id = TraceId(exchange_.traceparent());
    if (!entry_.trace_id.empty()) return;
    const auto& metadata = context_->client_metadata();
    const auto header = metadata.find(kTraceparentHeader);
    if (header == metadata.end()) return;
    entry_.trace_id = TraceId({header->second.data(), header->second.size()});
  }

  void Fail(const Failure& failure) {
    const int64_t retry_delay_ns =
        failure.reason == FailureReason::kOverloaded ? service_.decider_.RetryDelayNanos() : 0;
    EnvoyAnswer answer;
    const Exchange::Next next = exchange_.Fail(failure, retry_delay_ns, &answer);
    Send(next, answer);
  }

  // The stream may be gone when this returns, as after End.
  void Send(Exchange::Next next, const EnvoyAnswer& answer) {
    const bool answered = exchange_.result().has_value();
    if (answered && !recorded_) {
      recorded_ = true;
      service_.metrics_.Record(exchange_);
      service_.decider_.RecordAnswer(grpc::StatusCode::OK, &entry_);
    }
    written_ = Serialise(answer);
    const bool waits = !answered || service_.options_.response_wait.count() > 0;
    if (next == Exchange::Next::kAnswerAndEnd || !waits) {
      StartWriteAndFinish(&written_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      StartWrite(&written_);
    }
  }

  void OnWriteDone(bool ok) override {
    written_.Clear();
    if (!ok) {
      End({grpc::StatusCode::CANCELLED, "the stream ended before its answer was written"});
      return;
    }
    if (!exchange_.result()) {
      StartRead(&message_);
      return;
    }
    // The message may come, and be answered, before the next line; but not the end of this object,
    // which gRPC keeps until this function returns.
    const bool was_in_flight = std::exchange(in_flight_, false);
    StartRead(&message_);
    if (!service_.idle_.Add(this)) {
      in_flight_ = was_in_flight;
      Finish(grpc::Status::OK);
    } else if (was_in_flight) {
      service_.decider_.Release();
    }
  }

  // In flight again, so that who drains waits for the end to be written.
  void EndIdle() override {
    service_.decider_.Retain();
    in_flight_ = true;
    Finish(grpc::Status::OK);
  }

  void End(grpc::Status status) {
    if (!recorded_) {
      recorded_ = true;
      service_.decider_.RecordAnswer(status.error_code(), &entry_);
    }
    Finish(std::move(status));
  }

  void OnDone() override {
    if (in_flight_) service_.decider_.Release();
    delete this;
  }

  ExtProcService& service_;
  grpc::CallbackServerContext* const context_;
  Exchange exchange_;
  Decider::Entry entry_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer written_;
  bool in_flight_ = false;
  bool recorded_ = false;
};

ExtProcService::ExtProcService(Decider& decider, WorkQueue& queue, ExtProcMetrics& metrics,
                               const Options& options)
    : decider_(decider),
      queue_(queue),
      metrics_(metrics),
      options_(options),
      idle_(options.response_wait) {}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ExtProcService::Process(
    grpc::CallbackServerContext* context) {
  ReadInBatches();
  return new Stream(*this, context);
}

}  // namespace pointsman::server

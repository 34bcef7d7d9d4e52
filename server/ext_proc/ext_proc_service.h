// envoy.service.ext_proc.v3.ExternalProcessor over gRPC's callback API: one stream for each HTTP
// exchange, of which exchange.h makes sense. Accepted, admitted, decided, counted and logged as any
// request is (decider.h).
//
// A stream is in flight from its first message until the request is answered: what was accepted is
// finished. After that it waits for the headers of the response, and may be ended at any time.
#ifndef POINTSMAN_SERVER_EXT_PROC_EXT_PROC_SERVICE_H_
#define POINTSMAN_SERVER_EXT_PROC_EXT_PROC_SERVICE_H_

#include <array>
#include <chrono>

#include "envoy/service/ext_proc/v3/external_processor.grpc.pb.h"
#include "prometheus/counter.h"
#include "server/admission/work_queue.h"
#include "server/decider.h"
#include "server/ext_proc/exchange.h"
#include "server/ext_proc/idle_streams.h"
#include "server/metrics.h"

namespace pointsman::server {

// Shown by every server, with zeros where nothing is processed. Thread-safe.
class ExtProcMetrics {
 public:
  explicit ExtProcMetrics(Metrics& metrics);
  // Of an exchange that is answered.
  void Record(const Exchange& exchange);

 private:
  std::array<prometheus::Counter*, kExchangeResultCount> results_;
  std::array<prometheus::Counter*, kFailureReasonCount> failures_;
};

class ExtProcService final
    : public envoy::service::ext_proc::v3::ExternalProcessor::WithRawCallbackMethod_Process<
          envoy::service::ext_proc::v3::ExternalProcessor::Service> {
 public:
  struct Options {
    ExchangeOptions exchange;
    // How long a response's headers are waited for; 0: not at all.
    std::chrono::milliseconds response_wait;
  };

  // All must outlive it.
  ExtProcService(Decider& decider, WorkQueue& queue, ExtProcMetrics& metrics,
                 const Options& options);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Process(
      grpc::CallbackServerContext* context) override;

  // When draining: streams whose request is answered end, now and from now on. Those that end are
  // in flight until they have.
  void EndIdle() { idle_.EndAll(); }

 private:
  class Stream;

  Decider& decider_;
  WorkQueue& queue_;
  ExtProcMetrics& metrics_;
  const Options options_;
  IdleStreams idle_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_EXT_PROC_SERVICE_H_

// One HTTP exchange as Envoy shows it to us, message by message: what is to be routed, and what is
// answered. Knows neither gRPC nor threads; whoever has the connection passes messages in and
// carries answers out (ext_proc_service.h).
//
//   request headers -> the body is asked for, or the request passes untouched
//   request body    -> kDecide; then Read, and Route or Fail
//   response headers-> the same outcome for the caller
//   all else        -> "go on"
//
// A request that is not routed fails open (it goes on as it came, with the reason in headers) or
// closed (an error in OpenAI's form is sent in its place), as `fail_closed` says.
#ifndef POINTSMAN_SERVER_EXT_PROC_EXCHANGE_H_
#define POINTSMAN_SERVER_EXT_PROC_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/router.pb.h"
#include "server/ext_proc/failure.h"
#include "server/ext_proc/headers.h"
#include "server/ext_proc/openai_request.h"

namespace pointsman::server {

using EnvoyRequest = envoy::service::ext_proc::v3::ProcessingRequest;
using EnvoyAnswer = envoy::service::ext_proc::v3::ProcessingResponse;

enum class ExtProcMode : uint8_t {
  kRoute,    // headers, and the route is chosen again
  kRewrite,  // the member `model` of the body, too
  kShadow,   // headers alone
};

struct ExchangeOptions {
  ExtProcMode mode = ExtProcMode::kRoute;
  bool fail_closed = false;
  size_t max_body_bytes = size_t{2} << 20;
  OpenAiBounds bounds{size_t{1} << 20, 1000};
};

// What became of the request: a closed set, labels of metrics.
enum class ExchangeResult : uint8_t { kRouted, kShadowed, kPassed, kFailedOpen, kFailedClosed };
inline constexpr size_t kExchangeResultCount = 5;
std::string_view ExchangeResultName(ExchangeResult result);  // "failed_open"

// What it means for a request that there is no decision: `status` is the engine's or an error of
// Decider; the fields of a RouteRequest that it names are told as the headers that set them.
Failure FailureOfStatus(const absl::Status& status);

// Not thread-safe; one call at a time.
class Exchange {
 public:
  enum class Next : uint8_t {
    kAnswer,        // send the answer, then wait for the next message
    kAnswerAndEnd,  // send it and end the stream with OK: nothing more is wanted
    kDecide,        // no answer yet: Read, and then Route or Fail
  };

  // `options` must outlive it.
  explicit Exchange(const ExchangeOptions& options) : options_(options) {}

  // Takes the next message. INVALID_ARGUMENT for one that may not come now: the peer or its
  // settings are at fault.
  absl::StatusOr<Next> Take(EnvoyRequest message, EnvoyAnswer* answer);

  // After kDecide, as work: reads the body. Features that no model of `catalogue` has are not
  // required, which is a degradation.
  std::optional<Failure> Read(const v1::Catalogue& catalogue);
  // What is asked for, after Read and until the answer.
  const v1::RouteRequest& request() const { return request_; }
  // The request is answered with this decision, or this failure.
  Next Route(const v1::RouteResponse& decision, EnvoyAnswer* answer);
  // `retry_delay_ns`: when to try again; 0: not said.
  Next Fail(const Failure& failure, int64_t retry_delay_ns, EnvoyAnswer* answer);

  // W3C trace context of the HTTP request; empty: none.
  const std::string& traceparent() const { return traceparent_; }

  // Nothing until the request is answered; the reason with the results kFailed.
  std::optional<ExchangeResult> result() const { return result_; }
  std::optional<FailureReason> reason() const { return reason_; }

 private:
  enum class State : uint8_t { kRequestHeaders, kRequestBody, kAnswered };
  enum class Asked : uint8_t { kHeaders, kBody, kTrailers, kResponseHeaders };
  using OwnedHeader = std::pair<std::string_view, std::string>;

  absl::StatusOr<Next> TakeRequestHeaders(const EnvoyRequest& message, EnvoyAnswer* answer);
  absl::StatusOr<Next> TakeRequestBody(EnvoyRequest message, EnvoyAnswer* answer);
  absl::StatusOr<Next> TakeLater(const EnvoyRequest& message, EnvoyAnswer* answer);
  std::optional<Failure> CheckRequest(const Headers& headers, bool has_body);
  // The failure of a decision that chose nothing.
  static Failure FailureOf(const v1::RouteResponse& decision);
  void ForgetTexts();
  void DescribeDecision(const v1::RouteResponse& decision);
  Next FailClosed(const Failure& failure, int64_t retry_delay_ns, EnvoyAnswer* answer);
  // Where the headers of the request are answered; null where they cannot be changed any more.
  envoy::service::ext_proc::v3::CommonResponse* AnswerTo(Asked asked, EnvoyAnswer* answer) const;

  const ExchangeOptions& options_;
  State state_ = State::kRequestHeaders;
  Asked asked_ = Asked::kHeaders;
  bool spoofed_ = false;  // the caller sent headers that only we may send
  OpenAiApi api_ = OpenAiApi::kChatCompletions;
  std::string traceparent_;
  v1::RouteRequest request_;
  std::string body_;
  ModelPlace model_place_;
  std::vector<std::string> degradations_;  // of the reading
  std::vector<OwnedHeader> outcome_;       // headers, for upstream and caller
  std::optional<ExchangeResult> result_;
  std::optional<FailureReason> reason_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_EXCHANGE_H_

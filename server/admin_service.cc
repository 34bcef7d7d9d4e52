#include "server/admin_service.h"

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "index/errors.h"
#include "server/log.h"
#include "server/status.h"
#include "server/wire.h"

namespace pointsman::server {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kDigestLength = 64;
constexpr int64_t kMaxGraceMs = 3'600'000;

absl::Status CheckDigest(const std::string& digest) {
  const bool is_hex = digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digest.empty() || (digest.size() == kDigestLength && is_hex)) return absl::OkStatus();
  return InvalidField("expected_digest",
                      absl::StrCat("must be ", kDigestLength, " lower-case hex digits; is ",
                                   digest.size(), " bytes: `", digest.substr(0, 80), "`"));
}

// What was wrong is the state of a directory, not of the call or of this server's own data.
absl::Status ToAnswer(const absl::Status& refused) {
  switch (refused.code()) {
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return absl::FailedPreconditionError(refused.message());
    default:
      return refused;
  }
}

absl::Status CheckActivation(const v1::ActivateBundleRequest& request) {
  if (request.path().empty() || request.path().size() > kMaxPathBytes) {
    return InvalidField(
        "path", absl::StrCat("must be 1 to ", kMaxPathBytes, " bytes; is ", request.path().size()));
  }
  return CheckDigest(request.expected_digest());
}

}  // namespace

// One call; owns itself.
class AdminService::Call final : public grpc::ServerUnaryReactor {
 public:
  // Checks the caller and parses.
  template <typename Request>
  static Call* Begin(AdminService& service, grpc::CallbackServerContext* context,
                     const grpc::ByteBuffer* bytes, grpc::ByteBuffer* response, Request* request,
                     absl::Status* status) {
    auto* call = new Call(service, response);
    Identity caller;
    *status = service.parts_.access.Check(*context, Scope::kAdmin, &caller);
    if (status->ok()) *status = Parse(ContiguousBytes(*bytes).view(), request);
    return call;
  }

  void Answer(const google::protobuf::Message& answer) {
    *response_ = Serialise(answer);
    Finish(grpc::Status::OK);
  }

  Call* Fail(const absl::Status& status) {
    Finish(ToGrpcStatus(status));
    return this;
  }

 private:
  Call(AdminService& service, grpc::ByteBuffer* response) : service_(service), response_(response) {
    ++service_.calls_;
  }
  void OnDone() override {
    --service_.calls_;
    delete this;
  }

  AdminService& service_;
  grpc::ByteBuffer* const response_;
};

grpc::ServerUnaryReactor* AdminService::GetStatus(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  v1::GetStatusRequest parsed;
  absl::Status status;
  Call* call = Call::Begin(*this, context, request, response, &parsed, &status);
  if (!status.ok()) return call->Fail(status);
  v1::GetStatusResponse answer;
  answer.set_state(state_);
  answer.set_server_version(parts_.version);
  *answer.mutable_uptime() =
      TimeUtil::MillisecondsToDuration(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - started_)
                                           .count());
  answer.set_requests_in_flight(parts_.requests_in_flight());
  parts_.bundles.FillStatus(&answer);
  call->Answer(answer);
  return call;
}

grpc::ServerUnaryReactor* AdminService::ActivateBundle(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  v1::ActivateBundleRequest parsed;
  absl::Status status;
  Call* call = Call::Begin(*this, context, request, response, &parsed, &status);
  if (status.ok()) status = CheckActivation(parsed);
  if (!status.ok()) return call->Fail(status);
  parts_.bundles.Request({.path = parsed.path(),
                          .source = parsed.path(),
                          .expected_digest = parsed.expected_digest(),
                          .dry_run = parsed.dry_run(),
                          .may_be_incomplete = false,
                          .settle = {}},
                         [call](const absl::StatusOr<v1::ActivateBundleResponse>& done) {
                           if (done.ok()) {
                             call->Answer(*done);
                           } else {
                             call->Fail(ToAnswer(done.status()));
                           }
                         });
  return call;
}

grpc::ServerUnaryReactor* AdminService::Rollback(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  v1::RollbackRequest parsed;
  absl::Status status;
  Call* call = Call::Begin(*this, context, request, response, &parsed, &status);
  if (status.ok()) status = CheckDigest(parsed.expected_digest());
  if (!status.ok()) return call->Fail(status);
  parts_.bundles.Rollback(parsed.expected_digest(),
                          [call](const absl::StatusOr<v1::ActivateBundleResponse>& done) {
                            if (!done.ok()) {
                              call->Fail(ToAnswer(done.status()));
                              return;
                            }
                            v1::RollbackResponse answer;
                            *answer.mutable_bundle() = done->bundle();
                            call->Answer(answer);
                          });
  return call;
}

grpc::ServerUnaryReactor* AdminService::Drain(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  v1::DrainRequest parsed;
  absl::Status status;
  Call* call = Call::Begin(*this, context, request, response, &parsed, &status);
  std::optional<std::chrono::milliseconds> grace_period;
  if (status.ok() && parsed.has_grace_period()) {
    const int64_t ms = TimeUtil::DurationToMilliseconds(parsed.grace_period());
    grace_period = std::chrono::milliseconds(ms);
    if (ms < 0 || ms > kMaxGraceMs) {
      status = InvalidField("grace_period",
                            absl::StrCat("must be 0 to ", kMaxGraceMs, " ms; is ", ms, " ms"));
    }
  }
  if (!status.ok()) return call->Fail(status);
  v1::DrainResponse answer;
  answer.set_requests_in_flight(parts_.requests_in_flight());
  Log(Severity::kInfo, "asked to drain over the API");
  parts_.drain(grace_period);
  call->Answer(answer);
  return call;
}

void AdminService::WaitUntilAnswered(std::chrono::milliseconds timeout) const {
  constexpr std::chrono::milliseconds kLookEvery{1};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (calls_ > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace pointsman::server

// Errors of a router as absl::Status, nothing lost: code, message, and every google.rpc detail as a
// payload under its type URL. The functions below read the details that this API sends.
#ifndef POINTSMAN_CLIENT_STATUS_H_
#define POINTSMAN_CLIENT_STATUS_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace pointsman::client {

absl::Status FromGrpc(const grpc::Status& status);

// For the items of a batch.
absl::Status FromProto(const google::rpc::Status& status);
google::rpc::Status ToProto(const absl::Status& status);

// A field of the request and what is wrong with it: its bound and its value.
struct FieldViolation {
  std::string field;
  std::string problem;
};

// What the router objected to; empty unless it sent a google.rpc.BadRequest.
std::vector<FieldViolation> FieldViolations(const absl::Status& status);

// How long to wait before trying again; absent unless the router sent a google.rpc.RetryInfo.
std::optional<std::chrono::milliseconds> RetryDelay(const absl::Status& status);

// One sentence for people: what failed, the fields at fault, when to try again. Empty for OK.
std::string Sentence(const absl::Status& status);

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_STATUS_H_

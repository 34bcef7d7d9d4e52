#include "pointsman/client/health.h"

#include <future>

#include "google/protobuf/empty.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "pointsman/client/status.h"

namespace pointsman::client {
namespace {

// Health messages are one field each. Generated code for them would register the file
// grpc/health/v1/health.proto, and abort in an application that brings its own copy; so they are
// read as unknown fields of the empty message, which keeps them.
using HealthStub = grpc::TemplatedGenericStub<google::protobuf::Empty, google::protobuf::Empty>;
constexpr char kCheckMethod[] = "/grpc.health.v1.Health/Check";
constexpr int kStatusField = 1;
constexpr uint64_t kServing = 1;

bool IsServing(const google::protobuf::Empty& response) {
  const google::protobuf::UnknownFieldSet& fields =
      response.GetReflection()->GetUnknownFields(response);
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.number() == kStatusField &&
        field.type() == google::protobuf::UnknownField::TYPE_VARINT) {
      return field.varint() == kServing;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<bool> AskHealth(const std::shared_ptr<grpc::Channel>& channel,
                               grpc::ClientContext* context) {
  HealthStub stub(channel);
  const google::protobuf::Empty request;
  google::protobuf::Empty response;
  std::promise<grpc::Status> finished;
  stub.UnaryCall(context, kCheckMethod, grpc::StubOptions(), &request, &response,
                 [&finished](grpc::Status status) { finished.set_value(std::move(status)); });
  absl::Status status = FromGrpc(finished.get_future().get());
  if (!status.ok()) return status;
  return IsServing(response);
}

}  // namespace pointsman::client

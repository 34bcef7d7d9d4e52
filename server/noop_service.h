// For benchmarks only; see noop.proto.
#ifndef POINTSMAN_SERVER_NOOP_SERVICE_H_
#define POINTSMAN_SERVER_NOOP_SERVICE_H_

#include "noop.grpc.pb.h"

namespace pointsman::server {

// Takes the way of Route through gRPC, a raw callback, and does no work on it.
class NoopService final : public bench::Noop::WithRawCallbackMethod_Call<bench::Noop::Service> {
 public:
  grpc::ServerUnaryReactor* Call(grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* /*request*/,
                                 grpc::ByteBuffer* response) override {
    grpc::Slice nothing;
    *response = grpc::ByteBuffer(&nothing, 1);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_NOOP_SERVICE_H_

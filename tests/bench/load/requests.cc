#include "tests/bench/load/requests.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/support/slice.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::bench {

absl::StatusOr<std::vector<grpc::ByteBuffer>> ReadRequests(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<grpc::ByteBuffer> requests;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    v1::RouteRequest request;
    const auto status = google::protobuf::util::JsonStringToMessage(line, &request);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": no RouteRequest: ", std::string(status.message())));
    }
    const grpc::Slice slice(request.SerializeAsString());
    requests.emplace_back(&slice, 1);
  }
  if (requests.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  return requests;
}

}  // namespace pointsman::bench

// Telling scripts and tests which ports were bound.
#ifndef POINTSMAN_SERVER_PORT_FILE_H_
#define POINTSMAN_SERVER_PORT_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace pointsman::server {

struct BoundPorts {
  int grpc = 0;
  int metrics = 0;  // 0: not served, as for admin
  int admin = 0;
};

// Writes {"grpc_port":N,"metrics_port":N,"admin_port":N,"pid":N} to `path`. The file appears whole
// or not at all, so whoever finds it can use it.
absl::Status WritePortFile(const std::string& path, const BoundPorts& ports);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_PORT_FILE_H_

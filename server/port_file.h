// Telling scripts and tests which ports were bound.
#ifndef POINTSMAN_SERVER_PORT_FILE_H_
#define POINTSMAN_SERVER_PORT_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace pointsman::server {

// Writes {"grpc_port":N,"metrics_port":N,"pid":N} to `path`. The file appears whole or not at all,
// so whoever finds it can use it.
absl::Status WritePortFile(const std::string& path, int grpc_port, int metrics_port);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_PORT_FILE_H_

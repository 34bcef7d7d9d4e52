#include "server/port_file.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace pointsman::server {

absl::Status WritePortFile(const std::string& path, const BoundPorts& ports) {
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  std::ofstream file(temporary);
  file << "{\"grpc_port\":" << ports.grpc << ",\"metrics_port\":" << ports.metrics
       << ",\"admin_port\":" << ports.admin << ",\"pid\":" << getpid() << "}\n";
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    return absl::UnavailableError(absl::StrCat("port_file: cannot write ", path));
  }
  return absl::OkStatus();
}

}  // namespace pointsman::server

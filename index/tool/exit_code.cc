#include "index/tool/exit_code.h"

#include <iostream>

namespace pointsman::tool {

ExitCode Complain(const absl::Status& status, ExitCode code) {
  std::cerr << "pointsman-index: " << status.message() << '\n' << std::flush;
  return code;
}

}  // namespace pointsman::tool

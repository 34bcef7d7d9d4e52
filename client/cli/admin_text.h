// What AdminService answers, as text for people. Pure: the time that ages are counted to is handed
// in. Text that comes from the server is made safe for a terminal.
#ifndef POINTSMAN_CLIENT_CLI_ADMIN_TEXT_H_
#define POINTSMAN_CLIENT_CLI_ADMIN_TEXT_H_

#include <chrono>
#include <string>

#include "pointsman/client/text_table.h"
#include "pointsman/v1/admin.pb.h"

namespace pointsman::cli {

// The two largest units: "3 d 4 h", "12 min 5 s", "8 s". Negative ages, from clocks that differ,
// are "0 s".
std::string AgeText(std::chrono::seconds age);

// State, uptime, the two bundles, and a table of the last attempts to change the bundle.
std::string AdminStatusText(const std::string& target, const v1::GetStatusResponse& status,
                            std::chrono::system_clock::time_point now, const client::Paint& paint);

// The bundle; in a dry run also how many decisions would change, and examples.
std::string ActivationText(const v1::ActivateBundleResponse& response, const client::Paint& paint);

std::string RollbackText(const v1::RollbackResponse& response, const client::Paint& paint);

std::string DrainText(const std::string& target, const v1::DrainResponse& response,
                      const client::Paint& paint);

}  // namespace pointsman::cli

#endif  // POINTSMAN_CLIENT_CLI_ADMIN_TEXT_H_

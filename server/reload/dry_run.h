// How many decisions another bundle would change: both engines decide the same requests, and what
// they choose is compared. Nothing of either is altered.
#ifndef POINTSMAN_SERVER_RELOAD_DRY_RUN_H_
#define POINTSMAN_SERVER_RELOAD_DRY_RUN_H_

#include <functional>
#include <string>
#include <vector>

#include "index/engine.h"
#include "pointsman/v1/admin.pb.h"

namespace pointsman::server {

inline constexpr int kMaxReportedChanges = 32;

// Compares outcome and model over the golden queries of both bundles (one that both have in equal
// bytes counts once) and over `samples`, which are serialised RouteRequests; those that do not
// parse, and requests that both engines refuse, are left out. Fills `decisions_*`, `golden_*` and
// `changes` of `response`. Ends early, with what it has, when `stopped` says so.
void CompareDecisions(const Engine& before, const Engine& after,
                      const std::vector<std::string>& samples, const std::function<bool()>& stopped,
                      v1::ActivateBundleResponse* response);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_DRY_RUN_H_

// The C++ client of a Pointsman router: typed calls with a deadline, retries, TLS and a key.
//
//   auto router = pointsman::client::Client::Create({.target = "127.0.0.1:7431"});
//   pointsman::v1::RouteRequest request;
//   request.set_text("Prove that there are infinitely many primes.");
//   auto answer = (*router)->Route(request);
//   if (answer.ok()) CallModel(answer->model());
//
// Where a model must be had whatever happens, RouteOrDefault never fails.
#ifndef POINTSMAN_CLIENT_CLIENT_H_
#define POINTSMAN_CLIENT_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pointsman/client/default_ranking.h"
#include "pointsman/client/options.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::client {

struct CallOptions {
  // Time for the call, retries included. Absent: ConnectOptions::deadline.
  std::optional<std::chrono::milliseconds> deadline;
};

enum class Source {
  kRouter,          // a router decided
  kDefaultRanking,  // none answered: the caller's own ranking, blind to the query
};

// A decision and where it comes from.
struct Routed {
  Source source = Source::kRouter;
  v1::RouteResponse response;
  // With kDefaultRanking: why no router decided. A refusal of the request itself
  // (INVALID_ARGUMENT) also ends here, since an application that has always had an answer must not
  // stop when a model leaves the catalogue; the counters below show it.
  absl::Status router_error;
  // With kDefaultRanking: see DefaultDecision.
  std::vector<std::string> unchecked_limits;
};

// What RouteOrDefault has returned since the client was created.
struct DefaultCounts {
  int64_t by_router = 0;
  int64_t by_default = 0;
  std::map<absl::StatusCode, int64_t> by_default_per_code;  // codes that occurred
};

enum class Health {
  kServing,
  kNotServing,  // starting or draining
};

// Thread-safe; share one. Every call blocks up to its deadline. Errors are those of FromGrpc
// (status.h); UNAVAILABLE has then been retried already.
class Client {
 public:
  // Does not wait for the router: the first call connects. INVALID_ARGUMENT names the option that
  // is out of bounds.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ConnectOptions& options);

  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  absl::StatusOr<v1::RouteResponse> Route(const v1::RouteRequest& request,
                                          const CallOptions& call = {});

  // Results in the order of the requests; each holds a decision or an error (see FromProto).
  absl::StatusOr<v1::BatchRouteResponse> BatchRoute(const v1::BatchRouteRequest& request,
                                                    const CallOptions& call = {});

  absl::StatusOr<v1::GetCatalogueResponse> GetCatalogue(const CallOptions& call = {});

  // Never fails: the router's decision, or that of `ranking`, labelled and counted.
  Routed RouteOrDefault(const v1::RouteRequest& request, const DefaultRanking& ranking,
                        const CallOptions& call = {});
  DefaultCounts default_counts() const;

  // The standard gRPC health service, asked once and without balancing by health, so that a router
  // that is not serving can say so.
  absl::StatusOr<Health> CheckHealth(const CallOptions& call = {});

 private:
  struct Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

// Version of this library.
std::string Version();

}  // namespace pointsman::client

#endif  // POINTSMAN_CLIENT_CLIENT_H_

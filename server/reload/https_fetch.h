// One conditional GET into a file. The only part that knows libcurl.
//
// HTTPS with TLS 1.2 or later and verified certificates; redirects lead to HTTPS only. Bounded in
// size and time: connecting, standing still, and in total.
#ifndef POINTSMAN_SERVER_RELOAD_HTTPS_FETCH_H_
#define POINTSMAN_SERVER_RELOAD_HTTPS_FETCH_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pointsman::server {

struct FetchRequest {
  std::string url = {};
  std::string etag = {};     // of what is known; empty: nothing is
  std::string ca_file = {};  // PEM; empty: the system's certificate authorities
  int64_t max_bytes = int64_t{2} << 30;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_timeout{30'000};  // below 1 KiB/s; rounded up to seconds
  std::chrono::milliseconds total_timeout{1'800'000};
};

struct FetchResult {
  bool not_modified = false;  // then nothing was written
  std::string etag = {};      // as the server sent it; may be empty
  std::string sha256 = {};    // of the bytes written, hex
};

// INVALID_ARGUMENT unless `url` may be fetched: HTTPS, or, where `loopback_http` allows it, HTTP to
// a literal loopback address.
absl::Status CheckFetchUrl(const std::string& url, bool loopback_http);

// The URL as people may see it: without user, password, query and fragment, which may be secrets.
std::string ShownUrl(const std::string& url);

// Writes the body to the open file `descriptor`. `stopped` is asked some ten times a second.
//   NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE, ...  from the status of the answer
//   RESOURCE_EXHAUSTED                              larger than `max_bytes`
//   UNAVAILABLE                                     no connection, TLS, time, or cut off
//   CANCELLED                                       `stopped`
absl::StatusOr<FetchResult> Fetch(const FetchRequest& request, int descriptor,
                                  const std::function<bool()>& stopped);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_HTTPS_FETCH_H_

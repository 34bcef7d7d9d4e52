// A sample of recent requests, against which a dry run compares two bundles. In memory only.
#ifndef POINTSMAN_SERVER_REQUEST_SAMPLE_H_
#define POINTSMAN_SERVER_REQUEST_SAMPLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "pointsman/v1/router.pb.h"

namespace pointsman::server {

// Keeps every kStride-th request, the latest `capacity` of them, as long as each is small.
// Thread-safe.
class RequestSample {
 public:
  static constexpr uint64_t kStride = 16;
  static constexpr size_t kMaxRequestBytes = size_t{16} << 10;

  explicit RequestSample(size_t capacity) : capacity_(capacity) {}

  // Costs an addition, and for every kStride-th its serialisation; never waits.
  void Offer(const v1::RouteRequest& request);

  // Serialised RouteRequests.
  std::vector<std::string> Requests() const;

 private:
  const size_t capacity_;
  std::atomic<uint64_t> offered_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> kept_;  // guarded by mutex_
  size_t next_ = 0;                // guarded by mutex_
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_REQUEST_SAMPLE_H_

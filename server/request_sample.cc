#include "server/request_sample.h"

namespace pointsman::server {

void RequestSample::Offer(const v1::RouteRequest& request) {
  if (capacity_ == 0) return;
  if (offered_.fetch_add(1, std::memory_order_relaxed) % kStride != 0) return;
  if (request.ByteSizeLong() > kMaxRequestBytes) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  if (kept_.size() < capacity_) {
    kept_.push_back(request.SerializeAsString());
    return;
  }
  request.SerializeToString(&kept_[next_]);
  next_ = (next_ + 1) % capacity_;
}

std::vector<std::string> RequestSample::Requests() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

}  // namespace pointsman::server

#include "server/histogram.h"

#include <algorithm>
#include <limits>

namespace pointsman::server {

Histogram::Histogram(std::vector<double> upper_bounds)
    : upper_bounds_(std::move(upper_bounds)), counts_(upper_bounds_.size() + 1) {}

void Histogram::Observe(double value) {
  const auto bound = std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), value);
  counts_[static_cast<size_t>(bound - upper_bounds_.begin())].fetch_add(1,
                                                                        std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

prometheus::ClientMetric::Histogram Histogram::Collect() const {
  prometheus::ClientMetric::Histogram result;
  for (size_t i = 0; i < counts_.size(); ++i) {
    result.sample_count += counts_[i].load(std::memory_order_relaxed);
    result.bucket.push_back({result.sample_count, i < upper_bounds_.size()
                                                      ? upper_bounds_[i]
                                                      : std::numeric_limits<double>::infinity()});
  }
  result.sample_sum = sum_.load(std::memory_order_relaxed);
  return result;
}

HistogramFamily::HistogramFamily(std::string name, std::string help,
                                 std::vector<double> upper_bounds, std::string label)
    : name_(std::move(name)),
      help_(std::move(help)),
      upper_bounds_(std::move(upper_bounds)),
      label_(std::move(label)) {}

Histogram* HistogramFamily::Add(std::string label_value) {
  return &children_.emplace_back(std::move(label_value), upper_bounds_).histogram;
}

prometheus::MetricFamily HistogramFamily::Collect() const {
  prometheus::MetricFamily family;
  family.name = name_;
  family.help = help_;
  family.type = prometheus::MetricType::Histogram;
  for (const Child& child : children_) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    if (!label_.empty()) metric.label.push_back({label_, child.label_value});
    metric.histogram = child.histogram.Collect();
  }
  return family;
}

}  // namespace pointsman::server

// Histograms without a lock on the observing side: prometheus-cpp's own takes a mutex for each
// observation, and a decision makes eight.
#ifndef POINTSMAN_SERVER_HISTOGRAM_H_
#define POINTSMAN_SERVER_HISTOGRAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace pointsman::server {

// Counts of observations by upper bound. Thread-safe; a scrape may see an observation in its bucket
// before it sees it in the sum.
class Histogram {
 public:
  // `upper_bounds` ascending; values above the last are counted in an implicit +Inf bucket.
  explicit Histogram(std::vector<double> upper_bounds);

  void Observe(double value);
  prometheus::ClientMetric::Histogram Collect() const;

 private:
  std::vector<double> upper_bounds_;
  std::vector<std::atomic<uint64_t>> counts_;  // one more than bounds
  std::atomic<double> sum_{0};
};

// Histograms of one name and the same bounds, told apart by the value of at most one label.
class HistogramFamily {
 public:
  HistogramFamily(std::string name, std::string help, std::vector<double> upper_bounds,
                  std::string label = "");

  // The address stays valid. Not thread-safe: resolve every handle before traffic.
  Histogram* Add(std::string label_value = "");
  prometheus::MetricFamily Collect() const;

 private:
  struct Child {
    Child(std::string value, const std::vector<double>& bounds)
        : label_value(std::move(value)), histogram(bounds) {}
    std::string label_value;
    Histogram histogram;
  };

  std::string name_;
  std::string help_;
  std::vector<double> upper_bounds_;
  std::string label_;
  std::deque<Child> children_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_HISTOGRAM_H_

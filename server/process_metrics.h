// What every Prometheus client tells of its process, under the names that dashboards expect.
#ifndef POINTSMAN_SERVER_PROCESS_METRICS_H_
#define POINTSMAN_SERVER_PROCESS_METRICS_H_

#include "server/metrics.h"

namespace pointsman::server {

// A source that reads /proc/self at each scrape: process_cpu_seconds_total,
// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
// process_threads, process_start_time_seconds. Figures that cannot be read are left out.
Metrics::Source ProcessMetrics();

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_PROCESS_METRICS_H_

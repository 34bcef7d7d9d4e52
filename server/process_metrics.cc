#include "server/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace pointsman::server {
namespace {

using prometheus::MetricType;

// Fields of /proc/self/stat behind the command's name, which may hold blanks: see proc(5).
struct ProcessStat {
  double cpu_seconds = 0;
  double threads = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

bool ReadStat(ProcessStat* stat) {
  std::ifstream file("/proc/self/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return false;
  constexpr size_t kFirst = 3;  // number of the first field behind the name
  std::array<double, 25> fields{};
  size_t at = end_of_name + 2;
  for (size_t number = kFirst; number < fields.size() && at < text.size(); ++number) {
    const size_t blank = text.find(' ', at);
    // The state is a letter and is not read.
    if (number > kFirst) fields[number] = std::strtod(text.c_str() + at, nullptr);
    if (blank == std::string::npos) break;
    at = blank + 1;
  }
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stat->cpu_seconds = (fields[14] + fields[15]) / ticks;
  stat->threads = fields[20];
  stat->virtual_bytes = fields[23];
  stat->resident_bytes = fields[24] * static_cast<double>(sysconf(_SC_PAGESIZE));
  return true;
}

double CountOpenFiles() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count - 1;  // the one that lists them
}

}  // namespace

Metrics::Source ProcessMetrics() {
  const double start =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return [start](std::vector<prometheus::MetricFamily>* families) {
    const auto add = [&](const char* name, const char* help, MetricType type, double value) {
      AppendFamily(name, help, type, {{{}, value}}, families);
    };
    add("process_start_time_seconds", "Start of the process, Unix time", MetricType::Gauge, start);
    ProcessStat stat;
    if (ReadStat(&stat)) {
      add("process_cpu_seconds_total", "User and system time of the process", MetricType::Counter,
          stat.cpu_seconds);
      add("process_resident_memory_bytes", "Memory in use", MetricType::Gauge, stat.resident_bytes);
      add("process_virtual_memory_bytes", "Address space in use", MetricType::Gauge,
          stat.virtual_bytes);
      add("process_threads", "Threads of the process", MetricType::Gauge, stat.threads);
    }
    add("process_open_fds", "Open files", MetricType::Gauge, CountOpenFiles());
    rlimit files = {};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
      add("process_max_fds", "Most files the process may open", MetricType::Gauge,
          static_cast<double>(files.rlim_cur));
    }
  };
}

}  // namespace pointsman::server

#include "server/decision_log/rotated_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "server/decision_log/small_file.h"

namespace pointsman::server {
namespace {

constexpr const char kStampFormat[] = "%Y%m%dT%H%M%E3SZ";
constexpr std::string_view kCompressed = ".gz";

// The time of a rotated file of `path`; nullopt for any other name.
std::optional<int64_t> StampOf(std::string_view path, std::string_view name) {
  if (!name.starts_with(path)) return std::nullopt;
  name.remove_prefix(path.size());
  if (!name.starts_with('.')) return std::nullopt;
  name.remove_prefix(1);
  if (name.ends_with(kCompressed)) name.remove_suffix(kCompressed.size());
  constexpr std::string_view kExample = "20261124T143000.123Z";
  if (name.size() != kExample.size()) return std::nullopt;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool is_digit = name[i] >= '0' && name[i] <= '9';
    const bool wants_digit = kExample[i] >= '0' && kExample[i] <= '9';
    if (wants_digit ? !is_digit : name[i] != kExample[i]) return std::nullopt;
  }
  // Abseil's %Y would take every digit there is, so it gets a form with separators.
  std::string separated(name);
  for (const auto& [place, separator] :
       {std::pair(13, ":"), std::pair(11, ":"), std::pair(6, "-"), std::pair(4, "-")}) {
    separated.insert(static_cast<size_t>(place), separator);
  }
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, separated, &time, &error)) return std::nullopt;
  return absl::ToUnixMillis(time);
}

}  // namespace

std::vector<std::string> RotatedFiles(const std::string& path) {
  const std::filesystem::path file(path);
  const std::filesystem::path directory =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const std::string base = file.filename().string();
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::optional<int64_t> stamp = StampOf(base, name);
    if (!stamp.has_value()) continue;
    found.emplace_back(*stamp, file.has_parent_path() ? (directory / name).string() : name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& [stamp, name] : found) names.push_back(std::move(name));
  return names;
}

std::string NextRotatedName(const std::string& path, const std::vector<std::string>& rotated,
                            int64_t unix_ms) {
  if (!rotated.empty()) {
    const std::string base = std::filesystem::path(path).filename().string();
    const std::string newest = std::filesystem::path(rotated.back()).filename().string();
    unix_ms = std::max(unix_ms, StampOf(base, newest).value_or(unix_ms - 1) + 1);
  }
  return path + "." +
         absl::FormatTime(kStampFormat, absl::FromUnixMillis(unix_ms), absl::UTCTimeZone());
}

absl::Status RemoveOldest(const std::string& path, size_t keep) {
  const std::vector<std::string> files = RotatedFiles(path);
  absl::Status status;
  for (size_t i = 0; i + keep < files.size(); ++i) {
    std::error_code error;
    std::filesystem::remove(files[i], error);
    if (error && status.ok()) {
      status = SystemError("cannot remove the old decision log", files[i], error.value());
    }
  }
  return status;
}

}  // namespace pointsman::server

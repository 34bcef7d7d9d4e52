#include "server/security/client_table_holder.h"

#include <utility>

namespace pointsman::server {

absl::StatusOr<std::unique_ptr<ClientTableHolder>> ClientTableHolder::Create(
    std::string path, absl::Time now, std::vector<std::string>* warnings) {
  absl::StatusOr<ClientTableReading> reading = ReadClientsFile(path, now);
  if (!reading.ok()) return reading.status();
  if (warnings != nullptr) {
    warnings->insert(warnings->end(), reading->warnings.begin(), reading->warnings.end());
  }
  return std::unique_ptr<ClientTableHolder>(
      new ClientTableHolder(std::move(path), std::move(reading->table)));
}

ClientTableHolder::ClientTableHolder(std::string path, ClientTable table)
    : path_(std::move(path)), current_(std::make_shared<const ClientTable>(std::move(table))) {}

absl::StatusOr<ClientTableHolder::ReloadOutcome> ClientTableHolder::Reload(absl::Time now) {
  const std::lock_guard<std::mutex> reload_lock(reload_mutex_);
  absl::StatusOr<ClientTableReading> reading = ReadClientsFile(path_, now);
  if (!reading.ok()) return reading.status();
  auto table = std::make_shared<const ClientTable>(std::move(reading->table));
  ReloadOutcome outcome{table->size(), std::move(reading->warnings)};
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    current_.swap(table);
    ++generation_;
  }
  return outcome;  // the old table is freed here, outside of the lock, unless a call still uses it
}

std::shared_ptr<const ClientTable> ClientTableHolder::current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

uint64_t ClientTableHolder::generation() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return generation_;
}

}  // namespace pointsman::server

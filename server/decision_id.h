// Ids of decisions: 26 characters of Crockford's base 32, of which the first 10 are the time in
// milliseconds and the other 16 are random (the layout of a ULID), so that ids sort by time.
#ifndef POINTSMAN_SERVER_DECISION_ID_H_
#define POINTSMAN_SERVER_DECISION_ID_H_

#include <array>
#include <cstdint>
#include <random>
#include <string_view>

namespace pointsman::server {

// Makes ids for one thread; keep one for each thread, so that no lock is needed. The ids of one
// generator are strictly increasing, also when the clock stands still or jumps back. Ids of
// different generators differ by 80 random bits.
class DecisionIdGenerator {
 public:
  static constexpr size_t kLength = 26;

  DecisionIdGenerator();

  // The view is valid until the next call. `unix_ms` is the wall time.
  std::string_view Next(uint64_t unix_ms);

 private:
  std::mt19937_64 random_;
  uint64_t last_ms_ = 0;
  uint64_t random_high_ = 0;  // 16 bits
  uint64_t random_low_ = 0;   // 64 bits
  std::array<char, kLength> text_{};
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_ID_H_

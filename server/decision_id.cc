#include "server/decision_id.h"

namespace pointsman::server {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr uint64_t kHighMask = 0xFFFF;

std::mt19937_64 SeededFromTheSystem() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

// Writes the last 5 * `count` bits of `value`, most significant first.
char* Encode(uint64_t value, int count, char* out) {
  for (int i = count - 1; i >= 0; --i) *out++ = kAlphabet[(value >> (5 * i)) & 31];
  return out;
}

}  // namespace

DecisionIdGenerator::DecisionIdGenerator() : random_(SeededFromTheSystem()) {}

std::string_view DecisionIdGenerator::Next(uint64_t unix_ms) {
  if (unix_ms > last_ms_) {
    last_ms_ = unix_ms;
    random_high_ = random_() & kHighMask;
    random_low_ = random_();
  } else if (++random_low_ == 0) {
    random_high_ = (random_high_ + 1) & kHighMask;
    if (random_high_ == 0) ++last_ms_;  // past the last of 2^80 ids: borrow the next millisecond
  }
  // 48 + 16 + 64 bits = 2 + 126 bits, cut into 26 groups of five.
  char* out = Encode(last_ms_, 10, text_.data());
  out = Encode(random_high_ << 4 | random_low_ >> 60, 4, out);
  Encode(random_low_, 12, out);
  return {text_.data(), kLength};
}

}  // namespace pointsman::server

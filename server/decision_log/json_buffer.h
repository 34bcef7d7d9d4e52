// Appends JSON to a buffer that is used again and again: after the first few lines nothing is
// allocated. It writes exactly what it is told and keeps no structure: commas and brackets are the
// caller's. Not thread-safe; keep one for each thread.
#ifndef POINTSMAN_SERVER_DECISION_LOG_JSON_BUFFER_H_
#define POINTSMAN_SERVER_DECISION_LOG_JSON_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace pointsman::server {

class JsonBuffer {
 public:
  std::string_view view() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

  void Clear() { size_ = 0; }
  // Back to an earlier size().
  void Truncate(size_t size) { size_ = size; }
  // Gives the memory back.
  void Free();

  // As it is.
  void Raw(std::string_view text) {
    std::memcpy(Room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void Raw(char c) {
    *Room(1) = c;
    ++size_;
  }

  // In quotes, escaped. Any bytes are allowed: what is not UTF-8 becomes U+FFFD. The line ends of
  // Unicode (U+0085, U+2028, U+2029) are escaped too, so that no reader takes them for the end of a
  // line of the file.
  void Quoted(std::string_view text);

  // The shortest decimal that reads back as the same number; "NaN", "Infinity" and "-Infinity" in
  // quotes, as proto3 JSON has them.
  void Number(double value);
  void Number(float value);
  void Integer(int64_t value);

 private:
  // At least `bytes` of free room at the end.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }
  void Grow(size_t bytes);
  void EscapedAscii(unsigned char c);
  // Writes the character that `text` starts with, which is not ASCII; returns its length.
  size_t NonAscii(std::string_view text);
  template <typename Real>
  void Shortest(Real value);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_DECISION_LOG_JSON_BUFFER_H_

// JSON (RFC 8259) read forwards, in one pass and without a tree, with the place of everything: a
// request may be a mebibyte of which a few members matter, and one value is to be replaced while
// every other byte stays.
//
//   JsonReader reader(text);
//   std::string key;
//   if (reader.EnterObject()) {
//     while (reader.NextMember(&key)) key == "model" ? reader.ReadString(&model) : reader.Skip();
//   }
//   if (!reader.Finish()) ... reader.problem()
//
// Strict: no comments, no trailing commas, nothing after the value, no control characters in
// strings. Nesting is bounded and nothing recurses. Numbers are checked, never converted. After the
// first problem every call returns false. Not thread-safe.
#ifndef POINTSMAN_SERVER_EXT_PROC_JSON_READER_H_
#define POINTSMAN_SERVER_EXT_PROC_JSON_READER_H_

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>

namespace pointsman::server {

class JsonReader {
 public:
  // Objects and arrays within one another.
  static constexpr size_t kMaxDepth = 128;

  enum class Kind { kObject, kArray, kString, kNumber, kBoolean, kNull, kNone };

  // Of `text`, which must outlive the reader. What is not valid UTF-8 is a problem at once.
  explicit JsonReader(std::string_view text);

  // Of the value that comes next; kNone after a problem.
  Kind Peek();

  // Each is for a value of that kind, which Peek has shown.
  bool EnterObject() { return Enter('{'); }
  bool EnterArray() { return Enter('['); }
  // Unescapes into `value`. A surrogate without its partner becomes U+FFFD.
  bool ReadString(std::string* value);
  // Of any kind.
  bool Skip();

  // Goes to the next member or element, whose value must then be read or skipped; false at the end,
  // which it leaves, and after a problem.
  bool NextMember(std::string* key);
  bool NextElement();

  // Nothing but white space is left. False after a problem, and if there is something.
  bool Finish();

  // Offset of the next byte to read; after Peek that of the value.
  size_t position() const { return at_; }

  bool ok() const { return problem_.empty(); }
  // A sentence with the byte at fault; empty: none.
  const std::string& problem() const { return problem_; }

 private:
  bool Fail(size_t at, std::string_view must);
  void SkipSpace();
  bool Enter(char bracket);
  // False and inside no more after the closing bracket.
  bool Next(char closing);
  // Past a string, without unescaping it; its raw content.
  bool ScanString(std::string_view* raw);
  bool ScanNumber();
  bool ScanLiteral();
  bool SkipScalar(Kind kind);

  const std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::bitset<kMaxDepth + 1> has_elements_;  // whether a comma is due, by depth
  std::string skipped_key_;
  std::string problem_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_EXT_PROC_JSON_READER_H_

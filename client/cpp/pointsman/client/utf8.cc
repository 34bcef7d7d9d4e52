#include "pointsman/client/utf8.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace pointsman::client {
namespace {

// Length of the character that starts with `lead`, and the range of its second byte, which is what
// rules out overlong forms, surrogates and what lies beyond U+10FFFF (Unicode, table 3-7).
struct Sequence {
  size_t length = 0;  // 0: no character starts like this
  unsigned char second_lower = 0x80;
  unsigned char second_upper = 0xBF;
};

Sequence SequenceOf(unsigned char lead) {
  if (lead < 0x80) return {1};
  if (lead < 0xC2 || lead > 0xF4) return {};
  if (lead < 0xE0) return {2};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {4};
}

bool IsWhole(std::string_view text, size_t at, const Sequence& sequence) {
  if (sequence.length == 0 || at + sequence.length > text.size()) return false;
  for (size_t i = 1; i < sequence.length; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if (byte < (i == 1 ? sequence.second_lower : 0x80)) return false;
    if (byte > (i == 1 ? sequence.second_upper : 0xBF)) return false;
  }
  return true;
}

absl::Status CheckText(const std::string& field, const std::string& text) {
  const std::optional<size_t> at = FirstInvalidByte(text);
  if (!at.has_value()) return absl::OkStatus();
  const auto byte = static_cast<unsigned char>(text[*at]);
  return absl::InvalidArgumentError(absl::StrCat(field, ": must be valid UTF-8; byte ", *at, " (0x",
                                                 absl::Hex(byte, absl::kZeroPad2), ") is not"));
}

absl::Status CheckTexts(const std::string& prefix, const v1::RouteRequest& request) {
  if (request.has_text()) return CheckText(prefix + "text", request.text());
  for (int i = 0; i < request.conversation().turns_size(); ++i) {
    absl::Status status = CheckText(absl::StrCat(prefix, "conversation.turns[", i, "].content"),
                                    request.conversation().turns(i).content());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<size_t> FirstInvalidByte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Sequence sequence = SequenceOf(static_cast<unsigned char>(text[at]));
    if (!IsWhole(text, at, sequence)) return at;
    at += sequence.length;
  }
  return std::nullopt;
}

absl::Status CheckTexts(const v1::RouteRequest& request) { return CheckTexts("", request); }

absl::Status CheckTexts(const v1::BatchRouteRequest& batch) {
  for (int i = 0; i < batch.requests_size(); ++i) {
    absl::Status status = CheckTexts(absl::StrCat("requests[", i, "]."), batch.requests(i));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace pointsman::client

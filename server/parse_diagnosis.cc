#include "server/parse_diagnosis.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "index/embed/utf8.h"
#include "index/errors.h"

namespace pointsman::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int kMaxDepth = 100;

absl::Status InvalidUtf8(std::string_view path, std::string_view text, size_t at) {
  return InvalidField(
      path, absl::StrCat("must be valid UTF-8; byte ", at, " (0x",
                         absl::Hex(static_cast<uint8_t>(text[at]), absl::kZeroPad2), ") is not"));
}

class Walker {
 public:
  explicit Walker(const Descriptor& type) : type_(type) {}

  // `offset` is where `bytes` begins in the whole message, `prefix` the path of what encloses it.
  absl::Status Walk(std::string_view bytes, const Descriptor& type, size_t offset,
                    const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return Malformed(offset);
    CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                           static_cast<int>(bytes.size()));
    absl::flat_hash_map<int, int> occurrences;  // of repeated fields, by number
    while (const uint32_t tag = input.ReadTag()) {
      const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool has_content =
          field != nullptr &&
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED &&
          (field->type() == FieldDescriptor::TYPE_STRING ||
           field->type() == FieldDescriptor::TYPE_MESSAGE);
      if (!has_content) {
        if (WireFormatLite::SkipField(&input, tag)) continue;
        return Malformed(offset + static_cast<size_t>(input.CurrentPosition()));
      }
      uint32_t length = 0;
      const bool has_length = input.ReadVarint32(&length);
      const auto begin = static_cast<size_t>(input.CurrentPosition());
      if (!has_length || length > bytes.size() - begin || !input.Skip(static_cast<int>(length))) {
        return Malformed(offset + begin);
      }
      const std::string_view content = bytes.substr(begin, length);
      std::string path = absl::StrCat(prefix, prefix.empty() ? "" : ".", field->name());
      if (field->is_repeated()) absl::StrAppend(&path, "[", occurrences[field->number()]++, "]");
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        if (const auto at = embed::FirstInvalidUtf8(content)) {
          return InvalidUtf8(path, content, *at);
        }
        continue;
      }
      absl::Status status = Walk(content, *field->message_type(), offset + begin, path, depth + 1);
      if (!status.ok()) return status;
    }
    if (input.ConsumedEntireMessage()) return absl::OkStatus();
    return Malformed(offset + static_cast<size_t>(input.CurrentPosition()));
  }

  absl::Status Malformed(size_t offset) const {
    return InvalidField("request", absl::StrCat("must be a serialised ", type_.full_name(),
                                                "; it cannot be read from byte ", offset, " on"));
  }

 private:
  const Descriptor& type_;
};

}  // namespace

absl::Status DiagnoseParseFailure(std::string_view bytes, const Descriptor& type) {
  Walker walker(type);
  absl::Status status = walker.Walk(bytes, type, 0, "", 0);
  // The parser knows more ways to fail than the walk looks for (it checks packed numbers, too).
  return status.ok() ? walker.Malformed(0) : status;
}

}  // namespace pointsman::server

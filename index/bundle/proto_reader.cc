#include "index/bundle/proto_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "index/errors.h"
#include "index/string_view.h"

namespace pointsman::bundle {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53: beyond, doubles skip integers

// Edit distance: insertions, deletions and substitutions that turn `a` into `b`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// "unknown key `modles`; did you mean `models`?", or the list of known keys if none is near.
std::string UnknownKey(const std::string& key, const Descriptor& type) {
  constexpr size_t kLongestName = 64;  // of any field of ours
  std::string nearest;
  size_t least = std::max<size_t>(2, key.size() / 3) + 1;
  std::vector<std::string> known;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& name = type.field(i)->name();
    known.push_back(name);
    if (key.size() > kLongestName) continue;
    const size_t distance = Distance(key, name);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  const std::string unknown = absl::StrCat("unknown key ", Quoted(key));
  if (!nearest.empty()) return absl::StrCat(unknown, "; did you mean `", nearest, "`?");
  return absl::StrCat(unknown, "; known: ", KnownNames(known));
}

// OBJECTIVE_BEST_VALUE of enum Objective -> BEST_VALUE.
std::string_view ShortName(const EnumValueDescriptor& value) {
  std::string prefix;  // UPPER_SNAKE_CASE of the enum's name
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  prefix += '_';
  std::string_view name = value.name();
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name;
}

bool IsText(const TreeNode& node) {
  return node.kind == TreeNode::Kind::kPlain || node.kind == TreeNode::Kind::kString;
}

bool IsNumeric(const TreeNode& node) {
  return node.kind == TreeNode::Kind::kPlain || node.kind == TreeNode::Kind::kNumber;
}

// A number as YAML or JSON writes it; nullopt if it is none. May be infinite or not a number.
std::optional<double> ParseNumber(const TreeNode& node) {
  if (!IsNumeric(node)) return std::nullopt;
  for (const char* special : {".nan", ".inf", "+.inf", "-.inf"}) {
    if (absl::EqualsIgnoreCase(node.text, special)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }
  double value = 0;
  if (!absl::SimpleAtod(node.text, &value)) return std::nullopt;
  return value;
}

// Reads the fields of one message.
class MessageReader {
 public:
  MessageReader(Message* message, Reporter* reporter)
      : message_(message), reflection_(message->GetReflection()), reporter_(reporter) {}

  void Read(const TreeNode& node, const Path& path) {
    if (node.kind != TreeNode::Kind::kMap) {
      reporter_->Report(path, absl::StrCat("must be a map of fields, is ", Describe(node)));
      return;
    }
    absl::flat_hash_map<std::string_view, int> seen;
    for (const TreeNode& child : node.children) {
      if (reporter_->full()) return;
      const FieldDescriptor* field = message_->GetDescriptor()->FindFieldByName(child.key);
      if (field == nullptr) {
        reporter_->ReportAt(child.line, path, UnknownKey(child.key, *message_->GetDescriptor()));
        continue;
      }
      const Path child_path = path.Field(field->name());
      const auto [first, is_new] = seen.emplace(child.key, child.line);
      if (!is_new) {
        reporter_->ReportAt(child.line, child_path,
                            absl::StrCat("given twice, first on line ", first->second));
        continue;
      }
      if (child.kind == TreeNode::Kind::kNull) continue;
      reporter_->RecordLine(child_path, child.line);
      if (IsSecondOfOneof(field, child, child_path)) continue;
      if (field->is_map()) {
        ReadMap(child, *field, path);
      } else if (field->is_repeated()) {
        ReadList(child, *field, path);
      } else {
        ReadValue(child, *field, child_path);
      }
    }
  }

 private:
  bool IsSecondOfOneof(const FieldDescriptor* field, const TreeNode& node, const Path& path) {
    const auto* oneof = field->real_containing_oneof();
    if (oneof == nullptr || !reflection_->HasOneof(*message_, oneof)) return false;
    reporter_->ReportAt(
        node.line, path,
        absl::StrCat("only one of these may be given, and `",
                     reflection_->GetOneofFieldDescriptor(*message_, oneof)->name(), "` is"));
    return true;
  }

  void ReadMap(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const Path field_path = path.Field(field.name());
    if (node.kind != TreeNode::Kind::kMap) {
      reporter_->Report(field_path, absl::StrCat("must be a map, is ", Describe(node)));
      return;
    }
    absl::flat_hash_map<std::string_view, int> seen;
    for (const TreeNode& child : node.children) {
      if (reporter_->full()) return;
      const Path child_path = path.Field(field.name(), child.key);
      const auto [first, is_new] = seen.emplace(child.key, child.line);
      if (!is_new) {
        reporter_->ReportAt(child.line, child_path,
                            absl::StrCat("given twice, first on line ", first->second));
        continue;
      }
      reporter_->RecordLine(child_path, child.line);
      if (child.kind == TreeNode::Kind::kNull) {
        reporter_->Report(child_path, "has no value");
        continue;
      }
      Message* entry = reflection_->AddMessage(message_, &field);
      entry->GetReflection()->SetString(entry, field.message_type()->map_key(), child.key);
      MessageReader(entry, reporter_)
          .ReadValue(child, *field.message_type()->map_value(), child_path);
    }
  }

  void ReadList(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const Path field_path = path.Field(field.name());
    if (node.kind != TreeNode::Kind::kList) {
      reporter_->Report(field_path, absl::StrCat("must be a list, is ", Describe(node)));
      return;
    }
    for (size_t i = 0; i < node.children.size() && !reporter_->full(); ++i) {
      const Path child_path = path.Field(field.name(), static_cast<int64_t>(i));
      reporter_->RecordLine(child_path, node.children[i].line);
      ReadValue(node.children[i], field, child_path);
    }
  }

  // Sets a single field, or adds to a repeated one.
  void ReadValue(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* child = field.is_repeated() ? reflection_->AddMessage(message_, &field)
                                             : reflection_->MutableMessage(message_, &field);
        MessageReader(child, reporter_).Read(node, path);
        return;
      }
      case FieldDescriptor::CPPTYPE_STRING:
        ReadString(node, field, path);
        return;
      case FieldDescriptor::CPPTYPE_BOOL:
        ReadBool(node, field, path);
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        ReadEnum(node, field, path);
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        ReadDouble(node, field, path);
        return;
      case FieldDescriptor::CPPTYPE_FLOAT:
        ReadFloat(node, field, path);
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto value = ReadInteger<int32_t>(node, path)) Set(field, *value);
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto value = ReadInteger<int64_t>(node, path)) Set(field, *value);
        return;
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        // No message of ours has an unsigned field.
        reporter_->Report(path, "unsigned fields are not supported");
        return;
    }
  }

  void ReadString(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    if (!IsText(node)) {
      reporter_->Report(path, absl::StrCat("must be text, is ", Describe(node)));
    } else if (field.is_repeated()) {
      reflection_->AddString(message_, &field, node.text);
    } else {
      reflection_->SetString(message_, &field, node.text);
    }
  }

  void ReadBool(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const bool is_bool =
        (node.kind == TreeNode::Kind::kBool || node.kind == TreeNode::Kind::kPlain) &&
        (node.text == "true" || node.text == "false");
    if (!is_bool) {
      reporter_->Report(path, absl::StrCat("must be true or false, is ", Describe(node)));
    } else if (field.is_repeated()) {
      reflection_->AddBool(message_, &field, node.text == "true");
    } else {
      reflection_->SetBool(message_, &field, node.text == "true");
    }
  }

  void ReadEnum(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const EnumDescriptor& type = *field.enum_type();
    std::vector<std::string_view> known;
    for (int i = 0; i < type.value_count(); ++i) {
      const EnumValueDescriptor& value = *type.value(i);
      if (value.number() == 0) continue;  // ..._UNSPECIFIED: leave the field out instead
      known.push_back(ShortName(value));
      if (!IsText(node) || !(absl::EqualsIgnoreCase(node.text, value.name()) ||
                             absl::EqualsIgnoreCase(node.text, ToAbsl(known.back())))) {
        continue;
      }
      if (field.is_repeated()) {
        reflection_->AddEnum(message_, &field, &value);
      } else {
        reflection_->SetEnum(message_, &field, &value);
      }
      return;
    }
    reporter_->Report(path,
                      absl::StrCat("must be one of ", KnownNames(known), ", is ", Describe(node)));
  }

  std::optional<double> ReadFinite(const TreeNode& node, const Path& path, double largest) {
    const std::optional<double> value = ParseNumber(node);
    if (!value) {
      reporter_->Report(path, absl::StrCat("must be a number, is ", Describe(node)));
      return std::nullopt;
    }
    if (!(std::abs(*value) <= largest)) {
      reporter_->Report(path, absl::StrCat("must be a finite number, is ", Describe(node)));
      return std::nullopt;
    }
    return value;
  }

  void ReadDouble(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const auto value = ReadFinite(node, path, std::numeric_limits<double>::max());
    if (!value) return;
    if (field.is_repeated()) {
      reflection_->AddDouble(message_, &field, *value);
    } else {
      reflection_->SetDouble(message_, &field, *value);
    }
  }

  void ReadFloat(const TreeNode& node, const FieldDescriptor& field, const Path& path) {
    const auto value =
        ReadFinite(node, path, static_cast<double>(std::numeric_limits<float>::max()));
    if (!value) return;
    if (field.is_repeated()) {
      reflection_->AddFloat(message_, &field, static_cast<float>(*value));
    } else {
      reflection_->SetFloat(message_, &field, static_cast<float>(*value));
    }
  }

  template <typename Integer>
  std::optional<Integer> ReadInteger(const TreeNode& node, const Path& path) {
    Integer exact = 0;
    if (IsNumeric(node) && absl::SimpleAtoi(node.text, &exact)) return exact;
    const std::optional<double> value = ParseNumber(node);
    if (!value) {
      reporter_->Report(path, absl::StrCat("must be a whole number, is ", Describe(node)));
      return std::nullopt;
    }
    // Such as 1e6.
    constexpr double kMost =
        std::min(kLargestExactInteger, static_cast<double>(std::numeric_limits<Integer>::max()));
    if (std::abs(*value) <= kMost && *value == std::floor(*value)) {
      return static_cast<Integer>(*value);
    }
    reporter_->Report(
        path, absl::StrCat("must be a whole number from ", std::numeric_limits<Integer>::min(),
                           " to ", std::numeric_limits<Integer>::max(), ", is ", Describe(node)));
    return std::nullopt;
  }

  void Set(const FieldDescriptor& field, int32_t value) {
    if (field.is_repeated()) {
      reflection_->AddInt32(message_, &field, value);
    } else {
      reflection_->SetInt32(message_, &field, value);
    }
  }

  void Set(const FieldDescriptor& field, int64_t value) {
    if (field.is_repeated()) {
      reflection_->AddInt64(message_, &field, value);
    } else {
      reflection_->SetInt64(message_, &field, value);
    }
  }

  Message* message_;
  const Reflection* reflection_;
  Reporter* reporter_;
};

}  // namespace

void ReadMessage(const TreeNode& node, const Path& path, Message* message, Reporter* reporter) {
  MessageReader(message, reporter).Read(node, path);
}

}  // namespace pointsman::bundle

#include "server/decision_log/message_json.h"

#include <string>
#include <vector>

namespace pointsman::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Writer {
 public:
  Writer(const Redactor& redactor, JsonBuffer& out) : redactor_(redactor), out_(out) {}

  bool redacted() const { return redacted_; }

  void Write(const Message& message) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    out_.Raw('{');
    bool first = true;
    for (const FieldDescriptor* field : fields) {
      if (!first) out_.Raw(',');
      first = false;
      out_.Quoted(field->name());
      out_.Raw(':');
      if (field->is_repeated()) {
        out_.Raw('[');
        const int size = reflection.FieldSize(message, field);
        for (int i = 0; i < size; ++i) {
          if (i > 0) out_.Raw(',');
          WriteValue(message, reflection, field, i);
        }
        out_.Raw(']');
      } else {
        WriteValue(message, reflection, field, kSingular);
      }
    }
    out_.Raw('}');
  }

 private:
  static constexpr int kSingular = -1;

  void WriteString(const std::string& text) {
    const std::string_view shown = redactor_.Apply(text, &redacted_text_);
    if (shown.data() != text.data()) redacted_ = true;
    out_.Quoted(shown);
  }

  // 64-bit integers are strings in proto3 JSON: JavaScript's numbers end at 2^53.
  void WriteInt64(int64_t value) {
    out_.Raw('"');
    out_.Integer(value);
    out_.Raw('"');
  }

  void WriteEnum(const google::protobuf::EnumDescriptor* type, int number) {
    const auto* value = type->FindValueByNumber(number);
    // A value of a newer client has no name here.
    value != nullptr ? out_.Quoted(value->name()) : out_.Integer(number);
  }

  void WriteValue(const Message& message, const Reflection& reflection,
                  const FieldDescriptor* field, int i) {
    const bool one = i == kSingular;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return WriteString(
            one ? reflection.GetStringReference(message, field, &scratch)
                : reflection.GetRepeatedStringReference(message, field, i, &scratch));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Write(one ? reflection.GetMessage(message, field)
                         : reflection.GetRepeatedMessage(message, field, i));
      case FieldDescriptor::CPPTYPE_ENUM:
        return WriteEnum(field->enum_type(),
                         one ? reflection.GetEnumValue(message, field)
                             : reflection.GetRepeatedEnumValue(message, field, i));
      case FieldDescriptor::CPPTYPE_BOOL:
        return out_.Raw((one ? reflection.GetBool(message, field)
                             : reflection.GetRepeatedBool(message, field, i))
                            ? "true"
                            : "false");
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return out_.Number(one ? reflection.GetDouble(message, field)
                               : reflection.GetRepeatedDouble(message, field, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return out_.Number(one ? reflection.GetFloat(message, field)
                               : reflection.GetRepeatedFloat(message, field, i));
      case FieldDescriptor::CPPTYPE_INT32:
        return out_.Integer(one ? reflection.GetInt32(message, field)
                                : reflection.GetRepeatedInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return out_.Integer(one ? reflection.GetUInt32(message, field)
                                : reflection.GetRepeatedUInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_INT64:
        return WriteInt64(one ? reflection.GetInt64(message, field)
                              : reflection.GetRepeatedInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT64:
        // None in a request; written as the signed number of the same bits.
        return WriteInt64(
            static_cast<int64_t>(one ? reflection.GetUInt64(message, field)
                                     : reflection.GetRepeatedUInt64(message, field, i)));
    }
  }

  const Redactor& redactor_;
  JsonBuffer& out_;
  std::string redacted_text_;
  bool redacted_ = false;
};

}  // namespace

bool WriteMessage(const Message& message, const Redactor& redactor, JsonBuffer& out) {
  Writer writer(redactor, out);
  writer.Write(message);
  return writer.redacted();
}

}  // namespace pointsman::server

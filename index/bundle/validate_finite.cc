#include <algorithm>
#include <cmath>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/reflection.h"
#include "index/bundle/validate.h"

namespace pointsman::bundle {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// True if any element of a repeated field of floating-point numbers is not finite.
template <typename Number>
bool HasNonFinite(const Message& message, const FieldDescriptor* field) {
  const auto& values = message.GetReflection()->GetRepeatedFieldRef<Number>(message, field);
  return !std::all_of(values.begin(), values.end(), [](Number x) { return std::isfinite(x); });
}

bool IsNonFinite(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return field->is_repeated() ? HasNonFinite<double>(message, field)
                                  : !std::isfinite(reflection.GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return field->is_repeated() ? HasNonFinite<float>(message, field)
                                  : !std::isfinite(reflection.GetFloat(message, field));
    default:
      return false;
  }
}

}  // namespace

void ValidateFinite(const Message& message, const Path& path, Reporter* reporter) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (reporter->full()) return;
    const Path field_path = path.Field(field->name());
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      if (IsNonFinite(message, field)) reporter->Report(field_path, "must be finite");
    } else if (!field->is_repeated()) {
      ValidateFinite(reflection.GetMessage(message, field), field_path, reporter);
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        ValidateFinite(reflection.GetRepeatedMessage(message, field, i),
                       path.Field(field->name(), i), reporter);
      }
    }
  }
}

}  // namespace pointsman::bundle

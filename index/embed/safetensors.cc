#include "index/embed/safetensors.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "nlohmann/json.hpp"

namespace pointsman::embed {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little);

// The format's own bound.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
// Bounds each dimension, so that products of two and a value's size cannot overflow.
constexpr uint64_t kMaxDimension = uint64_t{1} << 28;

absl::Status Invalid(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("safetensors: ", problem));
}

// At most 80 characters of the value, for messages.
std::string Show(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace).substr(0, 80);
}

// The member `key` of `object`, or null if there is none.
json Get(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? json() : *found;
}

// Whether `value` is an array of two whole numbers up to `max`.
bool IsPair(const json& value, uint64_t max) {
  return value.is_array() && value.size() == 2 && value[0].is_number_unsigned() &&
         value[1].is_number_unsigned() && value[0].get<uint64_t>() <= max &&
         value[1].get<uint64_t>() <= max;
}

float FromHalf(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1F;
  const uint32_t fraction = half & 0x3FF;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

}  // namespace

absl::StatusOr<MatrixView> ReadSafetensors(std::string_view file, std::string_view name) {
  uint64_t header_bytes;
  if (file.size() < sizeof header_bytes) {
    return Invalid(absl::StrCat("the file has ", file.size(), " bytes, too few for a header"));
  }
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  file.remove_prefix(sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size()) {
    return Invalid(absl::StrCat("header length is ", header_bytes, ", but ", file.size(),
                                " bytes follow, and ", kMaxHeaderBytes, " are allowed"));
  }
  const json header = json::parse(file.substr(0, header_bytes), /*cb=*/nullptr,
                                  /*allow_exceptions=*/false);
  const std::string_view data = file.substr(header_bytes);
  if (!header.is_object()) return Invalid("the header is not a JSON object");

  const json* tensor = nullptr;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") continue;
    if (key != name) {
      return Invalid(
          absl::StrCat("unknown tensor ", Show(key), "; only \"", ToAbsl(name), "\" is supported"));
    }
    tensor = &value;
  }
  if (tensor == nullptr || !tensor->is_object()) {
    return Invalid(absl::StrCat("the header describes no tensor \"", ToAbsl(name), "\""));
  }

  const json dtype = Get(*tensor, "dtype");
  if (dtype != "F32" && dtype != "F16") {
    return Invalid(absl::StrCat("dtype is ", Show(dtype), ", must be F32 or F16"));
  }
  const json shape = Get(*tensor, "shape");
  if (!IsPair(shape, kMaxDimension) || shape[0] == 0 || shape[1] == 0) {
    return Invalid(
        absl::StrCat("shape is ", Show(shape), ", must be two numbers from 1 to ", kMaxDimension));
  }
  MatrixView matrix = {
      .type = dtype == "F32" ? MatrixView::Type::kFloat32 : MatrixView::Type::kFloat16,
      .rows = shape[0].get<size_t>(),
      .columns = shape[1].get<size_t>(),
      .data = data,
  };
  const uint64_t value_bytes = matrix.type == MatrixView::Type::kFloat32 ? 4 : 2;
  const uint64_t needed = matrix.rows * matrix.columns * value_bytes;
  const json offsets = Get(*tensor, "data_offsets");
  if (offsets != json::array({0, needed})) {
    return Invalid(absl::StrCat("data_offsets are ", Show(offsets), ", must be [0,", needed,
                                "] for shape ", Show(shape), " of ", Show(dtype)));
  }
  if (data.size() != needed) {
    return Invalid(absl::StrCat("the file has ", data.size(), " bytes of data, but shape ",
                                Show(shape), " of ", Show(dtype), " takes ", needed));
  }
  return matrix;
}

void ReadRow(const MatrixView& matrix, size_t row, std::span<float> out) {
  if (matrix.type == MatrixView::Type::kFloat32) {
    const size_t row_bytes = matrix.columns * sizeof(float);
    std::memcpy(out.data(), matrix.data.data() + row * row_bytes, row_bytes);
    return;
  }
  const char* half_at = matrix.data.data() + row * matrix.columns * sizeof(uint16_t);
  for (size_t column = 0; column < matrix.columns; ++column) {
    uint16_t half;
    std::memcpy(&half, half_at + column * sizeof half, sizeof half);
    out[column] = FromHalf(half);
  }
}

}  // namespace pointsman::embed

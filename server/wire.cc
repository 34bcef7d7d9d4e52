#include "server/wire.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"
#include "index/errors.h"
#include "pointsman/v1/router.pb.h"
#include "server/parse_diagnosis.h"

namespace pointsman::server {

using google::protobuf::internal::WireFormatLite;

ContiguousBytes::ContiguousBytes(const grpc::ByteBuffer& buffer) {
  // Both fail on a buffer without content only, and leave the slice empty.
  if (!buffer.TrySingleSlice(&slice_).ok()) (void)buffer.DumpToSingleSlice(&slice_);
}

absl::Status Parse(std::string_view bytes, google::protobuf::Message* message) {
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return DiagnoseParseFailure(bytes, *message->GetDescriptor());
}

grpc::ByteBuffer Serialise(const google::protobuf::Message& message) {
  const size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  // A Slice that was just made has no other reader yet.
  google::protobuf::io::ArrayOutputStream array(const_cast<uint8_t*>(slice.begin()),
                                                static_cast<int>(size));
  google::protobuf::io::CodedOutputStream coded(&array);
  coded.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&coded);
  coded.Trim();
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::vector<std::string_view>> SplitBatch(std::string_view bytes, size_t max_items) {
  constexpr uint32_t kItemTag = WireFormatLite::MakeTag(v1::BatchRouteRequest::kRequestsFieldNumber,
                                                        WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  std::vector<std::string_view> items;
  size_t count = 0;
  while (const uint32_t tag = input.ReadTag()) {
    if (tag != kItemTag) {
      if (WireFormatLite::SkipField(&input, tag)) continue;
      return DiagnoseParseFailure(bytes, *v1::BatchRouteRequest::descriptor());
    }
    uint32_t length = 0;
    const bool has_length = input.ReadVarint32(&length);
    const auto begin = static_cast<size_t>(input.CurrentPosition());
    if (!has_length || length > bytes.size() - begin || !input.Skip(static_cast<int>(length))) {
      return DiagnoseParseFailure(bytes, *v1::BatchRouteRequest::descriptor());
    }
    if (++count <= max_items) items.push_back(bytes.substr(begin, length));
  }
  if (!input.ConsumedEntireMessage()) {
    return DiagnoseParseFailure(bytes, *v1::BatchRouteRequest::descriptor());
  }
  if (count == 0 || count > max_items) {
    return InvalidField("requests",
                        absl::StrCat("must hold 1 to ", max_items, " items; holds ", count));
  }
  return items;
}

}  // namespace pointsman::server

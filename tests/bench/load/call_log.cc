#include "tests/bench/load/call_log.h"

#include <algorithm>
#include <chrono>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/slice.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::bench {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr size_t kMessagesPerCode = 3;
// Calls that the log has room for before it grows: growing copies, and stalls the load.
constexpr size_t kExpectedCalls = 1 << 20;

// Moves to the start of the length-delimited field `number`; its length, or -1 if there is none.
int FindField(CodedInputStream* input, int number) {
  while (const uint32_t tag = input->ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) == number &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      int length = 0;
      return input->ReadVarintSizeAsInt(&length) ? length : -1;
    }
    if (!WireFormatLite::SkipField(input, tag)) return -1;
  }
  return -1;
}

}  // namespace

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string BundleDigest(const grpc::ByteBuffer& response) {
  grpc::Slice slice;
  if (!response.TrySingleSlice(&slice).ok() && !response.DumpToSingleSlice(&slice).ok()) return {};
  CodedInputStream input(slice.begin(), static_cast<int>(slice.size()));
  const int provenance = FindField(&input, v1::RouteResponse::kProvenanceFieldNumber);
  if (provenance < 0) return {};
  input.PushLimit(provenance);
  const int length = FindField(&input, v1::Provenance::kBundleDigestFieldNumber);
  std::string digest;
  if (length < 0 || !input.ReadString(&digest, length)) return {};
  return digest;
}

void CallLog::Add(int64_t due_ns, int64_t sent_ns, int64_t received_ns, const grpc::Status& status,
                  const grpc::ByteBuffer& response) {
  if (records_.empty()) records_.reserve(kExpectedCalls);
  CallRecord record{.due_ns = due_ns,
                    .sent_ns = sent_ns,
                    .received_ns = received_ns,
                    .code = static_cast<int32_t>(status.error_code())};
  if (status.ok()) {
    record.digest = IndexOf(BundleDigest(response));
  } else {
    NoteError(status);
  }
  records_.push_back(record);
}

int32_t CallLog::IndexOf(std::string_view digest) {
  if (digest.empty()) return -1;
  if (last_digest_ >= 0 && digests_[static_cast<size_t>(last_digest_)] == digest) {
    return last_digest_;
  }
  const auto found = std::find(digests_.begin(), digests_.end(), digest);
  last_digest_ = static_cast<int32_t>(found - digests_.begin());
  if (found == digests_.end()) digests_.emplace_back(digest);
  return last_digest_;
}

void CallLog::NoteError(const grpc::Status& status) {
  const int code = status.error_code();
  std::set<std::string>& messages = messages_[code];
  if (messages.size() < kMessagesPerCode) messages.insert(status.error_message());

  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) return;
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::RetryInfo retry;
    if (!detail.UnpackTo(&retry)) continue;
    const double delay_ms = static_cast<double>(retry.retry_delay().seconds()) * 1e3 +
                            static_cast<double>(retry.retry_delay().nanos()) / 1e6;
    RetryDelays& delays = retry_delays_[code];
    delays.shortest_ms = delays.count == 0 ? delay_ms : std::min(delays.shortest_ms, delay_ms);
    delays.longest_ms = std::max(delays.longest_ms, delay_ms);
    ++delays.count;
  }
}

}  // namespace pointsman::bench

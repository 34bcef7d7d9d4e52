#include "client/cli/batch_router.h"

#include <deque>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "pointsman/client/status.h"

namespace pointsman::cli {
namespace {

// Below gRPC's default bound of 4 MiB on what a server receives.
constexpr size_t kMaxChunkBytes = size_t{2} << 20;
constexpr int kMaxAttempts = 6;  // when the server is at its limit
constexpr std::chrono::milliseconds kMaxRetryDelay{5000};

// Requests to be sent, and the results of lines that need not be.
struct Chunk {
  std::vector<BatchLine> lines;
  std::vector<size_t> sent;  // requests[i] is that of lines[sent[i]]
  v1::BatchRouteRequest batch;
  bool last = false;
};

void SetError(const BatchOptions& options, const absl::Status& status, BatchLine* line) {
  google::rpc::Status error = client::ToProto(status);
  error.set_message(absl::StrCat(options.name, ":", line->line_number, ": ", error.message()));
  *line->result.mutable_error() = std::move(error);
}

absl::StatusOr<v1::RouteRequest> ParseRequest(const std::string& json,
                                              const v1::RouteRequest& defaults) {
  v1::RouteRequest own;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &own);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a RouteRequest in JSON: ", std::string(parsed.message())));
  }
  v1::RouteRequest request = defaults;
  request.MergeFrom(own);
  return request;
}

Chunk ReadChunk(LineReader& reader, const BatchOptions& options) {
  Chunk chunk;
  size_t bytes = 0;
  while (chunk.batch.requests_size() < options.chunk_size && bytes < kMaxChunkBytes) {
    absl::StatusOr<std::string> text = reader.Next();
    if (absl::IsNotFound(text.status())) {
      chunk.last = true;
      break;
    }
    if (text.ok() && absl::StripAsciiWhitespace(*text).empty()) continue;
    BatchLine& line = chunk.lines.emplace_back();
    line.line_number = reader.line_number();
    absl::StatusOr<v1::RouteRequest> request =
        text.ok() ? ParseRequest(*text, options.defaults)
                  : absl::StatusOr<v1::RouteRequest>(text.status());
    if (!request.ok()) {
      SetError(options, request.status(), &line);
      continue;
    }
    bytes += request->ByteSizeLong();
    chunk.sent.push_back(chunk.lines.size() - 1);
    *chunk.batch.add_requests() = *std::move(request);
  }
  return chunk;
}

absl::StatusOr<v1::BatchRouteResponse> CallPatiently(client::Client& client,
                                                     const v1::BatchRouteRequest& batch) {
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<v1::BatchRouteResponse> response = client.BatchRoute(batch);
    const auto delay = client::RetryDelay(response.status());
    if (!absl::IsResourceExhausted(response.status()) || !delay.has_value() ||
        attempt == kMaxAttempts) {
      return response;
    }
    std::this_thread::sleep_for(std::min(*delay, kMaxRetryDelay));
  }
}

// Fills in the results of the lines that are sent.
absl::StatusOr<Chunk> RouteChunk(client::Client& client, const BatchOptions& options, Chunk chunk) {
  if (chunk.sent.empty()) return chunk;
  absl::StatusOr<v1::BatchRouteResponse> response = CallPatiently(client, chunk.batch);
  absl::Status status = response.status();
  if (status.ok() && static_cast<size_t>(response->results_size()) != chunk.sent.size()) {
    status = absl::InternalError(absl::StrCat("the router answered ", response->results_size(),
                                              " of ", chunk.sent.size(), " requests"));
  }
  if (!status.ok()) {
    absl::Status named(status.code(),
                       absl::StrCat(options.name, ":", chunk.lines.front().line_number, "-",
                                    chunk.lines.back().line_number, ": ", status.message()));
    return named;
  }
  for (size_t i = 0; i < chunk.sent.size(); ++i) {
    BatchLine& line = chunk.lines[chunk.sent[i]];
    line.result = std::move(*response->mutable_results(static_cast<int>(i)));
    if (line.result.has_error()) {
      SetError(options, client::FromProto(line.result.error()), &line);
    }
  }
  return chunk;
}

}  // namespace

absl::Status RouteLines(LineReader& lines, client::Client& client, const BatchOptions& options,
                        const BatchSink& sink) {
  // Taken from the front in order; a future waits for its thread when it is dropped early.
  std::deque<std::future<absl::StatusOr<Chunk>>> in_flight;
  bool more = true;
  while (more || !in_flight.empty()) {
    while (more && in_flight.size() < static_cast<size_t>(options.concurrency)) {
      Chunk chunk = ReadChunk(lines, options);
      more = !chunk.last;
      in_flight.push_back(std::async(std::launch::async, RouteChunk, std::ref(client),
                                     std::cref(options), std::move(chunk)));
    }
    const absl::StatusOr<Chunk> done = in_flight.front().get();
    in_flight.pop_front();
    if (!done.ok()) return done.status();
    for (const BatchLine& line : done->lines) {
      if (!sink(line)) return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

}  // namespace pointsman::cli

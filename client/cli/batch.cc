// pointsman batch: JSONL of requests in, JSONL of results out, in the same order.
#include <sys/stat.h>

#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/str_format.h"
#include "client/cli/batch_router.h"
#include "client/cli/output.h"
#include "client/cli/progress_bar.h"
#include "client/cli/request_options.h"
#include "client/cli/subcommand.h"
#include "pointsman/client/status.h"

namespace pointsman::cli {
namespace {

constexpr char kFooter[] =
    "\nEach line is a RouteRequest in JSON, such as {\"text\": \"hello\", \"policy\": "
    "\"economy\"};\n"
    "what it does not say is taken from the options. Each line of output is\n"
    "{\"response\": {...}}, or {\"error\": {\"code\": 3, \"message\": \"file:line: ...\"}} with\n"
    "--keep-going. Blank lines are skipped.\n"
    "\nExamples:\n"
    "  pointsman batch requests.jsonl > decisions.jsonl\n"
    "  jq -c '{text: .question}' data.jsonl | pointsman batch --keep-going - | \\\n"
    "      jq -r '.response.model // .error.message'\n";

constexpr std::chrono::milliseconds kChunkTimeout{60'000};

struct BatchCommandOptions {
  std::string file;
  bool keep_going = false;
  BatchOptions batch;
  RequestOptions request;
};

struct Tally {
  int64_t chosen = 0;
  int64_t infeasible = 0;
  int64_t abstained = 0;
  int64_t failed = 0;

  void Add(const v1::BatchRouteResult& result) {
    if (result.has_error()) {
      ++failed;
    } else if (result.response().outcome() == v1::OUTCOME_CHOSEN) {
      ++chosen;
    } else if (result.response().outcome() == v1::OUTCOME_INFEASIBLE) {
      ++infeasible;
    } else {
      ++abstained;
    }
  }
  int64_t total() const { return chosen + infeasible + abstained + failed; }
};

// 0 for what has no size, such as a pipe.
int64_t FileSize(const std::string& path) {
  struct stat info;
  return path != "-" && stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

ExitCode RunBatch(const BatchCommandOptions& options, const ConnectionOptions& connection) {
  BatchOptions batch = options.batch;
  batch.defaults = ToRequest(options.request);
  std::ifstream file;
  if (options.file != "-") {
    batch.name = options.file;
    file.open(options.file, std::ios::binary);
    if (!file) {
      Complain("cannot open " + options.file);
      return kBadInput;
    }
  }
  const auto client = Connect(connection, kChunkTimeout);
  if (!client.ok()) return Refuse(client.status());

  LineReader lines(options.file == "-" ? std::cin : file);
  ProgressBar progress(FileSize(options.file), StderrIsTerminal());
  Tally tally;
  ExitCode stopped = kOk;
  const absl::Status status = RouteLines(lines, **client, batch, [&](const BatchLine& line) {
    tally.Add(line.result);
    if (line.result.has_error()) {
      const absl::Status error = client::FromProto(line.result.error());
      progress.Wipe();
      Complain(std::string(error.message()));
      if (!options.keep_going) {
        stopped = ExitCodeOf(error);
        return false;
      }
    }
    std::cout << ToJson(line.result, JsonStyle::kLine) << "\n";
    progress.Update(lines.bytes_read(), tally.total());
    return static_cast<bool>(std::cout);
  });
  progress.Wipe();
  if (!status.ok()) return Fail(status);
  if (stopped != kOk) return stopped;
  std::cerr << absl::StrFormat("%d lines: %d chosen, %d infeasible, %d abstained, %d failed\n",
                               tally.total(), tally.chosen, tally.infeasible, tally.abstained,
                               tally.failed);
  return tally.failed == 0 ? kOk : kFailed;
}

}  // namespace

Subcommand AddBatch(CLI::App* parent) {
  auto options = std::make_shared<BatchCommandOptions>();
  CLI::App* app = parent->add_subcommand("batch", "Decide for each line of a JSONL file");
  app->footer(kFooter);
  app->add_option("file", options->file, "JSONL file; `-` reads standard input")->required();
  app->add_flag("-k,--keep-going", options->keep_going,
                "Put errors into the output and go on; exits with 1 if there were any [stop at the "
                "first bad line]");
  app->add_option("--concurrency", options->batch.concurrency, "Chunks in flight, 1 to 64 [4]")
      ->check(CLI::Range(1, 64).description(""));
  app->add_option("--chunk-size", options->batch.chunk_size, "Requests of a chunk, 1 to 1000 [100]")
      ->check(CLI::Range(1, 1000).description(""));
  AddRequestOptions(app, &options->request);
  return {app, [options](const ConnectionOptions& connection) {
            return RunBatch(*options, connection);
          }};
}

}  // namespace pointsman::cli

#include "index/evaluate/replay_log.h"

#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/line_reader.h"
#include "index/bundle/problems.h"
#include "index/string_view.h"
#include "nlohmann/json.hpp"

namespace pointsman::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostLineBytes = size_t{16} << 20;
constexpr size_t kMostProblems = 20;
constexpr char kStandardInput[] = "-";
constexpr int kRecordsPerUpdate = 64;

// The first line of what protobuf has to say, without the quoted text below it.
std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

class LogReplay {
 public:
  LogReplay(const Engine& engine, size_t max_differences, ReplaySummary* summary)
      : replayer_(engine), max_differences_(max_differences), summary_(summary) {}

  void Line(const std::string& name, const bundle::LineReader& reader, const std::string& line) {
    record_.Clear();
    const auto parsed = google::protobuf::util::JsonStringToMessage(line, &record_);
    if (parsed.ok()) {
      Record(name, reader.line_number());
      return;
    }
    const std::string where = absl::StrCat(name, ":", reader.line_number(), ": ");
    if (!reader.line_ended()) {
      ++summary_->torn;
      Problem(where + "torn: the log ends within this line");
      return;
    }
    ++summary_->malformed;
    Problem(absl::StrCat(
        where, "is no DecisionRecord: ",
        FirstLine(ToStd(absl::string_view(parsed.message().data(), parsed.message().size())))));
  }

  void Malformed(std::string sentence) {
    ++summary_->malformed;
    Problem(std::move(sentence));
  }

 private:
  void Record(const std::string& name, int line) {
    ++summary_->records;
    switch (replayer_.Replay(record_, &differences_)) {
      case Replayed::kEqual:
        ++summary_->equal;
        break;
      case Replayed::kDifferent:
        ++summary_->different;
        Keep(name, line);
        break;
      case Replayed::kOtherBundle:
        ++summary_->other_bundle;
        break;
      case Replayed::kNoRequest:
        ++summary_->no_request;
        break;
      case Replayed::kTooLarge:
        ++summary_->too_large;
        break;
      case Replayed::kRedacted:
        ++summary_->redacted;
        break;
    }
  }

  void Keep(const std::string& name, int line) {
    summary_->differing_fields += static_cast<int64_t>(differences_.size());
    for (Difference& difference : differences_) {
      if (summary_->differences.size() == max_differences_) return;
      summary_->differences.push_back(
          {absl::StrCat(name, ":", line), record_.decision_id(), std::move(difference)});
    }
  }

  void Problem(std::string sentence) {
    if (summary_->problems.size() < kMostProblems) {
      summary_->problems.push_back(std::move(sentence));
    }
  }

  Replayer replayer_;
  const size_t max_differences_;
  ReplaySummary* const summary_;
  v1::DecisionRecord record_;
  std::vector<Difference> differences_;
};

// Bytes of all logs; 0 if one is a pipe.
absl::Status SumSizes(const std::vector<std::string>& logs, int64_t* total) {
  bool known = true;
  for (const std::string& log : logs) {
    if (log == kStandardInput) {
      known = false;
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(log, error);
    if (!fs::exists(status)) return absl::NotFoundError(absl::StrCat(log, ": no such file"));
    if (!fs::is_regular_file(status)) {
      return absl::InvalidArgumentError(absl::StrCat(log, ": not a regular file"));
    }
    const auto size = fs::file_size(log, error);
    if (!error) *total += static_cast<int64_t>(size);
  }
  if (!known) *total = 0;
  return absl::OkStatus();
}

std::unique_ptr<bundle::LineReader> Open(const std::string& log, bundle::Problems* problems) {
  constexpr int64_t kMostBytes = std::numeric_limits<int64_t>::max();
  return log == kStandardInput
             ? bundle::LineReader::OpenStandardInput("(standard input)", kMostLineBytes, kMostBytes,
                                                     problems)
             : bundle::LineReader::Open(log, log, kMostLineBytes, kMostBytes, problems);
}

}  // namespace

absl::Status ReplayLogs(const std::vector<std::string>& logs, const Engine& engine,
                        size_t max_differences, const ReplayProgress& progress,
                        ReplaySummary* summary) {
  summary->bundle_digest = engine.manifest().digest();
  int64_t total = 0;
  const absl::Status sized = SumSizes(logs, &total);
  if (!sized.ok()) return sized;
  LogReplay replay(engine, max_differences, summary);
  int64_t before = 0;
  progress(0, total);
  for (const std::string& log : logs) {
    bundle::Problems problems;
    const std::unique_ptr<bundle::LineReader> reader = Open(log, &problems);
    if (reader == nullptr) return problems.ToStatus();
    const std::string name = log == kStandardInput ? "(standard input)" : log;
    std::string line;
    for (int i = 1; reader->Next(&line); ++i) {
      replay.Line(name, *reader, line);
      if (i % kRecordsPerUpdate == 0) progress(before + reader->offset(), total);
    }
    // The line is too long, or the file cannot be read further.
    if (!problems.empty()) replay.Malformed(std::string(problems.ToStatus().message()));
    before += reader->offset();
    progress(before, total);
  }
  return absl::OkStatus();
}

std::string ReplayText(const ReplaySummary& summary) {
  std::string text;
  for (const LoggedDifference& one : summary.differences) {
    absl::StrAppend(&text, one.where, ": decision ",
                    one.decision_id.empty() ? "-" : one.decision_id, ": ", one.difference.field,
                    ": logged ", one.difference.logged, ", recomputed ", one.difference.recomputed,
                    "\n");
  }
  const int64_t more = summary.differing_fields - static_cast<int64_t>(summary.differences.size());
  if (more > 0) absl::StrAppend(&text, "(", more, " more differences)\n");
  for (const std::string& problem : summary.problems) absl::StrAppend(&text, problem, "\n");
  const int64_t more_problems =
      summary.torn + summary.malformed - static_cast<int64_t>(summary.problems.size());
  if (more_problems > 0) absl::StrAppend(&text, "(", more_problems, " more problems)\n");

  absl::StrAppend(&text, "bundle     ", summary.bundle_digest, "\n", "records    ", summary.records,
                  "\n", "equal      ", summary.equal, "\n", "different  ", summary.different, "\n");
  const std::pair<const char*, int64_t> others[] = {
      {"not replayed: made from another bundle", summary.other_bundle},
      {"not replayed: contents were not logged", summary.no_request},
      {"not replayed: the request was too large to log", summary.too_large},
      {"not replayed: the request was redacted", summary.redacted},
      {"torn: the log ends within the line", summary.torn},
      {"malformed lines", summary.malformed}};
  for (const auto& [what, count] : others) {
    if (count > 0) absl::StrAppend(&text, what, "  ", count, "\n");
  }
  if (summary.compared() == 0) {
    absl::StrAppend(&text, "no record could be compared with this bundle\n");
  } else if (summary.passed()) {
    absl::StrAppend(&text, "all ", summary.equal, " compared decisions are equal\n");
  }
  return text;
}

std::string ReplayJson(const ReplaySummary& summary) {
  using Json = nlohmann::ordered_json;
  Json differences = Json::array();
  for (const LoggedDifference& one : summary.differences) {
    differences.push_back({{"where", one.where},
                           {"decision_id", one.decision_id},
                           {"field", one.difference.field},
                           {"logged", one.difference.logged},
                           {"recomputed", one.difference.recomputed}});
  }
  const Json report = {{"passed", summary.passed()},
                       {"bundle_digest", summary.bundle_digest},
                       {"records", summary.records},
                       {"compared", summary.compared()},
                       {"equal", summary.equal},
                       {"different", summary.different},
                       {"differing_fields", summary.differing_fields},
                       {"skipped",
                        {{"other_bundle", summary.other_bundle},
                         {"no_request", summary.no_request},
                         {"too_large", summary.too_large},
                         {"redacted", summary.redacted}}},
                       {"torn", summary.torn},
                       {"malformed", summary.malformed},
                       {"differences", std::move(differences)},
                       {"problems", summary.problems}};
  // Names of files and quoted lines may be anything.
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace pointsman::evaluate

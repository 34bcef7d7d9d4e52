// pointsman-index replay: logged decisions, decided again from their bundle and compared.
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/engine.h"
#include "index/evaluate/replay_log.h"
#include "index/tool/exit_code.h"
#include "index/tool/progress.h"
#include "index/tool/subcommand.h"

namespace pointsman::tool {
namespace {

constexpr size_t kDefaultDifferences = 20;
constexpr size_t kMostDifferences = 100'000;

struct ReplayArguments {
  std::vector<std::string> logs;
  std::string bundle;
  std::string json;
  size_t max_differences = kDefaultDifferences;
};

// Whatever a server was told to accept; lines of a log are bounded anyway.
Engine::LoadOptions WideBounds() {
  Engine::LoadOptions options;
  options.bounds.max_text_bytes = std::numeric_limits<size_t>::max();
  options.bounds.max_turns = std::numeric_limits<int>::max();
  options.bounds.max_listed_models = std::numeric_limits<int>::max();
  options.bounds.max_listed_tags = std::numeric_limits<int>::max();
  options.bounds.max_key_bytes = std::numeric_limits<size_t>::max();
  return options;
}

int Replay(const ReplayArguments& arguments) {
  const auto engine = Engine::Load(arguments.bundle, WideBounds());
  if (!engine.ok()) return Complain(engine.status(), kFailed);
  evaluate::ReplaySummary summary;
  absl::Status status;
  {
    Progress progress(&std::cerr, isatty(STDERR_FILENO) != 0);
    status = evaluate::ReplayLogs(
        arguments.logs, **engine, arguments.max_differences,
        [&progress](int64_t done, int64_t total) { progress.Update("replay", done, total); },
        &summary);
  }
  if (!status.ok()) return Complain(status, ExitCodeOf(status));
  if (!arguments.json.empty()) {
    std::ofstream file(arguments.json, std::ios::binary);
    file << evaluate::ReplayJson(summary) << std::flush;
    if (!file) {
      return Complain(absl::DataLossError(absl::StrCat(arguments.json, ": cannot be written")),
                      kFailed);
    }
  }
  std::cout << evaluate::ReplayText(summary);
  return summary.passed() ? kOk : kFailed;
}

}  // namespace

void AddReplayCommand(CLI::App* app, Action* action) {
  const auto arguments = std::make_shared<ReplayArguments>();
  CLI::App* command = app->add_subcommand(
      "replay", "Decide logged requests again and show where the answers differ");
  command
      ->add_option("LOG", arguments->logs,
                   "Decision logs of a server that logs contents, .jsonl or .jsonl.gz; - reads "
                   "standard input")
      ->required();
  command->add_option("--bundle", arguments->bundle, "Directory of the bundle that decided")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--json", arguments->json, "Write the result as JSON to this file, too");
  command
      ->add_option("--max-differences", arguments->max_differences,
                   "Differing fields to show; all are counted")
      ->check(CLI::Range(size_t{0}, kMostDifferences))
      ->capture_default_str();
  command->callback([action, arguments] { *action = [arguments] { return Replay(*arguments); }; });
}

}  // namespace pointsman::tool

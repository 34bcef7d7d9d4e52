// pointsman-index evaluate: how good the decisions are, measured on labelled queries.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "index/evaluate/evaluate.h"
#include "index/evaluate/inputs.h"
#include "index/evaluate/report.h"
#include "index/tool/exit_code.h"
#include "index/tool/progress.h"
#include "index/tool/subcommand.h"

namespace pointsman::tool {
namespace {

constexpr double kDefaultHoldout = 0.3;

struct EvaluateArguments {
  evaluate::InputFiles files;
  evaluate::Protocol protocol;
  std::string pair;
  bool json = false;
};

int Evaluate(EvaluateArguments arguments) {
  evaluate::Protocol& protocol = arguments.protocol;
  if (!protocol.holdout && !protocol.train_count && !protocol.folds &&
      arguments.files.test.empty()) {
    protocol.holdout = kDefaultHoldout;
  }
  const auto inputs = evaluate::ReadInputs(arguments.files);
  if (!inputs.ok()) return Complain(inputs.status(), ExitCodeOf(inputs.status()));
  const auto pair = evaluate::ParsePair(arguments.pair, inputs->catalogue);
  if (!pair.ok()) return Complain(pair.status(), kBadInput);

  absl::StatusOr<evaluate::Evaluation> evaluation;
  {
    Progress progress(&std::cerr, isatty(STDERR_FILENO) != 0);
    evaluation = evaluate::Evaluate(
        *inputs, protocol, *pair, [&progress](std::string_view stage, int64_t done, int64_t total) {
          progress.Update(stage, done, total);
        });
  }
  if (!evaluation.ok()) return Complain(evaluation.status(), ExitCodeOf(evaluation.status()));
  std::cout << (arguments.json ? evaluate::ReportJson(*evaluation)
                               : evaluate::ReportText(*evaluation));
  return kOk;
}

}  // namespace

void AddEvaluateCommand(CLI::App* app, Action* action) {
  const auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command = app->add_subcommand(
      "evaluate", "Measure decisions on labelled queries that the bundle has not seen");
  command
      ->add_option("LABELLED", arguments->files.labelled,
                   "Exemplars with outcomes, .jsonl or .jsonl.gz")
      ->required();
  command->add_option("--catalogue", arguments->files.catalogue, "catalogue.yaml")->required();
  command
      ->add_option("--model", arguments->files.model_directory,
                   "Directory of the embedder: model.safetensors and tokenizer.json (Model2Vec)")
      ->required();
  CLI::Option* holdout =
      command->add_option("--holdout", arguments->protocol.holdout,
                          "Share to test on, above 0 and below 1; 0.3 if nothing else is said");
  CLI::Option* train_count = command->add_option("--train-count", arguments->protocol.train_count,
                                                 "Queries to train on; the others are tested on");
  CLI::Option* folds =
      command->add_option("--folds", arguments->protocol.folds, "k-fold cross-validation");
  holdout->excludes(train_count)->excludes(folds);
  train_count->excludes(folds);
  command
      ->add_option("--seeds", arguments->protocol.seeds, "Random divisions to take the mean over")
      ->capture_default_str();
  command->add_option("--test", arguments->files.test,
                      "Test on these instead: how far the labels carry to other queries");
  command->add_option("--pair", arguments->pair,
                      "WEAK,STRONG: two models to compare routing between (APGR, CPT50, CPT80)");
  command->add_flag("--json", arguments->json, "Print the figures as JSON");
  command->callback(
      [action, arguments] { *action = [arguments] { return Evaluate(*arguments); }; });
}

}  // namespace pointsman::tool

// pointsman-index build: sources and an embedding model -> a bundle.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "index/builder.h"
#include "index/bundle/manifest.h"
#include "index/bundle/sources.h"
#include "index/bundle/store.h"
#include "index/tool/exit_code.h"
#include "index/tool/progress.h"
#include "index/tool/subcommand.h"

namespace pointsman::tool {
namespace {

struct BuildArguments {
  std::string sources;
  std::string model;
  std::string out;
  BuildOptions options;
  bool json = false;
};

int Build(const BuildArguments& arguments) {
  // Asked before the minutes that a build may take, too.
  absl::Status status = bundle::CheckReplaceable(arguments.out);
  if (!status.ok()) return Complain(status, kBadInput);
  absl::StatusOr<bundle::BundleSources> sources =
      bundle::ReadSources(arguments.sources, arguments.model);
  if (!sources.ok()) return Complain(sources.status(), ExitCodeOf(sources.status()));

  absl::StatusOr<bundle::v1::Manifest> manifest;
  {
    Progress progress(&std::cerr, isatty(STDERR_FILENO) != 0);
    manifest = BuildBundle(*sources, arguments.options, arguments.out,
                           [&progress](std::string_view stage, int64_t done, int64_t total) {
                             progress.Update(stage, done, total);
                           });
  }
  if (!manifest.ok()) return Complain(manifest.status(), ExitCodeOf(manifest.status()));
  if (arguments.json) {
    std::cout << bundle::FormatManifest(*manifest);
  } else {
    std::cout << absl::StrCat("built ", arguments.out, ": ", manifest->exemplar_count(),
                              " exemplars, ", manifest->model_count(), " models, ",
                              manifest->capability_count(), " capabilities, index ",
                              manifest->index_factory(), "\ndigest ", manifest->digest(), "\n");
  }
  return kOk;
}

}  // namespace

void AddBuildCommand(CLI::App* app, Action* action) {
  const auto arguments = std::make_shared<BuildArguments>();
  CLI::App* command = app->add_subcommand("build", "Build a bundle from its sources");
  command
      ->add_option("SOURCES", arguments->sources,
                   "Directory with catalogue.yaml, policies.yaml, exemplars.jsonl[.gz] or "
                   "exemplars/*.jsonl[.gz], and golden.jsonl[.gz]")
      ->required();
  command
      ->add_option("--model", arguments->model,
                   "Directory of the embedder: model.safetensors and tokenizer.json (Model2Vec)")
      ->required();
  command->add_option("--out", arguments->out, "Where to put the bundle; one there is replaced")
      ->required();
  command->add_option("--version-name", arguments->options.version,
                      "Your name for this version, at most 200 bytes; shown in every decision");
  command->add_option("--index-factory", arguments->options.index_factory,
                      "FAISS factory string; chosen from the number of exemplars if absent");
  command->add_flag("--drop-text", arguments->options.drop_text,
                    "Leave the exemplars' texts out of the bundle");
  command->add_flag("--json", arguments->json, "Print the manifest as JSON");
  command->callback([action, arguments] { *action = [arguments] { return Build(*arguments); }; });
}

}  // namespace pointsman::tool

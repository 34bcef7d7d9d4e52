// pointsman-index inspect: what a bundle holds, for people and as JSON.
#include <iostream>
#include <memory>
#include <string>

#include "index/bundle/signature.h"
#include "index/bundle/store.h"
#include "index/tool/exit_code.h"
#include "index/tool/subcommand.h"
#include "index/tool/summary.h"

namespace pointsman::tool {
namespace {

int Inspect(const std::string& directory, bool json) {
  const absl::StatusOr<bundle::BundleParts> parts = bundle::ReadBundle(directory);
  if (!parts.ok()) return Complain(parts.status(), kFailed);
  BundleSummary summary = Summarise(*parts);
  absl::StatusOr<bundle::v1::SignatureSet> signatures = bundle::ReadSignatures(directory);
  if (signatures.ok()) {
    summary.signatures = *std::move(signatures);
  } else if (!absl::IsNotFound(signatures.status())) {
    return Complain(
        absl::DataLossError(directory + "/" + std::string(signatures.status().message())), kFailed);
  }
  std::cout << (json ? FormatSummaryAsJson(*parts, summary) : FormatSummary(*parts, summary));
  return kOk;
}

}  // namespace

void AddInspectCommand(CLI::App* app, Action* action) {
  struct Arguments {
    std::string bundle;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app->add_subcommand(
      "inspect",
      "Show a bundle: manifest, signatures, catalogue, exemplars by capability, calibration");
  command->add_option("BUNDLE", arguments->bundle, "Directory of the bundle")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_flag("--json", arguments->json, "Print all of it as JSON");
  command->callback([action, arguments] {
    *action = [arguments] { return Inspect(arguments->bundle, arguments->json); };
  });
}

}  // namespace pointsman::tool

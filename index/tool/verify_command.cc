// pointsman-index verify: every check that a server makes before it serves a bundle, one by one.
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "index/bundle/signature.h"
#include "index/bundle/store.h"
#include "index/engine.h"
#include "index/tool/exit_code.h"
#include "index/tool/subcommand.h"
#include "nlohmann/json.hpp"

namespace pointsman::tool {
namespace {

struct Check {
  std::string name;
  bool passed;
  std::string detail;
};

Check Failed(std::string name, const absl::Status& status) {
  return {std::move(name), false, std::string(status.message())};
}

// Runs the checks in the order in which loading makes them, up to the first that fails.
std::vector<Check> RunChecks(const std::string& directory, const bundle::TrustedKeys& trusted,
                             std::string* digest) {
  std::vector<Check> checks;
  const absl::StatusOr<bundle::BundleParts> parts =
      bundle::ReadBundle(directory, {.trusted_keys = &trusted});
  if (absl::IsPermissionDenied(parts.status())) return {Failed("signature", parts.status())};
  // Contents are looked into only once the files are known to be as they were written.
  const bool files_are_sound = parts.ok() || absl::IsInvalidArgument(parts.status());
  if (!files_are_sound) return {Failed("files", parts.status())};
  if (parts.ok() && !trusted.empty()) {
    checks.push_back(
        {"signature", true, absl::StrCat("signed by trusted key `", parts->signed_by, "`")});
  }
  checks.push_back(
      {"files", true, "format, names, lengths and digests are as the manifest states"});
  if (!parts.ok()) {
    checks.push_back(Failed("contents", parts.status()));
    return checks;
  }
  *digest = parts->manifest.digest();
  checks.push_back(
      {"contents", true,
       absl::StrCat(parts->manifest.exemplar_count(), " exemplars, ", parts->manifest.model_count(),
                    " models, ", parts->policies.policies_size(), " policies within bounds")});

  Engine::LoadOptions options;
  options.replay_golden = false;
  absl::Status status = Engine::Load(directory, options).status();
  if (!status.ok()) {
    checks.push_back(Failed("engine", status));
    return checks;
  }
  checks.push_back(
      {"engine", true,
       absl::StrCat("embedder ", parts->manifest.embedder_id(), ", index ",
                    parts->manifest.index_factory(), " and calibration fit together")});

  options.replay_golden = true;
  status = Engine::Load(directory, options).status();
  if (!status.ok()) {
    checks.push_back(Failed("golden", status));
    return checks;
  }
  checks.push_back(
      {"golden", true,
       absl::StrCat(parts->golden.queries_size(), " golden queries give the recorded decisions")});
  return checks;
}

int Verify(const std::string& directory, const std::string& trusted_keys, bool json) {
  bundle::TrustedKeys trusted;
  if (!trusted_keys.empty()) {
    absl::StatusOr<bundle::TrustedKeys> read = bundle::TrustedKeys::Read(trusted_keys);
    if (!read.ok()) return Complain(read.status(), kBadInput);
    trusted = *std::move(read);
  }
  std::string digest;
  const std::vector<Check> checks = RunChecks(directory, trusted, &digest);
  const bool passed = checks.back().passed;
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Check& check : checks) {
      list.push_back({{"check", check.name}, {"passed", check.passed}, {"detail", check.detail}});
    }
    const nlohmann::ordered_json report = {
        {"bundle", directory}, {"passed", passed}, {"digest", digest}, {"checks", list}};
    std::cout << report.dump(2) << "\n";
  } else {
    for (const Check& check : checks) {
      std::cout << absl::StreamFormat("%-6s  %-9s %s\n", check.passed ? "ok" : "FAILED", check.name,
                                      check.detail);
    }
    if (passed) std::cout << "digest " << digest << "\n";
  }
  return passed ? kOk : kFailed;
}

}  // namespace

void AddVerifyCommand(CLI::App* app, Action* action) {
  struct Arguments {
    std::string bundle;
    std::string trusted_keys;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app->add_subcommand(
      "verify", "Check a bundle as a server does before it serves it, golden queries included");
  command->add_option("BUNDLE", arguments->bundle, "Directory of the bundle")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_option("--trusted-keys", arguments->trusted_keys,
                      "Demand a signature of one of the PEM public keys in this file");
  command->add_flag("--json", arguments->json, "Print the checks as JSON");
  command->callback([action, arguments] {
    *action = [arguments] {
      return Verify(arguments->bundle, arguments->trusted_keys, arguments->json);
    };
  });
}

}  // namespace pointsman::tool

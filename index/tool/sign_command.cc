// pointsman-index sign: vouches for a bundle with an Ed25519 key.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "index/bundle/signing.h"
#include "index/bundle/store.h"
#include "index/engine.h"
#include "index/tool/exit_code.h"
#include "index/tool/subcommand.h"

namespace pointsman::tool {
namespace {

struct SignArguments {
  std::string bundle;
  std::string key;
  std::string name;
};

int Sign(const SignArguments& arguments) {
  const auto key = bundle::SigningKey::Read(arguments.key);
  if (!key.ok()) return Complain(key.status(), kBadInput);
  if (key->readable_by_others()) {
    std::cerr << absl::StrCat("pointsman-index: warning: ", arguments.key,
                              ": readable by others than its owner; chmod 600 closes it\n");
  }
  // Nobody should vouch for what a server would refuse.
  const auto engine = Engine::Load(arguments.bundle);
  if (!engine.ok()) return Complain(engine.status(), kFailed);
  const std::string& digest = (*engine)->manifest().digest();
  const auto signatures = bundle::AddSignature(arguments.bundle, digest, *key, arguments.name);
  if (!signatures.ok()) return Complain(signatures.status(), ExitCodeOf(signatures.status()));
  std::cout << absl::StrCat("signed ", arguments.bundle, " with key ", key->id(), "\ndigest ",
                            digest, "\nsignatures ", signatures->signatures_size(), "\n");
  return kOk;
}

}  // namespace

void AddSignCommand(CLI::App* app, Action* action) {
  const auto arguments = std::make_shared<SignArguments>();
  CLI::App* command =
      app->add_subcommand("sign", "Verify a bundle and add your signature to it (Ed25519)");
  command->add_option("BUNDLE", arguments->bundle, "Directory of the bundle")
      ->required()
      ->check(CLI::ExistingDirectory);
  command
      ->add_option("--key", arguments->key,
                   "Private key, PKCS#8 in PEM: openssl genpkey -algorithm ed25519 -out FILE")
      ->required();
  command->add_option("--name", arguments->name,
                      "Your name for the key, shown by inspect; trust goes by the key alone");
  command->callback([action, arguments] { *action = [arguments] { return Sign(*arguments); }; });
}

}  // namespace pointsman::tool

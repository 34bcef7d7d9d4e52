// The real pointsman-index, run as a process: signing a bundle, and who trusts it then.
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/bundle/test_key.h"
#include "tests/index/engine/tiny_bundle.h"

namespace pointsman::tool {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

class SignTest : public ::testing::Test {
 protected:
  SignTest() {
    EXPECT_TRUE(Build(TinySources(), directory_ / "bundle").ok());
    WriteKey("mine", 1);
    WriteKey("other", 2);
  }

  void WriteKey(const std::string& name, int number) const {
    const bundle::TestKey key = bundle::MakeTestKey(number);
    EXPECT_EQ(chmod(directory_.Write(name + ".pem", key.private_pem).c_str(), 0600), 0);
    directory_.Write(name + ".pub", "# " + name + "\n" + key.public_pem);
  }

  // Runs the tool; paths in `arguments` are relative to the test's directory.
  Result Run(const std::string& arguments) const {
    const std::string command = "cd '" + directory_.path() + "' && '" POINTSMAN_INDEX_BINARY "' " +
                                arguments + " >stdout 2>stderr </dev/null";
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), directory_.Read("stdout"), directory_.Read("stderr")};
  }

  bundle::ScratchDirectory directory_;
};

TEST_F(SignTest, ASignedBundleVerifiesWithItsKey) {
  const Result result = Run("sign bundle --key mine.pem --name 'release 2026'");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("signatures 1\n"));
  EXPECT_THAT(result.err, IsEmpty());
  const Result verified = Run("verify bundle --trusted-keys mine.pub");
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr("ok      signature signed by trusted key `mine`"));
  EXPECT_EQ(Run("verify bundle").exit_code, 0);
}

TEST_F(SignTest, KeysOfTheOpensslCommandWork) {
  const std::string make = "cd '" + directory_.path() +
                           "' && openssl genpkey -algorithm ed25519 -out made.pem 2>/dev/null && "
                           "openssl pkey -in made.pem -pubout -out made.pub 2>/dev/null";
  if (system(make.c_str()) != 0) GTEST_SKIP() << "the openssl command is not installed";
  ASSERT_EQ(Run("sign bundle --key made.pem").exit_code, 0);
  EXPECT_EQ(Run("verify bundle --trusted-keys made.pub").exit_code, 0);
}

TEST_F(SignTest, AnUnsignedOrForeignBundleFailsVerification) {
  Result result = Run("verify bundle --trusted-keys mine.pub");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("FAILED  signature bundle/signature.json: is missing"));
  ASSERT_EQ(Run("sign bundle --key other.pem").exit_code, 0);
  result = Run("verify bundle --trusted-keys mine.pub --json");
  EXPECT_EQ(result.exit_code, 1);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["checks"][0]["check"], "signature");
  EXPECT_EQ(json["checks"][0]["passed"], false);
}

TEST_F(SignTest, SigningLeavesTheDigestAlone) {
  const std::string before = directory_.Read("bundle/manifest.json");
  ASSERT_EQ(Run("sign bundle --key mine.pem").exit_code, 0);
  EXPECT_EQ(directory_.Read("bundle/manifest.json"), before);
}

TEST_F(SignTest, InspectShowsSignatures) {
  EXPECT_THAT(Run("inspect bundle").out, Not(HasSubstr("signature")));
  ASSERT_EQ(Run("sign bundle --key mine.pem --name release").exit_code, 0);
  ASSERT_EQ(Run("sign bundle --key other.pem").exit_code, 0);
  EXPECT_THAT(Run("inspect bundle").out, HasSubstr(", called release (not checked here)\n"));
  const auto json = nlohmann::json::parse(Run("inspect bundle --json").out);
  EXPECT_EQ(json["signatures"].size(), 2U);
  directory_.Write("bundle/signature.json", "{");
  const Result broken = Run("inspect bundle");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_THAT(broken.err, HasSubstr("bundle/signature.json"));
}

TEST_F(SignTest, AnUnsoundBundleIsNotSigned) {
  directory_.Write("bundle/vectors.faiss", "garbage");
  const Result result = Run("sign bundle --key mine.pem");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("vectors.faiss"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "bundle/signature.json"));
}

TEST_F(SignTest, AKeyThatOthersMayReadIsWarnedOf) {
  ASSERT_EQ(chmod((directory_ / "mine.pem").c_str(), 0644), 0);
  const Result result = Run("sign bundle --key mine.pem");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("warning: mine.pem: readable by others"));
}

TEST_F(SignTest, BadKeysAndNamesAreBadInput) {
  for (const char* arguments :
       {"sign bundle", "sign bundle --key none.pem", "sign bundle --key mine.pub",
        "sign nowhere --key mine.pem", "sign bundle --key mine.pem --name 'a\tb'",
        "verify bundle --trusted-keys none.pub", "verify bundle --trusted-keys mine.pem"}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr("pointsman-index: ")) << arguments;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "bundle/signature.json"));
}

TEST_F(SignTest, RebuildingOverASignedBundleWorks) {
  ASSERT_EQ(Run("sign bundle --key mine.pem").exit_code, 0);
  EXPECT_TRUE(Build(TinySources(), directory_ / "bundle").ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ / "bundle/signature.json"));
}

}  // namespace
}  // namespace pointsman::tool

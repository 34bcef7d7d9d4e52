// Bundles that must be signed, or of one digest, before an engine is made of them.
#include <filesystem>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/signature.h"
#include "index/bundle/signing.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/bundle/test_key.h"
#include "tiny_bundle.h"

namespace pointsman {
namespace {

using ::testing::HasSubstr;

class SignedTest : public ::testing::Test {
 protected:
  SignedTest() {
    const auto manifest = Build(TinySources(), bundle());
    EXPECT_TRUE(manifest.ok()) << manifest.status();
    digest_ = manifest->digest();
  }

  std::string bundle() const { return directory_ / "bundle"; }

  void Sign(int number) const {
    const std::string path = directory_.Write("key", bundle::MakeTestKey(number).private_pem);
    const auto key = bundle::SigningKey::Read(path);
    ASSERT_TRUE(key.ok()) << key.status();
    const auto set = bundle::AddSignature(bundle(), digest_, *key, "");
    ASSERT_TRUE(set.ok()) << set.status();
  }

  absl::StatusOr<std::unique_ptr<const Engine>> Load(int trusted,
                                                     const std::string& expected = "") const {
    Engine::LoadOptions options;
    options.expected_digest = expected;
    if (trusted >= 0) {
      const auto keys = bundle::TrustedKeys::Parse(
          "# release\n" + bundle::MakeTestKey(trusted).public_pem, "keys");
      options.trusted_keys = std::make_shared<bundle::TrustedKeys>(*keys);
    }
    return Engine::Load(bundle(), options);
  }

  bundle::ScratchDirectory directory_;
  std::string digest_;
};

TEST_F(SignedTest, AnEngineKnowsWhoSignedItsBundle) {
  Sign(1);
  const auto engine = Load(1);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->signed_by(), "release");
}

TEST_F(SignedTest, WhereNoneIsDemandedNobodySigned) {
  Sign(1);
  const auto engine = Load(-1);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->signed_by(), "");
  Engine::LoadOptions options;
  options.trusted_keys = std::make_shared<bundle::TrustedKeys>();
  EXPECT_TRUE(Engine::Load(bundle(), options).ok()) << "no keys, no demand";
}

TEST_F(SignedTest, AnUnsignedBundleIsRefusedWithThePathOfTheSignature) {
  const absl::Status status = Load(1).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(bundle() + "/signature.json: is missing"));
}

TEST_F(SignedTest, ABundleOfAnotherSignerIsRefused) {
  Sign(2);
  EXPECT_TRUE(absl::IsPermissionDenied(Load(1).status()));
}

TEST_F(SignedTest, TheSignatureIsCheckedBeforeAnyOtherFileIsRead) {
  Sign(2);
  directory_.Write("bundle/vectors.faiss", "garbage");
  std::filesystem::remove(bundle() + "/catalogue.binpb");
  EXPECT_TRUE(absl::IsPermissionDenied(Load(1).status()));
}

TEST_F(SignedTest, ASignatureDoesNotCoverAnAlteredFile) {
  Sign(1);
  directory_.Write("bundle/vectors.faiss", "garbage");
  EXPECT_TRUE(absl::IsDataLoss(Load(1).status()));
}

TEST_F(SignedTest, ASignatureOfAnotherBundleIsRefused) {
  Sign(1);
  const std::string signature = directory_.Read("bundle/signature.json");
  bundle::BundleSources sources = TinySources();
  sources.exemplars.pop_back();
  ASSERT_TRUE(Build(sources, bundle()).ok());
  directory_.Write("bundle/signature.json", signature);
  const absl::Status status = Load(1).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not verify"));
}

TEST_F(SignedTest, RebuildingTakesTheSignatureAway) {
  Sign(1);
  ASSERT_TRUE(Build(TinySources(), bundle()).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Load(1).status()));
}

TEST_F(SignedTest, TheExpectedDigestIsCheckedBeforeAnyOtherFileIsRead) {
  EXPECT_TRUE(Load(-1, digest_).ok());
  std::filesystem::remove(bundle() + "/vectors.faiss");
  const std::string other(64, 'a');
  const absl::Status status = Load(-1, other).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("manifest.json: digest must be " + other + ", is " + digest_));
  EXPECT_TRUE(absl::IsDataLoss(Load(-1, digest_).status()));
}

}  // namespace
}  // namespace pointsman

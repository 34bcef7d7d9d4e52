#include "index/bundle/signature.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/signing.h"
#include "tests/index/bundle/scratch_directory.h"
#include "tests/index/bundle/test_key.h"

namespace pointsman::bundle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string& Digest() {
  static const auto& digest = *new std::string(64, 'a');
  return digest;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TrustedKeys Trust(const std::string& text) {
  const absl::StatusOr<TrustedKeys> keys = TrustedKeys::Parse(text, "trusted.pem");
  EXPECT_TRUE(keys.ok()) << keys.status();
  return keys.ok() ? *keys : TrustedKeys();
}

// Why a file of trusted keys is refused.
std::string Problem(const std::string& text) {
  const absl::Status status = TrustedKeys::Parse(text, "trusted.pem").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return Message(status);
}

class SignatureTest : public ::testing::Test {
 protected:
  SigningKey Key(int number) const {
    const std::string path =
        directory_.Write("key" + std::to_string(number), MakeTestKey(number).private_pem);
    absl::StatusOr<SigningKey> key = SigningKey::Read(path);
    EXPECT_TRUE(key.ok()) << key.status();
    return *std::move(key);
  }

  v1::SignatureSet Sign(int number, const std::string& name = "",
                        const std::string& digest = Digest()) const {
    const absl::StatusOr<v1::SignatureSet> set = AddSignature(bundle_, digest, Key(number), name);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *set : v1::SignatureSet();
  }

  absl::Status Required(const std::string& trusted, const std::string& digest = Digest()) const {
    return RequireSignature(bundle_, digest, Trust(trusted)).status();
  }

  ScratchDirectory directory_;
  const std::string bundle_ =
      std::filesystem::path(directory_.Write("bundle/manifest.json", "")).parent_path();
};

TEST(TrustedKeysTest, AreNamedByTheCommentAboveOrByTheirId) {
  const TrustedKeys keys =
      Trust("# release 2026\n" + MakeTestKey(1).public_pem + "\n" + MakeTestKey(2).public_pem +
            "# a note\n# spare  \r\n" + MakeTestKey(3).public_pem);
  ASSERT_EQ(keys.keys().size(), 3U);
  EXPECT_EQ(keys.keys()[0].name, "release 2026");
  EXPECT_EQ(keys.keys()[1].name, keys.keys()[1].id);
  EXPECT_EQ(keys.keys()[1].id.size(), 64U);
  EXPECT_EQ(keys.keys()[2].name, "spare");
  EXPECT_EQ(keys.Find(keys.keys()[2].id), &keys.keys()[2]);
  EXPECT_EQ(keys.Find("00"), nullptr);
}

TEST(TrustedKeysTest, ProblemsNameFileAndLine) {
  const std::string key = MakeTestKey(1).public_pem;  // of three lines
  EXPECT_EQ(Problem(""), "trusted.pem: holds no PUBLIC KEY block");
  EXPECT_EQ(Problem("# nobody\n\n"), "trusted.pem: holds no PUBLIC KEY block");
  EXPECT_THAT(Problem("\nhello\n"), HasSubstr("trusted.pem:2: must be a PUBLIC KEY block"));
  EXPECT_THAT(Problem(key + MakeTestKey(2).private_pem),
              HasSubstr("trusted.pem:4: only PUBLIC KEY blocks belong here"));
  EXPECT_THAT(Problem(key + key), HasSubstr("trusted.pem:4: the same key as"));
  EXPECT_THAT(Problem("# a\n" + key + "# a\n" + MakeTestKey(2).public_pem),
              HasSubstr("trusted.pem:5: a second key with the name `a`"));
  EXPECT_THAT(Problem("# " + std::string(129, 'n') + "\n" + key),
              HasSubstr("trusted.pem:1: the name of a key must be at most 128"));
  EXPECT_THAT(Problem("#\n" + MakeEcKey().public_pem),
              HasSubstr("trusted.pem:2: is no Ed25519 public key"));
  EXPECT_THAT(Problem(key.substr(0, 40)),
              HasSubstr("trusted.pem:1: the PUBLIC KEY block does not"));
  EXPECT_THAT(Problem("-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----\n"),
              HasSubstr("trusted.pem:1: is no Ed25519 public key"));
  EXPECT_THAT(Problem(std::string(70'000, '\n')), HasSubstr("must be at most 65536 bytes"));
}

TEST(TrustedKeysTest, AtMostSixtyFour) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += MakeTestKey(i).public_pem;
  EXPECT_EQ(Trust(text).keys().size(), 64U);
  EXPECT_THAT(Problem(text + MakeTestKey(64).public_pem), HasSubstr("at most 64 keys"));
}

TEST_F(SignatureTest, AMissingFileOfKeysIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(TrustedKeys::Read(directory_ / "none").status()));
  EXPECT_TRUE(absl::IsNotFound(SigningKey::Read(directory_ / "none").status()));
}

TEST_F(SignatureTest, OneSignatureOfATrustedKeyIsEnough) {
  Sign(1, "alice");
  Sign(2, "bob");
  const absl::StatusOr<std::string> signer =
      RequireSignature(bundle_, Digest(), Trust("# the boss\n" + MakeTestKey(2).public_pem));
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(*signer, "the boss") << "not what the signer calls itself";
}

TEST_F(SignatureTest, SigningAgainReplacesTheSignatureOfTheSameKey) {
  Sign(1, "old");
  Sign(2, "other");
  const v1::SignatureSet set = Sign(1, "new", std::string(64, 'b'));
  EXPECT_EQ(set.signatures_size(), 2);
  EXPECT_TRUE(Required(MakeTestKey(1).public_pem, std::string(64, 'b')).ok());
  EXPECT_TRUE(Required(MakeTestKey(2).public_pem).ok());
  EXPECT_THAT(directory_.List("bundle"), ElementsAre("manifest.json", "signature.json"));
}

TEST_F(SignatureTest, AMissingSignatureIsNamed) {
  const absl::Status status = Required(MakeTestKey(1).public_pem);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(status), HasSubstr("signature.json: is missing"));
}

TEST_F(SignatureTest, AnUnknownKeyIsNamed) {
  const v1::SignatureSet set = Sign(1);
  const absl::Status status = Required(MakeTestKey(2).public_pem);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(status), HasSubstr("no signature is of one of the 1 trusted keys"));
  EXPECT_THAT(Message(status), HasSubstr(set.signatures(0).key_id()));
}

TEST_F(SignatureTest, ASignatureOfAnotherDigestDoesNotVerify) {
  Sign(1);
  const absl::Status status =
      Required("# boss\n" + MakeTestKey(1).public_pem, std::string(64, 'b'));
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(Message(status), HasSubstr("trusted key `boss`"));
  EXPECT_THAT(Message(status), HasSubstr("does not verify"));
}

TEST_F(SignatureTest, EveryFlippedDigitIsNoticed) {
  const v1::SignatureSet set = Sign(1);
  const TrustedKeys trusted = Trust(MakeTestKey(1).public_pem);
  for (size_t i = 0; i < 2 * kSignatureBytes; ++i) {
    v1::SignatureSet altered = set;
    char& digit = (*altered.mutable_signatures(0)->mutable_signature())[i];
    digit = digit == '0' ? '1' : '0';
    EXPECT_FALSE(VerifySignatures(altered, Digest(), trusted).ok()) << i;
  }
}

TEST_F(SignatureTest, ASignatureUnderTheIdOfAnotherKeyDoesNotVerify) {
  v1::SignatureSet set = Sign(1);
  set.mutable_signatures(0)->set_key_id(Key(2).id());
  EXPECT_TRUE(absl::IsPermissionDenied(
      VerifySignatures(set, Digest(), Trust(MakeTestKey(2).public_pem)).status()));
}

TEST_F(SignatureTest, FormattedSignaturesReadBack) {
  const v1::SignatureSet set = Sign(3, "release key");
  const absl::StatusOr<v1::SignatureSet> read = ParseSignatures(FormatSignatures(set));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), set.SerializeAsString());
}

TEST_F(SignatureTest, AMalformedFileIsDataLossAndNobodyVouches) {
  const std::string id(64, 'a');
  const std::string signature(128, 'b');
  const auto one = [](const std::string& key_id, const std::string& bytes) {
    return R"({"key_id": ")" + key_id + R"(", "signature": ")" + bytes + R"("})";
  };
  const auto list = [](const std::string& items) { return R"({"signatures": [)" + items + "]}"; };
  std::string many = one(id, signature);
  for (int i = 0; i < 16; ++i) many += ", " + one(id, signature);
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("\xFF"), std::string("[]"), list(""),
        list(one("aa", signature)), list(one(id, "bb")), list(one(std::string(64, 'A'), signature)),
        list(one(id, signature) + "," + one(id, signature)), list(many),
        list(R"({"signature": 1})"), std::string(R"({"signatures": [], "more": 1})"),
        std::string(70'000, ' '), std::string(40'000, '[')}) {
    directory_.Write("bundle/signature.json", text);
    const absl::Status status = ReadSignatures(bundle_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << text.substr(0, 200) << status;
    EXPECT_THAT(Message(status), HasSubstr("signature.json"));
    EXPECT_TRUE(absl::IsPermissionDenied(Required(MakeTestKey(1).public_pem)));
    EXPECT_EQ(AddSignature(bundle_, Digest(), Key(1), "").status().code(),
              absl::StatusCode::kDataLoss)
        << "what is there is not thrown away";
  }
}

TEST_F(SignatureTest, AtMostSixteenSignatures) {
  for (int i = 0; i < kMostSignatures; ++i) Sign(i);
  EXPECT_TRUE(absl::IsResourceExhausted(AddSignature(bundle_, Digest(), Key(77), "").status()));
  EXPECT_TRUE(AddSignature(bundle_, Digest(), Key(3), "again").ok());
}

TEST_F(SignatureTest, SignersAtTheSameTimeLoseNothing) {
  std::vector<SigningKey> keys;
  for (int i = 0; i < 8; ++i) keys.push_back(Key(i));
  std::vector<std::thread> threads;
  for (const SigningKey& key : keys) {
    threads.emplace_back(
        [this, &key] { EXPECT_TRUE(AddSignature(bundle_, Digest(), key, "").ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::StatusOr<v1::SignatureSet> set = ReadSignatures(bundle_);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->signatures_size(), 8);
}

TEST_F(SignatureTest, WhatAKilledSignerLeftIsReplaced) {
  directory_.Write("bundle/..signature.json.new", "half of it");
  Sign(1);
  EXPECT_THAT(directory_.List("bundle"), ElementsAre("manifest.json", "signature.json"));
}

TEST_F(SignatureTest, PrivateKeysOfOtherKindsAreRefusedWithoutQuotingThem) {
  const std::string secret = MakeEcKey().private_pem;
  absl::Status status = SigningKey::Read(directory_.Write("ec", secret)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(Message(status), HasSubstr("must be an Ed25519 key"));
  const std::string pem = MakeTestKey(1).private_pem;
  status = SigningKey::Read(directory_.Write("cut", pem.substr(0, pem.size() / 2))).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(Message(status), Not(HasSubstr(pem.substr(28, 20))));
  status = SigningKey::Read(directory_.Write("public", MakeTestKey(1).public_pem)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
}

TEST_F(SignatureTest, AKeyFileThatOthersMayReadIsTold) {
  const std::string path = directory_.Write("key", MakeTestKey(1).private_pem);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_FALSE(SigningKey::Read(path)->readable_by_others());
  ASSERT_EQ(chmod(path.c_str(), 0604), 0);
  EXPECT_TRUE(SigningKey::Read(path)->readable_by_others());
}

TEST_F(SignatureTest, NamesAreShortAndPrintable) {
  for (const std::string& name : {std::string(129, 'n'), std::string("a\nb"), std::string("ä")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(AddSignature(bundle_, Digest(), Key(1), name).status()));
  }
}

}  // namespace
}  // namespace pointsman::bundle

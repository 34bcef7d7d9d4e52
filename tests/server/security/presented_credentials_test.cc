#include "server/security/presented_credentials.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

BearerKey Read(const std::string& value) {
  return ReadBearerKey(GrpcMetadata{{"authorization", value}});
}

TEST(PresentedCredentialsTest, FindsTheKeyBehindTheScheme) {
  const std::string value = "Bearer abc.DEF-123==";
  const GrpcMetadata metadata = {{"user-agent", "x"}, {"authorization", value}};
  const BearerKey key = ReadBearerKey(metadata);
  EXPECT_THAT(key.malformed, IsEmpty());
  EXPECT_EQ(key.key, "abc.DEF-123==");
}

TEST(PresentedCredentialsTest, TheSchemeMayBeWrittenInAnyCase) {
  for (const std::string value : {"bearer k", "BEARER k", "BeArEr   k", " Bearer\tk "}) {
    EXPECT_EQ(Read(value).key.value_or("(none)"), "k") << value;
  }
}

TEST(PresentedCredentialsTest, NoHeaderIsNoKeyAndNotMalformed) {
  const BearerKey key = ReadBearerKey({{"user-agent", "x"}});
  EXPECT_FALSE(key.key.has_value());
  EXPECT_THAT(key.malformed, IsEmpty());
}

TEST(PresentedCredentialsTest, SeveralHeadersAreMalformed) {
  const BearerKey key =
      ReadBearerKey({{"authorization", "Bearer a"}, {"authorization", "Bearer b"}});
  EXPECT_FALSE(key.key.has_value());
  EXPECT_THAT(std::string(key.malformed), HasSubstr("given several times"));
}

TEST(PresentedCredentialsTest, AnotherSchemeIsMalformed) {
  for (const std::string value : {"Basic YTpi", "abc", "Bearerabc", ""}) {
    EXPECT_THAT(std::string(Read(value).malformed), HasSubstr("another scheme")) << value;
  }
}

TEST(PresentedCredentialsTest, ASchemeWithoutKeyIsMalformed) {
  EXPECT_THAT(std::string(Read("Bearer ").malformed), HasSubstr("no key"));
}

TEST(PresentedCredentialsTest, AKeyOfMoreThanItsBoundIsMalformed) {
  const std::string longest = "Bearer " + std::string(kMaxKeyBytes, 'k');
  EXPECT_THAT(Read(longest).malformed, IsEmpty());
  EXPECT_THAT(std::string(Read(longest + "k").malformed), HasSubstr("at most 512 bytes"));
}

TEST(PresentedCredentialsTest, AKeyWithOddCharactersIsMalformedAndNotRepeated) {
  for (const std::string key : {"a b", "a\x01z", "\xc3\xa4"}) {
    const std::string malformed(Read("Bearer " + key).malformed);
    EXPECT_THAT(malformed, HasSubstr("visible ASCII"));
    EXPECT_THAT(malformed, testing::Not(HasSubstr(key)));
  }
}

TEST(PresentedCredentialsTest, WithoutAContextThereAreNoCertificateNames) {
  EXPECT_THAT(VerifiedCertificateNames(nullptr), IsEmpty());
}

}  // namespace
}  // namespace pointsman::server

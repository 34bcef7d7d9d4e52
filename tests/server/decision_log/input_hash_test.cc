#include "server/decision_log/input_hash.h"

#include <openssl/hmac.h>

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;

std::string Hash(const InputHasher& hasher, const v1::RouteRequest& request) {
  const InputHash hash = hasher.Hash(request);
  return {hash.begin(), hash.end()};
}

v1::RouteRequest TextRequest(const std::string& text) {
  v1::RouteRequest request;
  request.set_text(text);
  return request;
}

TEST(InputHashTest, OfATextIsTheHmacOfItsBytes) {
  const std::string text = "what is the time?";
  // Below, at and above a block of SHA-256.
  for (const size_t key_bytes : {16U, 63U, 64U, 65U, 4096U}) {
    const std::string key(key_bytes, 'k');
    std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), expected.data(),
         nullptr);
    std::string hex;
    for (size_t i = 0; i < kInputHashDigits / 2; ++i) {
      hex += "0123456789abcdef"[expected[i] >> 4];
      hex += "0123456789abcdef"[expected[i] & 15];
    }
    EXPECT_EQ(Hash(*InputHasher::Create(key), TextRequest(text)), hex) << key_bytes;
  }
}

TEST(InputHashTest, EqualInputsHaveEqualHashesUnderOneKeyOnly) {
  const InputHasher one = *InputHasher::Create(*MakeHashKey());
  const InputHasher other = *InputHasher::Create(*MakeHashKey());
  EXPECT_EQ(Hash(one, TextRequest("a")), Hash(one, TextRequest("a")));
  EXPECT_NE(Hash(one, TextRequest("a")), Hash(one, TextRequest("b")));
  EXPECT_NE(Hash(one, TextRequest("a")), Hash(other, TextRequest("a")));
}

TEST(InputHashTest, InputsThatDifferInShapeOnlyHaveDifferentHashes) {
  const InputHasher hasher = *InputHasher::Create(std::string(32, 'k'));
  std::vector<v1::RouteRequest> requests(6);
  requests[0].set_text("ab");
  const auto add = [](v1::RouteRequest& request, v1::Role role, const std::string& content) {
    v1::Turn* turn = request.mutable_conversation()->add_turns();
    turn->set_role(role);
    turn->set_content(content);
  };
  add(requests[1], v1::ROLE_USER, "ab");
  add(requests[2], v1::ROLE_USER, "a");
  add(requests[2], v1::ROLE_USER, "b");
  add(requests[3], v1::ROLE_SYSTEM, "ab");
  requests[4].mutable_embedding()->add_values(1);
  requests[5].mutable_embedding()->set_embedder_id("e");
  requests[5].mutable_embedding()->add_values(1);
  std::set<std::string> hashes;
  for (const v1::RouteRequest& request : requests) hashes.insert(Hash(hasher, request));
  EXPECT_EQ(hashes.size(), requests.size());
}

TEST(InputHashTest, AKeyFileThatIsNoKeyIsRefusedWithItsPath) {
  const TemporaryDirectory directory;
  const auto missing = ReadHashKey(directory / "none");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr(directory / "none"));
  WriteFile(directory / "short", "123456789012345");
  const auto shorter = ReadHashKey(directory / "short");
  EXPECT_EQ(shorter.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(shorter.status().message()), HasSubstr("at least 16 bytes"));
  WriteFile(directory / "long", std::string(4097, 'k'));
  EXPECT_THAT(std::string(ReadHashKey(directory / "long").status().message()),
              HasSubstr("larger than 4096 bytes"));
}

TEST(InputHashTest, EveryByteOfAKeyFileCounts) {
  const TemporaryDirectory directory;
  WriteFile(directory / "key", "1234567890123456\n");
  EXPECT_EQ(*ReadHashKey(directory / "key"), "1234567890123456\n");
}

}  // namespace
}  // namespace pointsman::server

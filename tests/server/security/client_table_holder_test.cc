#include "server/security/client_table_holder.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/security/certificates.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string FileFor(const std::string& certificate) {
  return absl::StrCat("clients:\n  - {name: ", certificate, ", certificate: ", certificate,
                      ", scopes: [route]}\n");
}

std::string Caller(const ClientTableHolder& holder, std::string_view certificate) {
  const std::vector<CertificateName> names = {{CertificateName::Kind::kPlain, certificate}};
  const AuthVerdict verdict = holder.Authenticate({{}, {}, names}, kNow);
  const auto* identity = std::get_if<Identity>(&verdict);
  return identity == nullptr ? "(refused)" : std::string(identity->name.view());
}

class ClientTableHolderTest : public testing::Test {
 protected:
  std::unique_ptr<ClientTableHolder> MakeHolder(const std::string& contents) {
    WriteTestFile(path_, contents);
    auto holder = ClientTableHolder::Create(path_, kNow, nullptr);
    EXPECT_TRUE(holder.ok()) << holder.status();
    return *std::move(holder);
  }

  const std::string path_ = MakeTestDirectory() + "/clients.yaml";
};

TEST_F(ClientTableHolderTest, DoesNotStartWithABadFile) {
  WriteTestFile(path_, "clients: 7\n");
  const auto holder = ClientTableHolder::Create(path_, kNow, nullptr);
  EXPECT_EQ(holder.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTableHolderTest, TellsTheWarningsOfTheFirstReading) {
  WriteTestFile(path_, FileFor("a"), 0644);
  std::vector<std::string> warnings;
  ASSERT_TRUE(ClientTableHolder::Create(path_, kNow, &warnings).ok());
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("everybody")));
}

TEST_F(ClientTableHolderTest, ReloadPutsANewTableIntoService) {
  const auto holder = MakeHolder(FileFor("a"));
  EXPECT_EQ(Caller(*holder, "a"), "a");
  WriteTestFile(path_, FileFor("b"));
  const auto outcome = holder->Reload(kNow);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->entries, 1U);
  EXPECT_EQ(Caller(*holder, "a"), "(refused)");
  EXPECT_EQ(Caller(*holder, "b"), "b");
  EXPECT_EQ(holder->generation(), 2U);
}

TEST_F(ClientTableHolderTest, ABadFileKeepsTheTableInService) {
  const auto holder = MakeHolder(FileFor("a"));
  for (const char* bad : {"", "clients:\n", "clients: [", "clients:\n  - name: b\n"}) {
    WriteTestFile(path_, bad);
    EXPECT_FALSE(holder->Reload(kNow).ok()) << bad;
    EXPECT_EQ(Caller(*holder, "a"), "a");
  }
  EXPECT_EQ(holder->generation(), 1U);
}

TEST_F(ClientTableHolderTest, CallersAreKnownThroughoutAHundredReloads) {
  const auto holder = MakeHolder(FileFor("a"));
  std::atomic<bool> stop = false;
  std::atomic<int> refused = 0;
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        if (Caller(*holder, "a") != "a") ++refused;
        ++calls;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    WriteTestFile(path_, i % 2 == 0 ? FileFor("a") + "\n" : "clients: [");
    EXPECT_EQ(holder->Reload(kNow).ok(), i % 2 == 0);
  }
  while (calls < 1000) std::this_thread::yield();
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(holder->generation(), 51U);
}

}  // namespace
}  // namespace pointsman::server

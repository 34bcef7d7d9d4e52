#include "server/decision_log/log_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

using testing::HasSubstr;

class LogFileTest : public testing::Test {
 protected:
  void ExpectRefused(const std::string& path, absl::StatusCode code, const std::string& reason) {
    const auto file = LogFile::Open(path);
    EXPECT_EQ(file.status().code(), code);
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(path));
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(reason));
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "decisions.jsonl";
  const std::function<bool()> go_on_ = [] { return true; };
};

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  WriteFile(path_, "{}\n");
  auto file = LogFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->Write({"{\"a\":", "1}\n"}, go_on_).bytes, 8U);
  EXPECT_EQ(ReadFile(path_), "{}\n{\"a\":1}\n");
  EXPECT_EQ(file->Size(), 11U);
}

TEST_F(LogFileTest, ANewFileIsNotForEverybodyToRead) {
  ASSERT_TRUE(LogFile::Open(path_).ok());
  struct stat info{};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07137, 0U);
}

TEST_F(LogFileTest, TheTornLastLineOfACrashIsCutOff) {
  WriteFile(path_, "{\"a\":1}\n{\"b\":2}\n{\"c\":");
  ASSERT_TRUE(LogFile::Open(path_).ok());
  EXPECT_EQ(ReadFile(path_), "{\"a\":1}\n{\"b\":2}\n");
  WriteFile(path_, "{\"c\":");
  ASSERT_TRUE(LogFile::Open(path_).ok());
  EXPECT_EQ(ReadFile(path_), "");
  const std::string long_line = "{\"a\":1}\n{" + std::string(100'000, 'x');
  WriteFile(path_, long_line);
  ASSERT_TRUE(LogFile::Open(path_).ok());
  EXPECT_EQ(ReadFile(path_), "{\"a\":1}\n");
}

TEST_F(LogFileTest, AFileOfSomethingElseIsRefusedAndLeftAlone) {
  WriteFile(path_, "#!/bin/sh\nexit");
  ExpectRefused(path_, absl::StatusCode::kFailedPrecondition, "not a decision log");
  EXPECT_EQ(ReadFile(path_), "#!/bin/sh\nexit");
}

TEST_F(LogFileTest, AMissingDirectoryIsNamed) {
  ExpectRefused(directory_ / "none/decisions.jsonl", absl::StatusCode::kNotFound,
                "No such file or directory");
}

TEST_F(LogFileTest, ADirectoryIsNoFile) {
  ExpectRefused(directory_.path(), absl::StatusCode::kUnavailable, "Is a directory");
}

TEST_F(LogFileTest, AFileThatMayNotBeWrittenIsRefused) {
  // A running program may be written by nobody, not even by root.
  ExpectRefused("/proc/self/exe", absl::StatusCode::kUnavailable, "Text file busy");
}

TEST_F(LogFileTest, TwoWritersOfOneFileAreRefused) {
  const auto first = LogFile::Open(path_);
  ASSERT_TRUE(first.ok());
  ExpectRefused(path_, absl::StatusCode::kFailedPrecondition, "another process");
}

TEST_F(LogFileTest, RotationGoesOnInANewFile) {
  auto file = LogFile::Open(path_);
  file->Write({"{}\n", ""}, go_on_);
  ASSERT_TRUE(file->Rotate(path_ + ".old").ok());
  EXPECT_EQ(file->Size(), 0U);
  file->Write({"{\"b\":1}\n", ""}, go_on_);
  EXPECT_EQ(ReadFile(path_ + ".old"), "{}\n");
  EXPECT_EQ(ReadFile(path_), "{\"b\":1}\n");
}

TEST_F(LogFileTest, ASymbolicLinkStaysALinkWhenItsFileIsRotated) {
  const std::string link = directory_ / "link";
  WriteFile(path_, "{}\n");
  std::filesystem::create_symlink(path_, link);
  auto file = LogFile::Open(link);
  ASSERT_TRUE(file->Rotate(file->path() + ".old").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(ReadFile(path_ + ".old"), "{}\n");
  EXPECT_EQ(ReadFile(link), "");
}

TEST_F(LogFileTest, AfterAFailedRotationTheOldFileIsStillWritten) {
  auto file = LogFile::Open(path_);
  EXPECT_FALSE(file->Rotate(directory_ / "none/old").ok());
  EXPECT_TRUE(file->Write({"{}\n", ""}, go_on_).status.ok());
  EXPECT_EQ(ReadFile(path_), "{}\n");
}

TEST_F(LogFileTest, ReopeningAFileThatNobodyMovedKeepsIt) {
  auto file = LogFile::Open(path_);
  EXPECT_TRUE(file->Reopen().ok());
  file->Write({"{}\n", ""}, go_on_);
  EXPECT_EQ(ReadFile(path_), "{}\n");
}

TEST_F(LogFileTest, AFileThatSomebodyCutShortIsAppendedTo) {
  auto file = LogFile::Open(path_);
  file->Write({"{\"a\":1}\n", ""}, go_on_);
  std::filesystem::resize_file(path_, 0);
  file->Write({"{}\n", ""}, go_on_);
  EXPECT_EQ(ReadFile(path_), "{}\n");
}

TEST_F(LogFileTest, SyncsFileAndDirectory) {
  auto file = LogFile::Open(path_);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(file->SyncDirectory().ok());
}

TEST_F(LogFileTest, ADeviceIsWrittenButNotRotated) {
  auto file = LogFile::Open("/dev/null");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->is_regular());
  EXPECT_TRUE(file->Write({"{}\n", ""}, go_on_).status.ok());
  EXPECT_TRUE(file->Sync().ok());
}

}  // namespace
}  // namespace pointsman::server

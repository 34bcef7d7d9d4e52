#include "index/bundle/line_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pointsman::bundle {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr std::string_view kBlanks = " \t\r";

}  // namespace

LineReader::LineReader(gzFile file, std::string name, size_t max_line_bytes, int64_t max_bytes,
                       Problems* problems)
    : file_(file),
      name_(std::move(name)),
      max_line_bytes_(max_line_bytes),
      max_bytes_(max_bytes),
      problems_(problems),
      buffer_(kBufferBytes) {}

std::unique_ptr<LineReader> LineReader::Open(const std::string& path, const std::string& name,
                                             size_t max_line_bytes, int64_t max_bytes,
                                             Problems* problems) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    problems->Add(absl::StrCat(name, ": not a regular file"));
    return nullptr;
  }
  errno = 0;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    problems->Add(absl::StrCat(name, ": cannot be opened: ", std::strerror(errno)));
    return nullptr;
  }
  std::unique_ptr<LineReader> reader(
      new LineReader(file, name, max_line_bytes, max_bytes, problems));
  const bool named_gzip = std::string_view(path).ends_with(".gz");
  const bool is_gzip = gzdirect(file) == 0;
  if (named_gzip != is_gzip) {
    reader->Fail(0, named_gzip ? "named .gz but not gzip" : "gzip, but not named .gz");
    return nullptr;
  }
  return reader;
}

std::unique_ptr<LineReader> LineReader::OpenStandardInput(const std::string& name,
                                                          size_t max_line_bytes, int64_t max_bytes,
                                                          Problems* problems) {
  errno = 0;
  const int fd = dup(STDIN_FILENO);
  gzFile file = fd < 0 ? nullptr : gzdopen(fd, "rb");
  if (file == nullptr) {
    problems->Add(absl::StrCat(name, ": cannot be opened: ", std::strerror(errno)));
    if (fd >= 0) close(fd);
    return nullptr;
  }
  return std::unique_ptr<LineReader>(
      new LineReader(file, name, max_line_bytes, max_bytes, problems));
}

int64_t LineReader::offset() const { return std::max<int64_t>(0, gzoffset(file_.get())); }

bool LineReader::Next(std::string* line) {
  do {
    line->clear();
    if (!ReadLine(line)) return false;
  } while (line->find_first_not_of(kBlanks) == std::string::npos);
  return true;
}

bool LineReader::ReadLine(std::string* line) {
  bool any = false;
  line_ended_ = false;
  while (begin_ < end_ || Fill()) {
    if (!any) ++line_number_;
    any = true;
    const std::string_view unread(buffer_.data() + begin_, end_ - begin_);
    const size_t length = std::min(unread.find('\n'), unread.size());
    if (line->size() + length > max_line_bytes_) {
      return Fail(line_number_, absl::StrCat("the line is longer than ", max_line_bytes_,
                                             " bytes, the most that is read"));
    }
    line->append(unread.substr(0, length));
    begin_ += length;
    if (begin_ < end_) {
      ++begin_;  // the line's end
      line_ended_ = true;
      return true;
    }
  }
  return any && !failed_;
}

bool LineReader::Fill() {
  if (failed_) return false;
  const int got = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int code = Z_OK;
  const char* message = gzerror(file_.get(), &code);
  if (got < 0 ||
      code != Z_OK) {  // a truncated file gives its bytes first, and Z_BUF_ERROR with them
    return Fail(line_number_ + 1,
                absl::StrCat("cannot be read further: ",
                             code == Z_BUF_ERROR ? "the gzip data end too early" : message));
  }
  begin_ = 0;
  end_ = static_cast<size_t>(got);
  bytes_read_ += got;
  if (bytes_read_ > max_bytes_) {
    return Fail(line_number_, absl::StrCat("more than ", max_bytes_,
                                           " bytes once decompressed, the most that is read"));
  }
  return got > 0;
}

bool LineReader::Fail(int line, const std::string& problem) {
  begin_ = end_ = 0;
  failed_ = true;
  const Path file;
  Reporter(name_, line, problems_).Report(file, problem);
  return false;
}

}  // namespace pointsman::bundle

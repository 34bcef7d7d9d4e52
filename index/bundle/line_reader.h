// Lines of a JSONL file, plain or gzip, one at a time in bounded memory.
#ifndef POINTSMAN_INDEX_BUNDLE_LINE_READER_H_
#define POINTSMAN_INDEX_BUNDLE_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "index/bundle/problems.h"
#include "zlib.h"

namespace pointsman::bundle {

class LineReader {
 public:
  // Opens `path`; a name that ends in .gz must be gzip, and no other may be. Null after reporting
  // to `problems` under `name`. The reader refuses a line of more than `max_line_bytes` without
  // reading it whole, and a file of more than `max_bytes` once decompressed.
  static std::unique_ptr<LineReader> Open(const std::string& path, const std::string& name,
                                          size_t max_line_bytes, int64_t max_bytes,
                                          Problems* problems);

  // The same for standard input, plain or gzip; a pipe will do.
  static std::unique_ptr<LineReader> OpenStandardInput(const std::string& name,
                                                       size_t max_line_bytes, int64_t max_bytes,
                                                       Problems* problems);

  // The next line that is not blank, without its end. False at the end of the file, and after
  // reporting a problem.
  bool Next(std::string* line);

  int line_number() const { return line_number_; }  // of the line returned last, from 1
  // The line returned last ended in a line feed; else the input ended within it.
  bool line_ended() const { return line_ended_; }
  // Bytes of the file that were read so far, compressed as it is; 0 for a pipe.
  int64_t offset() const;

 private:
  struct CloseGzip {
    void operator()(gzFile file) const { gzclose(file); }
  };

  LineReader(gzFile file, std::string name, size_t max_line_bytes, int64_t max_bytes,
             Problems* problems);

  // Appends the rest of the line to `line`. False at the end of the file or after a problem.
  bool ReadLine(std::string* line);
  bool Fill();
  bool Fail(int line, const std::string& problem);

  std::unique_ptr<gzFile_s, CloseGzip> file_;
  const std::string name_;
  const size_t max_line_bytes_;
  const int64_t max_bytes_;
  Problems* const problems_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // unread part of the buffer
  size_t end_ = 0;
  int64_t bytes_read_ = 0;
  int line_number_ = 0;
  bool line_ended_ = false;
  bool failed_ = false;
};

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_LINE_READER_H_

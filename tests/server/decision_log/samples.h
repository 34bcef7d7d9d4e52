// Decisions, requests and directories for the tests of the decision log.
#ifndef POINTSMAN_TESTS_SERVER_DECISION_LOG_SAMPLES_H_
#define POINTSMAN_TESTS_SERVER_DECISION_LOG_SAMPLES_H_

#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/v1/decision_log.pb.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman::server {

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(std::string_view name) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, std::string_view bytes);
std::string ReadFile(const std::string& path);

// The lines of a file. Fails the test if the last one has no line end.
std::vector<std::string> ReadLines(const std::string& path);
// Those of every file of the log at `path`, oldest first.
std::vector<std::string> ReadAllLines(const std::string& path);

// By protobuf's parser, which refuses unknown fields. Fails the test if it does not parse.
v1::DecisionRecord ParseRecord(std::string_view line);

// Polls until `holds`, for at most ten seconds; returns whether it came to hold.
bool Eventually(const std::function<bool()>& holds);

// What a decision over a catalogue of `models` looks like: full names, digests and digits.
v1::RouteResponse UsualResponse(int models);
v1::RouteRequest UsualRequest();

// Anything that the schema allows: odd strings, tiny and huge numbers, present and absent fields.
std::string OddString(std::mt19937_64& random);
v1::RouteResponse OddResponse(std::mt19937_64& random);
v1::RouteRequest OddRequest(std::mt19937_64& random);

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_DECISION_LOG_SAMPLES_H_

#include "tests/server/decision_log/samples.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "index/string_view.h"
#include "server/decision_log/rotated_files.h"

namespace pointsman::server {
namespace {

double OddDouble(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return 0;
    case 1:
      return static_cast<double>(random() % 1000);
    case 2:
      return 1e-300;
    case 3:
      return -123456789012345678.0;
    default: {
      // Any bits that are a number.
      const double value = std::bit_cast<double>(uint64_t{random()});
      return std::isfinite(value) ? value : 0.1;
    }
  }
}

// Fills a message by its schema: each field is present or not, lists have up to four entries.
void FillOddly(std::mt19937_64& random, google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const auto* reflection = message.GetReflection();
  const auto* descriptor = message.GetDescriptor();
  for (int f = 0; f < descriptor->field_count(); ++f) {
    const FieldDescriptor* field = descriptor->field(f);
    const int count = field->is_repeated() ? static_cast<int>(random() % 5) : int(random() % 2);
    if (field->is_map()) continue;
    for (int i = 0; i < count; ++i) {
      const bool many = field->is_repeated();
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          many ? reflection->AddString(&message, field, OddString(random))
               : reflection->SetString(&message, field, OddString(random));
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          FillOddly(random, many ? *reflection->AddMessage(&message, field)
                                 : *reflection->MutableMessage(&message, field));
          break;
        case FieldDescriptor::CPPTYPE_ENUM: {
          const auto* value = field->enum_type()->value(static_cast<int>(
              random() % static_cast<uint64_t>(field->enum_type()->value_count())));
          many ? reflection->AddEnum(&message, field, value)
               : reflection->SetEnum(&message, field, value);
          break;
        }
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection->SetBool(&message, field, random() % 2 == 0);
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          reflection->SetDouble(&message, field, OddDouble(random));
          break;
        case FieldDescriptor::CPPTYPE_FLOAT:
          reflection->AddFloat(&message, field, static_cast<float>(random()) / 3.0F);
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          reflection->SetInt32(&message, field, static_cast<int32_t>(random() >> 33));
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          reflection->SetInt64(&message, field, static_cast<int64_t>(random()));
          break;
        default:
          FAIL() << field->full_name() << " has a type that this test does not fill";
      }
    }
  }
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  path_ = testing::TempDir() + "/decision_log_XXXXXX";
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::operator/(std::string_view name) const {
  return absl::StrCat(path_, "/", ToAbsl(name));
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.flush().good()) << path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

std::vector<std::string> ReadLines(const std::string& path) {
  const std::string bytes = ReadFile(path);
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end; (end = bytes.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(bytes.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, bytes.size()) << path << " ends in half a line";
  return lines;
}

std::vector<std::string> ReadAllLines(const std::string& path) {
  std::vector<std::string> lines;
  std::vector<std::string> files = RotatedFiles(path);
  files.push_back(path);
  for (const std::string& file : files) {
    for (std::string& line : ReadLines(file)) lines.push_back(std::move(line));
  }
  return lines;
}

v1::DecisionRecord ParseRecord(std::string_view line) {
  v1::DecisionRecord record;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status =
      google::protobuf::util::JsonStringToMessage({line.data(), line.size()}, &record, options);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << line;
  return record;
}

bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

v1::RouteResponse UsualResponse(int models) {
  v1::RouteResponse response;
  response.set_decision_id("01JDF3Z6V8Q4M2N7X5R9T1B0KC");
  response.set_outcome(v1::OUTCOME_CHOSEN);
  response.set_model("vendor/model-number-0");
  response.set_confidence(0.87346512987346519);
  response.set_margin(0.71234987123498711);
  response.set_familiarity(0.34712983471298347);
  for (int i = 0; i < models; ++i) {
    v1::Candidate* candidate = response.add_candidates();
    candidate->set_model(absl::StrCat("vendor/model-number-", i));
    candidate->set_success_probability(0.87346512987346519 / (1 + i / 7.0));
    candidate->mutable_success_interval()->set_lower(0.1 / (i + 3));
    candidate->mutable_success_interval()->set_upper(0.95 - 0.1 / (i + 3));
    candidate->set_cost_usd(0.00123498761239876 * (i + 1) / 3);
    candidate->set_latency_ms(2345.987612349876 * (i + 2) / 7);
    candidate->set_output_tokens(345.67812345678 / (i + 1));
    candidate->set_utility(0.123987612398761 / (i + 1));
    candidate->set_effective_evidence(17.3);
  }
  for (int i = 0; i < 3; ++i) {
    v1::CapabilityWeight* capability = response.add_capabilities();
    capability->set_capability(absl::StrCat("capability_", i));
    capability->set_weight(0.51238761239 / (i + 1));
  }
  response.set_difficulty(0.43219876543219876);
  response.mutable_provenance()->set_bundle_digest(std::string(64, 'a'));
  response.mutable_provenance()->set_bundle_version("2026-11-24");
  response.mutable_provenance()->set_policy("balanced");
  response.mutable_provenance()->set_policy_digest("0123456789abcdef");
  response.mutable_provenance()->set_exploration_propensity(1);
  response.mutable_provenance()->set_server_version("0.1.0");
  response.mutable_timings()->set_total_us(97.123);
  response.set_input_tokens(64);
  response.mutable_baseline()->set_model("vendor/model-number-3");
  response.mutable_baseline()->set_success_probability(0.9123498712349871);
  response.mutable_baseline()->set_cost_usd(0.01234987123498712);
  return response;
}

v1::RouteRequest UsualRequest() {
  v1::RouteRequest request;
  request.set_text(
      "A train leaves the station at 60 km/h, and another one two hours later at 90 km/h on the "
      "same "
      "line. After how many kilometres does the second one reach the first, and what would change "
      "if both of them stopped for ten minutes at each of the four stations on the way?");
  request.set_policy("balanced");
  return request;
}

std::string OddString(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {
      "plain words ",
      "\"",
      "\\",
      "/",
      "\n",
      "\r\n",
      "\t",
      std::string(1, '\0'),
      "\x01",
      "\x1f",
      "\x7f",
      "</script>",
      "{\"a\":1}",
      "\xC2\x85",
      "\xE2\x80\xA8",
      "\xE2\x80\xA9",
      "\xEF\xBF\xBD",
      "\xEF\xBB\xBF",
      "\xF0\x9F\x9A\x82",
      "\xF4\x8F\xBF\xBF",
      "\xE6\xBC\xA2\xE5\xAD\x97",
      "z\xC3\xBCrich",
      "\\u0041",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  std::string text;
  for (uint64_t n = random() % 6; n > 0; --n) text += kPieces[random() % kPieces.size()];
  return text;
}

v1::RouteResponse OddResponse(std::mt19937_64& random) {
  v1::RouteResponse response;
  FillOddly(random, response);
  response.set_input_tokens(static_cast<int64_t>(random() % 100'000'000));
  return response;
}

v1::RouteRequest OddRequest(std::mt19937_64& random) {
  v1::RouteRequest request;
  FillOddly(random, request);
  return request;
}

}  // namespace pointsman::server

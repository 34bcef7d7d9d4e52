#include "server/load_report.h"

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/unknown_field_set.h"
#include "google/protobuf/wire_format_lite.h"
#include "gtest/gtest.h"

namespace pointsman::server {
namespace {

using google::protobuf::UnknownFieldSet;
using google::protobuf::internal::WireFormatLite;

// The field of a message without its schema.
double Field(const UnknownFieldSet& fields, int number) {
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) {
      return WireFormatLite::DecodeDouble(fields.field(i).fixed64());
    }
  }
  return -1;
}

TEST(EncodeLoadReport, WritesTheFieldsOfOrca) {
  UnknownFieldSet fields;
  ASSERT_TRUE(
      fields.ParseFromString(EncodeLoadReport({.cpu = 0.25, .application = 1.5, .rate = 1234.5})));
  EXPECT_EQ(fields.field_count(), 3);
  EXPECT_EQ(Field(fields, 1), 0.25);    // cpu_utilization
  EXPECT_EQ(Field(fields, 6), 1234.5);  // rps_fractional
  EXPECT_EQ(Field(fields, 9), 1.5);     // application_utilization
}

TEST(LoadReporter, MeasuresTheRateBetweenRefreshes) {
  LoadReporter reporter;
  constexpr int64_t kSecond = 1'000'000'000;
  reporter.Current(1 * kSecond, 100, 0);
  const Load load = reporter.Current(2 * kSecond, 600, 0.5);
  EXPECT_DOUBLE_EQ(load.rate, 500);
  EXPECT_DOUBLE_EQ(load.application, 0.5);
  EXPECT_GE(load.cpu, 0);
  EXPECT_LE(load.cpu, 1);
}

TEST(LoadReporter, KeepsFiguresUntilTheyAreDue) {
  LoadReporter reporter;
  constexpr int64_t kSecond = 1'000'000'000;
  reporter.Current(1 * kSecond, 0, 0);
  const double rate = reporter.Current(2 * kSecond, 500, 0).rate;
  EXPECT_DOUBLE_EQ(reporter.Current(2 * kSecond + LoadReporter::kRefreshNanos - 1, 900, 0).rate,
                   rate);
}

}  // namespace
}  // namespace pointsman::server

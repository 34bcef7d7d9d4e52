#include "server/decision_log/json_buffer.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/server/decision_log/samples.h"

namespace pointsman::server {
namespace {

std::string Quoted(std::string_view text) {
  JsonBuffer buffer;
  buffer.Quoted(text);
  return std::string(buffer.view());
}

std::string Number(double value) {
  JsonBuffer buffer;
  buffer.Number(value);
  return std::string(buffer.view());
}

TEST(JsonBufferTest, AStringReadsBackAsItWas) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = OddString(random);
    EXPECT_EQ(nlohmann::json::parse(Quoted(text)).get<std::string>(), text);
  }
}

TEST(JsonBufferTest, EveryAsciiCharacterReadsBackAtEveryPlace) {
  for (int c = 0; c < 128; ++c) {
    for (size_t place = 0; place < 20; ++place) {
      std::string text(20, 'x');
      text[place] = static_cast<char>(c);
      ASSERT_EQ(nlohmann::json::parse(Quoted(text)).get<std::string>(), text) << c << " " << place;
    }
  }
}

TEST(JsonBufferTest, NothingInAStringEndsALine) {
  EXPECT_EQ(Quoted("a\nb\rc"), R"("a\nb\rc")");
  EXPECT_EQ(Quoted("\xC2\x85|\xE2\x80\xA8|\xE2\x80\xA9"), R"("\u0085|\u2028|\u2029")");
}

TEST(JsonBufferTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(Quoted("a\xFF\xC3z\xE2\x80"), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonBufferTest, NumbersAreShortestAndReadBackAsTheSame) {
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(5), "5");
  std::mt19937_64 random(2);
  for (int i = 0; i < 10000; ++i) {
    const double value = std::ldexp(static_cast<double>(random()), int(random() % 400) - 264);
    EXPECT_EQ(nlohmann::json::parse(Number(value)).get<double>(), value);
  }
  EXPECT_EQ(std::strtod(Number(std::numeric_limits<double>::denorm_min()).c_str(), nullptr),
            std::numeric_limits<double>::denorm_min());
}

TEST(JsonBufferTest, WhatIsNoNumberIsWrittenAsProto3JsonHasIt) {
  EXPECT_EQ(Number(std::nan("")), "\"NaN\"");
  EXPECT_EQ(Number(HUGE_VAL), "\"Infinity\"");
  EXPECT_EQ(Number(-HUGE_VAL), "\"-Infinity\"");
}

TEST(JsonBufferTest, ItsMemoryIsUsedAgain) {
  JsonBuffer buffer;
  buffer.Quoted(std::string(10000, 'x'));
  const size_t capacity = buffer.capacity();
  buffer.Clear();
  buffer.Quoted(std::string(10000, 'y'));
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.Free();
  EXPECT_EQ(buffer.capacity(), 0U);
  buffer.Raw("again");
  EXPECT_EQ(buffer.view(), "again");
}

}  // namespace
}  // namespace pointsman::server

// SPDX-License-Identifier: MIT
#include "cpu/Environment.h"

#include "triton-metal/Support/Errors.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <string>

using namespace tmetal;

namespace {

constexpr const char *kName = "TRITON_METAL_TEST_VARIABLE";

int64_t read(const char *text, int64_t low = -5, int64_t high = 1000) {
  setenv(kName, text, 1);
  return integerVariable(kName, low, high, 42);
}

TEST(EnvironmentTest, WholeNumbersInTheRange) {
  EXPECT_EQ(read("1000"), 1000);
  EXPECT_EQ(read("-5"), -5);
  EXPECT_EQ(read("007"), 7);
  EXPECT_EQ(read("9223372036854775807", 0, INT64_MAX), INT64_MAX);
}

TEST(EnvironmentTest, NotSetOrEmptyIsTheDefault) {
  EXPECT_EQ(read(""), 42);
  unsetenv(kName);
  EXPECT_EQ(integerVariable(kName, 0, 1, 42), 42);
}

TEST(EnvironmentTest, AnythingElseIsAnErrorThatNamesVariableAndRange) {
  for (const char *text :
       {"two", "1001", "-6", "1.5", "1e3", "3 ", " 3", "+3", "0x10", "9223372036854775808"}) {
    try {
      read(text);
      ADD_FAILURE() << text;
    } catch (const Error &error) {
      EXPECT_EQ(error.kind, ErrorKind::Argument);
      EXPECT_EQ(std::string(error.what()),
                "[" + std::string(kName) + "] '" + text + "' is not a whole number from -5 to 1000.");
    }
  }
}

} // namespace

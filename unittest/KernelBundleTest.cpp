// SPDX-License-Identifier: MIT
#include "triton-metal/KernelBundle.h"

#include <gtest/gtest.h>

using namespace tmetal;

namespace {

/// Every field has a value of its own.
KernelBundle sample() {
  KernelBundle bundle;
  bundle.request = requestFrom({"m3-max", "cpu", "auto", 8, false, true, "address,undefined"});
  bundle.choice = {"msl", "one \"fused\" kernel"};
  bundle.facts.name = "größe";
  bundle.facts.parameterNames = {"x", "n"};
  bundle.facts.parameterTypes = {"!tt.ptr<f32>", "i64"};
  bundle.facts.stored = {true, false};
  bundle.facts.specialized = {false, true};
  MslKernel &msl = bundle.msl.emplace();
  msl.text = "first\n\n\tthird \"line\"\nno end of line";
  msl.name = "größe";
  msl.function = "gr__e";
  msl.simdgroups = 8;
  msl.threadgroupBytes = 1 << 14;
  msl.stackBytes = int64_t(1) << 40;
  msl.parameters = {{"x", "!tt.ptr<f32>", true, 0, 0, 0, true}, {"n", "i64", false, -1, 8, 8, false}};
  msl.argumentsBuffer = 1;
  msl.argumentsSize = 16;
  msl.reportBuffer = 2;
  msl.boundsBuffer = 3;
  msl.messages = {{"print", "x: \x01\n", "a b.py", 12, {"f32", "i1"}, true, 3},
                  {"assert", "", "", 0, {}, false, 0}};
  msl.softwareFloat64 = "a b.py:12";
  msl.counts = {1, 2, 3, 4, 5};
  AccessProgram &accesses = bundle.accesses.emplace();
  using Op = AccessProgram::Op;
  accesses.nodes = {{Op::Argument, 64, -1, -1, -1, 1},
                    {Op::Constant, 64, -1, -1, -1, INT64_MIN},
                    {Op::Compare, 1, 0, 1, -1, AccessProgram::ULT},
                    {Op::Select, 64, 2, 0, 1, 0},
                    {Op::Lane, 32, -1, -1, -1, 128}};
  accesses.accesses = {{0, 3, 4, {2}, true, "a b.py", 7}, {-1, 4, 8, {}, false, "", 0}};
  bundle.tt = "module {\n}\n";
  return bundle;
}

std::string refusal(const std::string &text) {
  try {
    readBundle(text);
  } catch (const Error &error) {
    EXPECT_EQ(error.kind, ErrorKind::Compile);
    return error.what();
  }
  return "";
}

std::string replaced(std::string text, const std::string &before, const std::string &after) {
  size_t place = text.find(before);
  EXPECT_NE(place, std::string::npos) << before;
  return text.replace(place, before.size(), after);
}

} // namespace

TEST(KernelBundle, WhatIsReadIsWhatWasWritten) {
  std::string text = writeBundle(sample());
  KernelBundle read = readBundle(text);
  EXPECT_EQ(writeBundle(read), text);
  EXPECT_EQ(read.request.msl, sample().request.msl);
  EXPECT_EQ(read.msl->text, sample().msl->text);
  EXPECT_EQ(read.tt, sample().tt);
  EXPECT_EQ(read.msl->messages[0].text, sample().msl->messages[0].text);
  EXPECT_EQ(read.accesses->nodes[1].value, INT64_MIN);
  EXPECT_EQ(read.accesses->accesses[0].conditions, std::vector<int>{2});
}

TEST(KernelBundle, OfTheMlxEngineHasNoMetalText) {
  KernelBundle bundle = sample();
  bundle.msl.reset();
  bundle.accesses.reset();
  bundle.tt = "";
  bundle.choice.engine = "mlx";
  KernelBundle read = readBundle(writeBundle(bundle));
  EXPECT_FALSE(read.msl || read.accesses);
  EXPECT_EQ(read.tt, "");
  bundle.choice.engine = "msl";
  EXPECT_NE(refusal(writeBundle(bundle)).find("It has no Metal text."), std::string::npos);
}

TEST(KernelBundle, EveryCutIsRefused) {
  std::string text = writeBundle(sample());
  for (size_t size = 0; size + 2 < text.size(); size += 7)
    EXPECT_NE(refusal(text.substr(0, size)), "") << size;
}

TEST(KernelBundle, ForeignTextsAndVersionsAreNamed) {
  std::string text = writeBundle(sample());
  EXPECT_NE(refusal("{}").find("not a kernel that triton-metal has compiled"), std::string::npos);
  EXPECT_NE(refusal("[1]").find("not a kernel that triton-metal has compiled"), std::string::npos);
  EXPECT_NE(refusal(replaced(text, "\"version\": 1", "\"version\": 2")).find("version 2"), std::string::npos);
  EXPECT_NE(refusal(replaced(text, "\"specialized\"", "\"special\"")).find("no 'specialized'"),
            std::string::npos);
}

TEST(KernelBundle, IsToldFromTritonIR) {
  EXPECT_TRUE(isBundle(writeBundle(sample())));
  EXPECT_TRUE(isBundle(" {\n \"format\": 1"));
  for (const char *text :
       {"", "module {\n}", "\"builtin.module\"() ({}) : () -> ()", "#loc = loc(\"x\")", "{-# #-}"})
    EXPECT_FALSE(isBundle(text)) << text;
}

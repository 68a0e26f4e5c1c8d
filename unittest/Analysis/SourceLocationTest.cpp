// SPDX-License-Identifier: MIT
#include "triton-metal/Support/SourceLocation.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace mlir;
using tmetal::placeOf;

namespace {

struct SourceLocationTest : testing::Test {
  Location line(StringRef file, int number) { return FileLineColLoc::get(&context, file, number, 3); }
  Location call(Location callee, Location caller) { return CallSiteLoc::get(callee, caller); }
  MLIRContext context{MLIRContext::Threading::DISABLED};
  Location user = line("kernel.py", 12), helper = line("helper.py", 5);
  Location library = line("/usr/lib/triton/language/standard.py", 7);
};

TEST_F(SourceLocationTest, TheInnermostLineOfTheUser) {
  EXPECT_EQ(placeOf(user), "kernel.py:12:3: ");
  EXPECT_EQ(placeOf(call(helper, user)), "helper.py:5:3: ");
  EXPECT_EQ(placeOf(call(library, user)), "kernel.py:12:3: ");
  EXPECT_EQ(placeOf(call(library, call(library, call(helper, user)))), "helper.py:5:3: ");
  EXPECT_EQ(placeOf(call(call(library, library), user)), "kernel.py:12:3: ");
  for (const char *file : {"triton/language/random.py", "/a/triton/tools/ragged_tma.py",
                           "/a/triton/experimental/gluon/language/_standard.py"})
    EXPECT_EQ(placeOf(call(line(file, 1), user)), "kernel.py:12:3: ") << file;
  for (const char *file : {"/home/me/triton/kernels.py", "/home/mytriton/language/a.py"})
    EXPECT_EQ(placeOf(call(line(file, 1), user)), std::string(file) + ":1:3: ");
}

TEST_F(SourceLocationTest, NamesAndFusedLocations) {
  EXPECT_EQ(placeOf(NameLoc::get(StringAttr::get(&context, "x"), call(library, user))), "kernel.py:12:3: ");
  EXPECT_EQ(placeOf(FusedLoc::get(&context, {library, user})), "kernel.py:12:3: ");
}

TEST_F(SourceLocationTest, WhatIsNotKnown) {
  EXPECT_EQ(placeOf(UnknownLoc::get(&context)), "");
  EXPECT_EQ(placeOf(library), "/usr/lib/triton/language/standard.py:7:3: ");
}

} // namespace

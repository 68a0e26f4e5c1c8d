// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace tmetal;

namespace {

constexpr unsigned kUnknown = 1000;
using Numbers = std::vector<unsigned>;

class PointerRootsTest : public testing::Test {
protected:
  PointerRootsTest() {
    context.loadDialect<arith::ArithDialect, math::MathDialect, scf::SCFDialect, ub::UBDialect,
                        tt::TritonDialect, tmetal::tm::TMDialect>();
  }

  /// The roots of each access in a kernel of three pointers p, q and r, a flag c and a number n.
  std::vector<Numbers> rootsIn(const std::string &body) {
    return rootsOf("tt.func public @k(%p: !tt.ptr<f32>, %q: !tt.ptr<f32>, %r: !tt.ptr<f32>, "
                   "%c: i1, %n: i32) {\n%x = arith.constant 1.0 : f32\n"
                   "%c0 = arith.constant 0 : i32\n%c1 = arith.constant 1 : i32\n" +
                   body + "\ntt.return\n}");
  }

  std::vector<Numbers> rootsOf(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    std::vector<Numbers> found;
    if (!module)
      return found;
    PointerRoots roots(&module->getBody()->back());
    module->walk([&](DeviceAccessOpInterface access) {
      Roots of = roots.of(access.getAddress());
      Numbers numbers(of.parameters.begin(), of.parameters.end());
      if (of.isUnknown)
        numbers.push_back(kUnknown);
      EXPECT_EQ(of.single().has_value(), numbers.size() == 1 && !of.isUnknown);
      found.push_back(numbers);
    });
    return found;
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
};

const char *kStore = "tt.store %a, %x : !tt.ptr<f32>";

TEST_F(PointerRootsTest, ArithmeticAndShapes) {
  EXPECT_EQ(rootsIn(R"(
    %range = tt.make_range {start = 0 : i32, end = 8 : i32} : tensor<8xi32>
    %s = tt.splat %q : !tt.ptr<f32> -> tensor<8x!tt.ptr<f32>>
    %a = tt.addptr %s, %range : tensor<8x!tt.ptr<f32>>, tensor<8xi32>
    %e = tt.expand_dims %a {axis = 1 : i32} : tensor<8x!tt.ptr<f32>> -> tensor<8x1x!tt.ptr<f32>>
    %b = tt.broadcast %e : tensor<8x1x!tt.ptr<f32>> -> tensor<8x4x!tt.ptr<f32>>
    %t = tt.trans %b {order = array<i32: 1, 0>} : tensor<8x4x!tt.ptr<f32>> -> tensor<4x8x!tt.ptr<f32>>
    %i = tt.bitcast %t : tensor<4x8x!tt.ptr<f32>> -> tensor<4x8x!tt.ptr<i32>>
    %v = tt.load %i : tensor<4x8x!tt.ptr<i32>>
    %w = tt.load %p : !tt.ptr<f32>)"),
            (std::vector<Numbers>{{1}, {0}}));
}

TEST_F(PointerRootsTest, SelectionsAndBranches) {
  EXPECT_EQ(rootsIn(std::string("%a = arith.select %c, %r, %p : !tt.ptr<f32>\n") + kStore),
            (std::vector<Numbers>{{0, 2}}));
  EXPECT_EQ(rootsIn(std::string(R"(
    %a = scf.if %c -> !tt.ptr<f32> {
      %m = tt.addptr %q, %n : !tt.ptr<f32>, i32
      scf.yield %m : !tt.ptr<f32>
    } else {
      scf.yield %q : !tt.ptr<f32>
    }
    )") + kStore),
            (std::vector<Numbers>{{1}}));
}

TEST_F(PointerRootsTest, LoopsThatMoveAndExchangePointers) {
  const char *loop = R"(
    %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%s = %p, %t = %q) -> (!tt.ptr<f32>, !tt.ptr<f32>) : i32 {
      tt.store %s, %x : !tt.ptr<f32>
      %m = tt.addptr %s, %i : !tt.ptr<f32>, i32
      scf.yield FIRST, SECOND : !tt.ptr<f32>, !tt.ptr<f32>
    }
    )";
  auto with = [&](const std::string &first, const std::string &second) {
    std::string text = std::string(loop) + kStore;
    text.replace(text.find("FIRST"), 5, first);
    return text.replace(text.find("SECOND"), 6, second);
  };
  EXPECT_EQ(rootsIn(with("%m", "%t")), (std::vector<Numbers>{{0}, {0}}));
  EXPECT_EQ(rootsIn(with("%t", "%m")), (std::vector<Numbers>{{0, 1}, {0, 1}}));
  EXPECT_EQ(rootsIn(with("%r", "%t")), (std::vector<Numbers>{{0, 2}, {0, 2}}));
}

TEST_F(PointerRootsTest, WhileLoops) {
  EXPECT_EQ(rootsIn(std::string(R"(
    %a, %k = scf.while (%s = %q, %i = %n) : (!tt.ptr<f32>, i32) -> (!tt.ptr<f32>, i32) {
      %more = arith.cmpi sgt, %i, %c0 : i32
      scf.condition(%more) %s, %i : !tt.ptr<f32>, i32
    } do {
    ^bb0(%s: !tt.ptr<f32>, %i: i32):
      %m = tt.addptr %s, %i : !tt.ptr<f32>, i32
      %less = arith.subi %i, %c1 : i32
      tt.store %m, %x : !tt.ptr<f32>
      scf.yield %m, %less : !tt.ptr<f32>, i32
    }
    )") + kStore),
            (std::vector<Numbers>{{1}, {1}}));
}

TEST_F(PointerRootsTest, MapRegions) {
  EXPECT_EQ(rootsIn(R"(
    %s = tt.splat %p : !tt.ptr<f32> -> tensor<8x!tt.ptr<f32>>
    %t = tt.splat %r : !tt.ptr<f32> -> tensor<8x!tt.ptr<f32>>
    %a = "tt.map_elementwise"(%s, %t) <{pack = 1 : i32}> ({
    ^bb0(%y: !tt.ptr<f32>, %z: !tt.ptr<f32>):
      %m = arith.select %c, %y, %z : !tt.ptr<f32>
      tt.map_elementwise.return %m : !tt.ptr<f32>
    }) : (tensor<8x!tt.ptr<f32>>, tensor<8x!tt.ptr<f32>>) -> tensor<8x!tt.ptr<f32>>
    %v = tt.load %a : tensor<8x!tt.ptr<f32>>)"),
            (std::vector<Numbers>{{0, 2}}));
}

TEST_F(PointerRootsTest, WhatIsNotFollowed) {
  EXPECT_EQ(rootsIn(std::string("%l = arith.extsi %n : i32 to i64\n"
                                "%b = tt.int_to_ptr %l : i64 -> !tt.ptr<f32>\n"
                                "%a = arith.select %c, %b, %q : !tt.ptr<f32>\n") +
                    kStore),
            (std::vector<Numbers>{{1, kUnknown}}));
  // Lifted control flow passes on poison where nothing is accessed.
  EXPECT_EQ(rootsIn(std::string("%b = ub.poison : !tt.ptr<f32>\n"
                                "%a = arith.select %c, %b, %q : !tt.ptr<f32>\n") +
                    kStore),
            (std::vector<Numbers>{{1}}));
}

TEST_F(PointerRootsTest, Descriptors) {
  EXPECT_EQ(rootsIn(R"(
    %one = arith.constant 1 : i64
    %d = tt.make_tensor_descriptor %r, [%n], [%one] : !tt.ptr<f32>, !tt.tensordesc<8xf32>
    %v = tt.descriptor_load %d[%c0] : !tt.tensordesc<8xf32> -> tensor<8xf32>
    tt.descriptor_store %d[%c0], %v : !tt.tensordesc<8xf32>, tensor<8xf32>)"),
            (std::vector<Numbers>{{2}, {2}}));
}

TEST_F(PointerRootsTest, KernelsOfThreads) {
  EXPECT_EQ(rootsOf(R"(
    #l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
    tm.kernel @k attributes {simdgroups = 1 : i64, parameterNames = ["n", "p", "q"]} {
    ^bb0(%n: i32, %p: !tt.ptr<f32>, %q: !tt.ptr<f32>):
      %a = tt.addptr %p, %n : !tt.ptr<f32>, i32
      %x = tm.load %a : !tt.ptr<f32> -> f32
      %kept = tm.tile : !tm.tile<!tt.ptr<f32>, #l>
      tm.region #l {
      ^bb0(%r: i32):
        tm.put %q, %kept[%r] : !tt.ptr<f32>, !tm.tile<!tt.ptr<f32>, #l>
        %b = tm.get %kept[%r] : !tm.tile<!tt.ptr<f32>, #l> -> !tt.ptr<f32>
        tm.store %x, %b : f32, !tt.ptr<f32>
      }
    })"),
            (std::vector<Numbers>{{1}, {kUnknown}}));
}

TEST(AliasGroupsTest, WhatMayOverlap) {
  AliasGroups none, groups(ArrayRef<int64_t>{0, 1, 0, -1, -1});
  EXPECT_TRUE(none.mayOverlap(2, 2));
  EXPECT_FALSE(none.mayOverlap(1, 2));
  EXPECT_TRUE(groups.mayOverlap(0, 2));
  EXPECT_FALSE(groups.mayOverlap(0, 1));
  EXPECT_FALSE(groups.mayOverlap(3, 4)); // no group is not a group
  EXPECT_FALSE(groups.mayOverlap(0, 9));
  Roots unknown{{}, true}, first{{0}, false}, third{{2, 3}, false}, second{{1}, false};
  EXPECT_TRUE(groups.mayOverlap(unknown, second));
  EXPECT_TRUE(groups.mayOverlap(first, third));
  EXPECT_FALSE(groups.mayOverlap(first, second));
  EXPECT_FALSE(none.mayOverlap(first, third));
}

TEST_F(PointerRootsTest, GroupsAreNumberedByPointers) {
  Type number = IntegerType::get(&context, 32),
       pointer = tt::PointerType::get(number, tt::AddressSpace::Global);
  AliasGroups groups = AliasGroups::ofPointers({pointer, number, pointer, pointer}, {0, 1, 0});
  EXPECT_EQ(groups.numbers(), (ArrayRef<int64_t>{0, -1, 1, 0}));
  EXPECT_EQ(AliasGroups::ofPointers({pointer, number}, {}).numbers(), (ArrayRef<int64_t>{-1, -1}));
}

} // namespace

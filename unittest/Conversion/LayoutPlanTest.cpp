// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/LayoutPlan.h"

#include "Support.h"

#include "triton-metal/Conversion/Passes.h"
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace tmetal {
namespace {

using Home = LayoutPlan::Home;
using Reason = LayoutPlan::Reason;

struct LayoutPlanTest : KernelTest {
  /// Rows of 64 elements, as offsets in a block of 64x64.
  const std::string offsets = R"(
    %r = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
    %width = arith.constant dense<64> : tensor<64x1xi32>
    %row = tt.expand_dims %r {axis = 1 : i32} : tensor<64xi32> -> tensor<64x1xi32>
    %start = arith.muli %row, %width : tensor<64x1xi32>
    %column = tt.expand_dims %r {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
    %starts = tt.broadcast %start : tensor<64x1xi32> -> tensor<64x64xi32>
    %steps = tt.broadcast %column : tensor<1x64xi32> -> tensor<64x64xi32>
    %o = arith.addi %starts, %steps : tensor<64x64xi32>
  )";

  std::string load(const std::string &name, const std::string &pointer, const std::string &type) {
    std::string block = "tensor<64x64x!tt.ptr<" + type + ">>";
    return "%s_" + name + " = tt.splat " + pointer + " : !tt.ptr<" + type + "> -> " + block + "\n" + //
           "%p_" + name + " = tt.addptr %s_" + name + ", %o : " + block + ", tensor<64x64xi32>\n" +  //
           "%" + name + " = tt.load %p_" + name + " : " + block + "\n";
  }

  /// A loop that loads its second operand in each trip.
  tt::FuncOp accumulate(const std::string &type, const std::string &uses = "") {
    std::string dot = "tensor<64x64x" + type + "> * tensor<64x64x" + type + "> -> tensor<64x64xf32>";
    return parse("%a: !tt.ptr<" + type + ">, %b: !tt.ptr<" + type + ">, %out: !tt.ptr<f32>, %n: i32",
                 offsets + load("x", "%a", type) + R"(
      %zero = arith.constant dense<0.0> : tensor<64x64xf32>
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> (tensor<64x64xf32>) : i32 {
    )" + load("y", "%b", type) +
                     "%d = tt.dot %x, %y, %s : " + dot + "\n" + uses + R"(
        scf.yield %d : tensor<64x64xf32>
      }
      %os = tt.splat %out : !tt.ptr<f32> -> tensor<64x64x!tt.ptr<f32>>
      %op = tt.addptr %os, %o : tensor<64x64x!tt.ptr<f32>>, tensor<64x64xi32>
      tt.store %op, %sum : tensor<64x64x!tt.ptr<f32>>
    )");
  }

  /// What the kernel really takes with this budget for operands.
  int64_t threadgroupBytes(int64_t operandBytes) {
    OwningOpRef<ModuleOp> copy(module->clone());
    PassManager passes(&context);
    DistributeOptions distribution;
    distribution.operandBytes = operandBytes;
    passes.addPass(createDistribute(distribution));
    tm::AllocateThreadgroupMemoryOptions allocation;
    allocation.limit = std::numeric_limits<int64_t>::max();
    passes.addPass(tm::createAllocateThreadgroupMemory(allocation));
    EXPECT_TRUE(succeeded(passes.run(*copy)));
    return *(*copy->getOps<tm::KernelOp>().begin()).getThreadgroupBytes();
  }
};

TEST_F(LayoutPlanTest, LoadsAreRowMajorInRegisters) {
  tt::FuncOp kernel = parse("%p: !tt.ptr<f32>", offsets + load("x", "%p", "f32"));
  LayoutPlan plan(kernel, {8, 32768});
  auto op = find<tt::LoadOp>(kernel);
  EXPECT_EQ(plan[op.getResult()].home, Home::Registers);
  EXPECT_EQ(plan[op.getResult()].reason, Reason::RowMajor);
  EXPECT_EQ(plan.layoutOf(op.getResult()), LinearLayout::blocked({64, 64}, 8));
  EXPECT_EQ(plan.layoutOf(op.getOperation()), plan.layoutOf(op.getResult()));
}

TEST_F(LayoutPlanTest, CheapValuesAreRecomputedAndViewsPassRequestsOn) {
  tt::FuncOp kernel = parse("%p: !tt.ptr<f32>", offsets + load("x", "%p", "f32") + R"(
    %t = tt.trans %x {order = array<i32: 1, 0>} : tensor<64x64xf32> -> tensor<64x64xf32>)");
  LayoutPlan plan(kernel, {});
  auto add = find<arith::AddIOp>(kernel);
  EXPECT_TRUE(plan.isRecomputed(add.getResult()));
  EXPECT_EQ(plan[add.getResult()].home, Home::Recomputed);
  auto trans = find<tt::TransOp>(kernel);
  EXPECT_FALSE(plan.isRecomputed(trans.getResult()));
  EXPECT_EQ(plan[trans.getResult()].home, Home::View);
}

TEST_F(LayoutPlanTest, ReductionsLeaveASliceAndScansRunAlongTheirDimension) {
  tt::FuncOp kernel = parse("%p: !tt.ptr<f32>", offsets + load("x", "%p", "f32") + R"(
    %sum = "tt.reduce"(%x) <{axis = 1 : i32}> ({
    ^bb0(%l: f32, %r2: f32):
      %v = arith.addf %l, %r2 : f32
      tt.reduce.return %v : f32
    }) : (tensor<64x64xf32>) -> tensor<64xf32>
    %run = "tt.scan"(%x) <{axis = 0 : i32, reverse = false}> ({
    ^bb0(%l: f32, %r2: f32):
      %v = arith.addf %l, %r2 : f32
      tt.scan.return %v : f32
    }) : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %square = arith.mulf %run, %run : tensor<64x64xf32>)");
  LayoutPlan plan(kernel, {});
  auto reduce = find<tt::ReduceOp>(kernel);
  Value sum = reduce->getResult(0), source = reduce.getSrcs()[0];
  EXPECT_EQ(plan[sum].reason, Reason::Slice);
  EXPECT_EQ(plan[sum].like, source);
  EXPECT_EQ(plan.layoutOf(sum), plan.layoutOf(source).sliced(1));
  EXPECT_EQ(plan.layoutOf(reduce.getOperation()), plan.layoutOf(source));
  auto scan = find<tt::ScanOp>(kernel);
  EXPECT_EQ(plan[scan->getResult(0)].reason, Reason::Scan);
  EXPECT_EQ(plan.layoutOf(scan->getResult(0)), LinearLayout::blockedAlong({64, 64}, 0, 4));
  // Who reads a scan works where its elements are.
  auto square = find<arith::MulFOp>(kernel);
  EXPECT_EQ(plan[square.getResult()].reason, Reason::Operand);
  EXPECT_EQ(plan.layoutOf(square.getResult()), plan.layoutOf(scan->getResult(0)));
}

TEST_F(LayoutPlanTest, AnAccumulatorStaysInFragmentsForTheWholeLoop) {
  tt::FuncOp kernel = accumulate("f16");
  LayoutPlan plan(kernel, {});
  auto loop = find<scf::ForOp>(kernel);
  auto dot = find<tt::DotOp>(kernel);
  FragmentGrid square{2, 2};
  for (Value value : {Value(loop.getRegionIterArgs()[0]), Value(dot.getD()), Value(loop.getResult(0))})
    EXPECT_EQ(plan.fragmentsOf(value), square);
  EXPECT_TRUE(plan.productOf(dot).accumulates);
  EXPECT_EQ(plan.productOf(dot).slices, 1);
}

TEST_F(LayoutPlanTest, AnAccumulatorThatIsReadInTheLoopIsATile) {
  tt::FuncOp kernel = accumulate("f16", "tt.print \" \" {hex = false, isSigned = array<i32: 1>} : %s : "
                                        "tensor<64x64xf32>\n");
  LayoutPlan plan(kernel, {});
  auto loop = find<scf::ForOp>(kernel);
  EXPECT_FALSE(plan.fragmentsOf(loop.getRegionIterArgs()[0]));
  EXPECT_EQ(plan[loop.getRegionIterArgs()[0]].home, Home::Registers);
  EXPECT_FALSE(plan.productOf(find<tt::DotOp>(kernel)).accumulates);
}

TEST_F(LayoutPlanTest, IntegersDoNotGoThroughFragments) {
  tt::FuncOp kernel = parse("", R"(
    %x = arith.constant dense<1> : tensor<16x16xi8>
    %zero = arith.constant dense<0> : tensor<16x16xi32>
    %d = tt.dot %x, %x, %zero : tensor<16x16xi8> * tensor<16x16xi8> -> tensor<16x16xi32>)");
  LayoutPlan plan(kernel, {});
  auto dot = find<tt::DotOp>(kernel);
  EXPECT_FALSE(plan.productOf(dot).grid);
  EXPECT_TRUE(plan.productOf(dot).zeroAddend);
  EXPECT_EQ(plan[dot.getD()].home, Home::Registers);
}

TEST_F(LayoutPlanTest, OperandsThatDoNotFitPassInSlices) {
  tt::FuncOp kernel = accumulate("f16"); // 8192 bytes each
  auto dot = find<tt::DotOp>(kernel);
  LayoutPlan whole(kernel, {4, 32768}), same(kernel, {4, 16384}), halves(kernel, {4, 8192}),
      fragments(kernel, {4, 2048}), thinner(kernel, {4, 1024});
  EXPECT_EQ(whole.productOf(dot).slices, 1);
  EXPECT_TRUE(whole.hasSameSlices(same));
  EXPECT_EQ(halves.productOf(dot).slices, 2);
  EXPECT_FALSE(whole.hasSameSlices(halves));
  EXPECT_EQ(fragments.productOf(dot).slices, 8); // each as deep as a fragment
  EXPECT_TRUE(fragments.productOf(dot).grid);
  EXPECT_EQ(thinner.productOf(dot).slices, 16);
  EXPECT_FALSE(thinner.productOf(dot).grid);
}

TEST_F(LayoutPlanTest, TheMatricesOfABatchShareFragments) {
  tt::FuncOp kernel = parse("", R"(
    %x = arith.constant dense<1.0> : tensor<8x16x16xf16>
    %zero = arith.constant dense<0.0> : tensor<8x16x16xf32>
    %d = tt.dot %x, %x, %zero : tensor<8x16x16xf16> * tensor<8x16x16xf16> -> tensor<8x16x16xf32>)");
  LayoutPlan plan(kernel, {});
  auto dot = find<tt::DotOp>(kernel);
  EXPECT_EQ(plan.productOf(dot).grid, (FragmentGrid{4, 1})); // of 128 rows
  EXPECT_EQ(plan[dot.getD()].home, Home::Fragments);
}

TEST_F(LayoutPlanTest, ANarrowSumLeavesItsFragments) {
  tt::FuncOp kernel = parse("", R"(
    %x = arith.constant dense<1.0> : tensor<16x16xf16>
    %zero = arith.constant dense<0.0> : tensor<16x16xf16>
    %d = tt.dot %x, %x, %zero : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf16>)");
  LayoutPlan plan(kernel, {});
  auto dot = find<tt::DotOp>(kernel);
  EXPECT_TRUE(plan.productOf(dot).grid);
  EXPECT_TRUE(sumTypeOf(dot).isF32());
  EXPECT_EQ(plan[dot.getD()].home, Home::Registers);
}

TEST_F(LayoutPlanTest, ItIsKnownBeforeWhatThreadgroupMemoryIsNeededAtLeast) {
  tt::FuncOp kernel = accumulate("f32");
  // The operand of the loop and the one that waits for the next trip.
  EXPECT_EQ(LayoutPlan(kernel, {4, 32768}).leastThreadgroupBytes(), 2 * 16384);
  EXPECT_EQ(LayoutPlan(kernel, {4, 8192}).leastThreadgroupBytes(), 8192);
  for (int64_t operandBytes = 32768; operandBytes >= 512; operandBytes /= 2)
    EXPECT_LE(LayoutPlan(kernel, {4, operandBytes}).leastThreadgroupBytes(), threadgroupBytes(operandBytes));
}

} // namespace
} // namespace tmetal

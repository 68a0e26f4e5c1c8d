// SPDX-License-Identifier: MIT
// Where code goes, and where blocks are kept.
#include "BlockStore.h"

#include "Support.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {
namespace {

struct RegionBuilderTest : KernelTest {
  RegionBuilderTest() : code(&context), loc(UnknownLoc::get(&context)) {
    module = ModuleOp::create(loc);
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    kernel = tm::KernelOp::create(builder, loc, "kernel", 4, IntegerAttr(), builder.getArrayAttr({}));
    body = &kernel.getBody().emplaceBlock();
  }

  Value constant(ImplicitLocOpBuilder b, int64_t value) { return arith::ConstantIntOp::create(b, value, 32); }
  /// Names of the operations of a block, in their order; constants by their value.
  std::string order(Block &block) {
    std::string text;
    for (Operation &op : block) {
      auto number = dyn_cast<arith::ConstantIntOp>(op);
      text += number ? std::to_string(number.value()) : op.getName().stripDialect().str();
      text += " ";
    }
    return text;
  }

  RegionBuilder code;
  Location loc;
  tm::KernelOp kernel;
  Block *body;
  LinearLayout layout = LinearLayout::blocked({256}, 4);
};

TEST_F(RegionBuilderTest, UniformCodeEndsTheOpenRegion) {
  RegionBuilder::Inside inside(code, body);
  ThreadRegion &region = code.openRegion(layout, loc);
  EXPECT_EQ(code.getOpen(), &region);
  constant(code.ahead(loc), 1);
  EXPECT_EQ(code.getOpen(), &region);
  constant(code.uniform(loc), 2);
  EXPECT_EQ(code.getOpen(), nullptr);
  constant(code.ahead(loc), 3);
  constant(region.at(loc), 4); // a closed region can still be written to
  EXPECT_EQ(order(*body), "1 region 2 3 ");
  EXPECT_EQ(order(region.getOp().getBody().front()), "4 ");
}

TEST_F(RegionBuilderTest, CodeAheadOfARegionLeavesItOpen) {
  RegionBuilder::Inside inside(code, body);
  ThreadRegion &first = code.openRegion(layout, loc);
  {
    RegionBuilder::AheadOfRegion ahead(code);
    EXPECT_EQ(code.getOpen(), nullptr);
    constant(code.uniform(loc), 1);
    code.openRegion(layout, loc);
  }
  EXPECT_EQ(code.getOpen(), &first);
  constant(code.uniform(loc), 2);
  EXPECT_EQ(order(*body), "1 region region 2 ");
}

TEST_F(RegionBuilderTest, CodeInsideOfALoopStandsBeforeItsTerminator) {
  RegionBuilder::Inside outside(code, body);
  auto b = code.uniform(loc);
  Value zero = constant(b, 0), one = constant(b, 1);
  auto loop = scf::ForOp::create(b, zero, one, one);
  code.openRegion(layout, loc);
  {
    RegionBuilder::Inside inside(code, loop.getBody());
    EXPECT_EQ(code.getOpen(), nullptr);
    constant(code.uniform(loc), 2);
    code.openRegion(layout, loc);
  }
  EXPECT_EQ(code.getOpen(), nullptr);
  constant(code.uniform(loc), 3);
  EXPECT_EQ(order(*loop.getBody()), "2 region yield ");
  EXPECT_EQ(order(*body), "0 1 for region 3 ");
}

TEST_F(RegionBuilderTest, CodeOfOneThread) {
  RegionBuilder::Inside inside(code, body);
  code.openRegion(layout, loc);
  code.single(loc, [&](RegionBuilder::Builder &b) { constant(b, 1); });
  EXPECT_EQ(code.getOpen(), nullptr);
  EXPECT_EQ(order(*body), "region single ");
  auto single = cast<tm::SingleOp>(body->back());
  EXPECT_EQ(order(single.getBody().front()), "1 ");
}

struct BlockStoreTest : RegionBuilderTest {
  BlockStoreTest() : inside(code, body) {
    block = constant(code.uniform(loc), 0); // stands for a block of the kernel
  }
  RegionBuilder::Inside inside;
  BlockStore store;
  Value block;
};

TEST_F(BlockStoreTest, ARegionReadsOfItsOwnOnlyWhatItHas) {
  ThreadRegion &region = code.openRegion(layout, loc), &other = code.openRegion(layout, loc);
  Value scalar = constant(region.at(loc), 1);
  Request own{layout, 0}, flipped{layout, 255};
  store.keepScalar(block, region, scalar, own);
  EXPECT_EQ(region.find(block, own), scalar);
  EXPECT_FALSE(region.find(block, flipped));
  EXPECT_FALSE(other.find(block, own));
  const KeptBlock &kept = *store.find(block);
  EXPECT_TRUE(kept.isReadableIn(region, own));
  EXPECT_FALSE(kept.isReadableIn(region, flipped));
  EXPECT_TRUE(kept.isReadableIn(other, flipped));
  EXPECT_TRUE(kept.findOwnRegister(own));
}

TEST_F(BlockStoreTest, CopiesOfWhatOnlyOwnersHaveAreNotValid) {
  ThreadRegion &region = code.openRegion(layout, loc);
  Request own{layout, 0};
  store.keepScalar(block, region, constant(region.at(loc), 1), own, /*ownersOnly=*/true);
  EXPECT_FALSE(region.find(block, own));
  EXPECT_FALSE(store.find(block)->isReadableIn(region, own));
  EXPECT_FALSE(store.find(block)->findOwnRegister(own));
}

TEST_F(BlockStoreTest, ATileIsReadWhereTheThreadHoldsTheElement) {
  store.keepTile(block, constant(code.uniform(loc), 1), {layout, 255}); // a mirrored block
  EXPECT_TRUE(store.find(block)->findOwnRegister({layout, 255}));
  EXPECT_FALSE(store.find(block)->findOwnRegister({layout, 0})); // of another lane
}

TEST_F(BlockStoreTest, ACopyInThreadgroupMemoryIsSeenInside) {
  auto b = code.uniform(loc);
  Value zero = constant(b, 0), one = constant(b, 1);
  auto loop = scf::ForOp::create(b, zero, one, one);
  auto array = [&](ImplicitLocOpBuilder at) -> Value {
    return tm::SharedOp::create(at, tm::SharedType::get(&context, 256, at.getF32Type()), IntegerAttr());
  };
  EXPECT_FALSE(store.findThreadgroupCopy(block, body));
  Value outside = array(code.uniform(loc));
  store.addThreadgroupCopy(block, outside);
  EXPECT_EQ(store.findThreadgroupCopy(block, body), outside);
  EXPECT_EQ(store.findThreadgroupCopy(block, loop.getBody()), outside);
  Value other = constant(code.uniform(loc), 2);
  {
    RegionBuilder::Inside inLoop(code, loop.getBody());
    Value copy = array(code.uniform(loc));
    store.addThreadgroupCopy(other, copy);
    EXPECT_EQ(store.findThreadgroupCopy(other, loop.getBody()), copy);
  }
  EXPECT_FALSE(store.findThreadgroupCopy(other, body));
}

struct DeviceMemoryTest : KernelTest {
  tt::FuncOp parseAccesses() {
    return parse("%x: !tt.ptr<f32>, %n: i32, %y: !tt.ptr<f32>", R"(
      %r = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
      %xs = tt.splat %x : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
      %xp = tt.addptr %xs, %r : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
      %v = tt.load %xp : tensor<256x!tt.ptr<f32>>
      %ys = tt.splat %y : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
      %yp = tt.addptr %ys, %r : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
      tt.store %yp, %v : tensor<256x!tt.ptr<f32>>)");
  }
};

TEST_F(DeviceMemoryTest, WhatIsStoredAndWhatMeets) {
  tt::FuncOp kernel = parseAccesses();
  Value x = kernel.getArgument(0), y = kernel.getArgument(2);
  Value from = find<tt::LoadOp>(kernel).getPtr(), to = find<tt::StoreOp>(kernel).getPtr();
  LinearLayout whole = LinearLayout::blocked({256}, 4), copied = LinearLayout::blocked({256}, 16);
  DeviceMemory apart(kernel, {}), overlapping(kernel, {7, 7});
  EXPECT_EQ(apart.rootsOf(from).single(), 0u);
  EXPECT_EQ(apart.rootsOf(to).single(), 2u);
  EXPECT_FALSE(apart.isStored(x));
  EXPECT_TRUE(apart.isStored(y));
  EXPECT_TRUE(overlapping.isStored(x));
  EXPECT_EQ(overlapping.getGroups(), (ArrayRef<int64_t>{7, -1, 7}));

  Roots ofX = apart.rootsOf(from), ofY = apart.rootsOf(to);
  DeviceAccess load{ofX, from, false}, store{ofY, to, true}, loadBack{ofY, to, false};
  EXPECT_FALSE(apart.conflicts({load}, whole, store));
  EXPECT_TRUE(overlapping.conflicts({load}, whole, store));
  EXPECT_FALSE(overlapping.conflicts({load}, whole, load));
  // Each thread meets its own element again, unless others have copies of it.
  EXPECT_FALSE(apart.conflicts({store}, whole, loadBack));
  EXPECT_TRUE(apart.conflicts({store}, copied, loadBack));
}

} // namespace
} // namespace tmetal

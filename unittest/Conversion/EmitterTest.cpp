// SPDX-License-Identifier: MIT
// What the emitter builds: types of results, and what it does not emit because it would change nothing.
#include "Emitter.h"
#include "Combiners.h"
#include "Contraction.h"
#include "FloatArithmetic.h"
#include "FloatConversion.h"
#include "IntegerArithmetic.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

using mlir::Type;
using mlir::Value;

namespace tmetal::raising {
namespace {

using namespace mlxir;

class EmitterTest : public ::testing::Test {
protected:
  EmitterTest() : context(), e(&context) {
    context.loadDialect<MLXDialect>();
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    e.builder.setInsertionPointToEnd(module->getBody());
  }
  /// Everything that was built must be right in the eyes of the verifiers too.
  void TearDown() override { EXPECT_TRUE(mlir::succeeded(mlir::verify(*module))); }

  Value array(llvm::ArrayRef<int64_t> shape, Type element) {
    return e.broadcast(e.zero(element, shape.size()), shape);
  }
  Value floats(llvm::ArrayRef<int64_t> shape) { return array(shape, e.f32()); }
  Value truths(llvm::ArrayRef<int64_t> shape) { return array(shape, e.i1()); }

  void expectType(Value value, llvm::ArrayRef<int64_t> shape, Type element) {
    EXPECT_EQ(Extents(shapeOf(value)), Extents(shape));
    EXPECT_EQ(elementOf(value), element);
  }
  int64_t operations() { return std::distance(module->getBody()->begin(), module->getBody()->end()); }

  mlir::MLIRContext context;
  Emitter e;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(EmitterTest, ElementwiseOperationsBroadcast) {
  Value column = floats({4, 1}), row = floats({1, 8});
  expectType(e.emit<AddOp>(column, row), {4, 8}, e.f32());
  expectType(e.emit<ExpOp>(row), {1, 8}, e.f32());
  expectType(e.emit<AddOp>(floats({2, 1, 8}), floats({4, 1})), {2, 4, 8}, e.f32());
}

TEST_F(EmitterTest, ComparisonsAndTestsGiveTruthValues) {
  Value a = floats({4, 1}), b = floats({1, 8});
  expectType(e.emit<LessOp>(a, b), {4, 8}, e.i1());
  expectType(e.emit<IsnanOp>(a), {4, 1}, e.i1());
  expectType(e.where(truths({1, 8}), a, a), {4, 1}, e.f32()); // a choice between one array is none
  expectType(e.where(truths({1, 8}), a, b), {4, 8}, e.f32());
}

TEST_F(EmitterTest, ShapesFollowTheAttributes) {
  Value a = floats({2, 3, 4});
  expectType(e.transpose(a, {2, 0, 1}), {4, 2, 3}, e.f32());
  expectType(e.sliceAxis(a, 2, 1, 4, 2), {2, 3, 2}, e.f32());
  expectType(e.flip(a, 1), {2, 3, 4}, e.f32());
  expectType(e.concatenate({a, floats({2, 5, 4})}, 1), {2, 8, 4}, e.f32());
  expectType(e.pad(a, e.zero(e.f32(), 3), {0, 1, 0}, {0, 0, 2}), {2, 4, 6}, e.f32());
  expectType(e.emit<TakeOp>(a, array({5, 6}, e.i32()), 1), {2, 5, 6, 4}, e.f32());
  expectType(e.emit<TakeAlongAxisOp>(a, array({2, 1, 4}, e.i32()), 1), {2, 1, 4}, e.f32());
  expectType(e.asStrided(floats({24}), {4, 2}, {6, 1}, 3), {4, 2}, e.f32());
  expectType(e.emit<MatmulOp>(a, floats({2, 4, 5})), {2, 3, 5}, e.f32());
  expectType(e.emit<SumOp>(a, llvm::ArrayRef<int64_t>{0, 2}), {1, 3, 1}, e.f32());
}

TEST_F(EmitterTest, WhatChangesNothingIsNotEmitted) {
  Value a = floats({2, 1, 4});
  int64_t before = operations();
  EXPECT_EQ(e.convert(a, e.f32()), a);
  EXPECT_EQ(e.bits(a, e.f32()), a);
  EXPECT_EQ(e.reshape(a, {2, 1, 4}), a);
  EXPECT_EQ(e.broadcast(a, {2, 1, 4}), a);
  EXPECT_EQ(e.transpose(a, {0, 1, 2}), a);
  EXPECT_EQ(e.slice(a, {0, 0, 0}, {2, 1, 4}), a);
  EXPECT_EQ(e.flip(a, 1), a);
  EXPECT_EQ(e.pad(a, a, {0, 0, 0}, {0, 0, 0}), a);
  EXPECT_EQ(e.both(a, Value()), a);
  EXPECT_EQ(e.where(Value(), a, a), a);
  EXPECT_EQ(operations(), before);
  // Axes of one element change places without a transposition.
  EXPECT_TRUE(e.transpose(a, {1, 0, 2}).getDefiningOp<ReshapeOp>());
}

TEST_F(EmitterTest, ReplacingAllOfAnArrayIsTheNewPart) {
  Value a = floats({8}), all = floats({8}), part = floats({3});
  EXPECT_EQ(e.replace(a, all, 0), all);
  expectType(e.replace(a, part, 5), {8}, e.f32());
}

TEST_F(EmitterTest, BitsOfAnotherWidthChangeTheLastAxis) {
  expectType(e.bits(floats({2, 4}), e.unsignedType(16)), {2, 8}, e.unsignedType(16));
  expectType(e.bits(array({2, 4}, e.unsignedType(8)), e.i32()), {2, 1}, e.i32());
  expectType(e.asUnsigned(array({2}, e.i64())), {2}, e.unsignedType(64));
  expectType(e.asSigned(array({2}, e.unsignedType(8))), {2}, e.builder.getI8Type());
  expectType(e.asUnsigned(truths({2})), {2}, e.i1());
}

TEST_F(EmitterTest, IndexesVaryWhereTheyDepend) {
  IndexExpr row = IndexExpr::axis(2, 0, 8, 3), both = row;
  both.coefficients[1] = 1;
  expectType(e.materialize(row, e.i32(), {4, 8}), {4, 1}, e.i32());
  expectType(e.materialize(both, e.i64(), {4, 8}), {4, 8}, e.i64());
  expectType(e.materialize(IndexExpr::constant(7, 2), e.i32(), {4, 8}), {1, 1}, e.i32());
  expectType(e.materialize(IndexExpr::fromValues({4, 1}, {5, 1, 2, 9}), e.i32(), {4, 8}), {4, 1}, e.i32());
  Condition condition;
  condition.add(row + -10, {4, 8});
  expectType(e.materialize(condition, {4, 8}), {4, 1}, e.i1());
}

TEST_F(EmitterTest, HelpersKeepShapeAndType) {
  Type i32 = e.i32(), f32 = e.f32();
  Value n = array({4, 1}, i32), m = array({1, 3}, i32), x = floats({4, 1}), y = floats({1, 3});
  for (Value v : {divideTruncating(e, n, m, false), divideTruncating(e, n, m, true), divideFloor(e, n, m),
                  divideCeil(e, n, m), multiplyHigh(e, n, m, true), multiplyHigh(e, n, m, false),
                  shiftRightUnsigned(e, n, m)})
    expectType(v, {4, 3}, i32);
  for (Value v : {absolute(e, n), countOnes(e, n), countLeadingZeros(e, n), countTrailingZeros(e, n)})
    expectType(v, {4, 1}, i32);
  Value wide = array({2}, e.i64());
  expectType(multiplyHigh(e, wide, wide, true), {2}, e.i64());
  for (Type type : {e.f16(), f32, e.f64()}) {
    Value a = array({4, 1}, type), b = array({1, 3}, type);
    for (Value v : {copySign(e, a, b), floatRemainder(e, a, b), maxNumber(e, a, b), minNumber(e, a, b),
                    fusedMultiplyAdd(e, a, b, a)})
      expectType(v, {4, 3}, type);
    for (Value v : {exponential(e, a), sine(e, a), cosine(e, a), errorFunction(e, a), truncate(e, a)})
      expectType(v, {4, 1}, type);
  }
  expectType(dotProduct(e, floats({2, 4, 8}), floats({1, 8, 3}), f32, f32, f32, nullptr), {2, 4, 3}, f32);
}

TEST_F(EmitterTest, EightBitFloatsAreConverted) {
  auto *c = &context;
  for (Type narrow : {Type(mlir::Float8E4M3FNType::get(c)), Type(mlir::Float8E5M2Type::get(c)),
                      Type(mlir::Float8E4M3B11FNUZType::get(c)), Type(mlir::Float8E4M3FNUZType::get(c)),
                      Type(mlir::Float8E5M2FNUZType::get(c))}) {
    Value stored = convertFloat(e, floats({4}), e.f32(), narrow, false);
    expectType(stored, {4}, narrow);
    expectType(convertFloat(e, stored, narrow, e.f16(), false), {4}, e.f16());
  }
  EXPECT_EQ(memoryElement(e.i1()), e.builder.getI8Type());
}

TEST_F(EmitterTest, CombinersReduceToOneElement) {
  for (Combiner combiner : {Combiner::Add, Combiner::MaxSigned, Combiner::MinUnsigned, Combiner::And,
                            Combiner::Or, Combiner::Xor})
    expectType(reduceByHalves(e, combiner, array({2, 5}, e.i32()), 1), {2, 1}, e.i32());
  for (Combiner combiner : {Combiner::Add, Combiner::Multiply, Combiner::MaxNumber, Combiner::Minimum})
    expectType(reduce(e, combiner, array({2, 5}, e.f16()), 1), {2, 1}, e.f16());
  // On truth values only `and` and `or` are reductions of MLX.
  EXPECT_TRUE(reducesDirectly(Combiner::And, e.i1()));
  EXPECT_FALSE(reducesDirectly(Combiner::Add, e.i1()));
  EXPECT_FALSE(reducesDirectly(Combiner::Xor, e.i32()));
  expectType(reduceByHalves(e, Combiner::Xor, truths({2, 5}), 1), {2, 1}, e.i1());
  EXPECT_TRUE(scanDirectly(e, Combiner::Add, floats({4}), 0, false));
  EXPECT_FALSE(
      scanDirectly(e, Combiner::Add, array({4}, e.f16()), 0, false)); // MLX would round at every step
}

TEST_F(EmitterTest, OperationsSayWhatTheyAre) {
  Value a = floats({2, 3});
  auto category = [](Value value) { return categoryOf(value.getDefiningOp()->getName()); };
  EXPECT_EQ(category(e.transpose(a, {1, 0})), "views");
  EXPECT_EQ(category(e.sliceAxis(a, 0, 0, 1)), "views");
  EXPECT_EQ(category(e.emit<AddOp>(a, a)), "element-wise");
  EXPECT_EQ(category(e.emit<SumOp>(a, int64_t(0))), "reductions");
  EXPECT_EQ(category(e.emit<CumsumOp>(a, 0, false)), "scans");
  EXPECT_EQ(category(e.emit<TakeOp>(a, array({2}, e.i32()), 0)), "gathers");
  EXPECT_EQ(category(e.zero(e.f32(), 1)), "constants");
  EXPECT_EQ(category(e.replace(floats({8}), floats({3}), 0)), "assignments");
}

} // namespace
} // namespace tmetal::raising

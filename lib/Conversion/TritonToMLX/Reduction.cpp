// SPDX-License-Identifier: MIT
// Rules of reductions, scans and dot products.
#include "Combiners.h"
#include "Contraction.h"
#include "FloatConversion.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

static SmallVector<Value> arraysOf(Raising &r, Operation *op) {
  SmallVector<Value> arrays;
  for (Value operand : op->getOperands())
    arrays.push_back(r.values.arrayOf(operand));
  return arrays;
}

static void broadcastAll(Emitter &e, MutableArrayRef<Value> arrays, ArrayRef<int64_t> shape) {
  for (Value &array : arrays)
    array = e.broadcast(array, shape);
}

/// Runs a region of scalars on arrays with common shape `extents`, all of whose axes count as program axes.
static SmallVector<Value> raiseScalars(Raising &r, Region &region, ArrayRef<Value> operands,
                                       ArrayRef<int64_t> extents) {
  auto frame = r.values.axesBehind(extents);
  Block &block = region.front();
  for (auto [argument, operand] : zip_equal(block.getArguments(), operands))
    r.values.setArray(argument, operand);
  raiseBlock(r, block);
  SmallVector<Value> results;
  for (Value result : block.getTerminator()->getOperands())
    results.push_back(r.values.arrayOf(result));
  return results;
}

/// Combines neighbours in order, so the combiner need only be associative. A left-over element waits.
static void reduceInOrder(Raising &r, Region &combiner, SmallVectorImpl<Value> &arrays, unsigned axis) {
  Emitter &e = r.emitter;
  Extents shape = commonShape(arrays);
  broadcastAll(e, arrays, shape);
  int64_t extent = shape[axis];
  while (extent > 1) {
    int64_t even = extent / 2 * 2;
    SmallVector<Value> operands, rest;
    for (unsigned side = 0; side < 2; ++side)
      for (Value array : arrays)
        operands.push_back(e.sliceAxis(array, axis, side, even - 1 + side, 2));
    for (Value array : arrays)
      if (even != extent)
        rest.push_back(e.sliceAxis(array, axis, even, extent));
    shape[axis] = even / 2;
    arrays = raiseScalars(r, combiner, operands, shape);
    broadcastAll(e, arrays, shape);
    if (!rest.empty())
      for (auto [array, tail] : zip_equal(arrays, rest))
        array = e.concatenate({array, tail}, axis);
    extent = even / 2 + (even != extent);
  }
}

void raiseReduce(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  auto reduceOp = cast<tt::ReduceOp>(op);
  unsigned axis = r.values.programRank() + reduceOp.getAxis();
  int64_t extent = r.values.extentsOf(op->getOperand(0).getType())[axis];
  SmallVector<Value> arrays = arraysOf(r, op);
  for (Value &array : arrays) { // the combiner must see every lane of the reduced axis
    Extents shape(shapeOf(array));
    shape[axis] = extent;
    array = e.broadcast(array, shape);
  }
  auto combiner = combinerOf(op->getRegion(0));
  if (combiner && reducesDirectly(*combiner, elementOf(arrays[0])))
    arrays[0] = reduce(e, *combiner, arrays[0], axis);
  else
    reduceInOrder(r, op->getRegion(0), arrays, axis);
  for (auto [result, array] : zip_equal(op->getResults(), arrays)) {
    Extents shape(shapeOf(array));
    shape.erase(shape.begin() + axis);
    r.values.setArray(result, e.reshape(array, shape));
  }
}

/// Doubles the distance in each step: after step d, every lane has combined the 2d lanes up to its own.
static void scanByDoubling(Raising &r, Region &combiner, SmallVectorImpl<Value> &arrays, unsigned axis) {
  Emitter &e = r.emitter;
  Extents shape(shapeOf(arrays.front()));
  int64_t extent = shape[axis];
  for (int64_t distance = 1; distance < extent; distance *= 2) {
    SmallVector<Value> operands, heads;
    for (Value array : arrays)
      operands.push_back(e.sliceAxis(array, axis, 0, extent - distance));
    for (Value array : arrays) {
      operands.push_back(e.sliceAxis(array, axis, distance, extent));
      heads.push_back(e.sliceAxis(array, axis, 0, distance));
    }
    Extents part = shape;
    part[axis] = extent - distance;
    SmallVector<Value> combined = raiseScalars(r, combiner, operands, part);
    for (auto [array, head, tail] : zip_equal(arrays, heads, combined))
      array = e.concatenate({head, e.broadcast(tail, part)}, axis);
  }
}

void raiseScan(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  auto scan = cast<tt::ScanOp>(op);
  unsigned axis = r.values.programRank() + scan.getAxis();
  SmallVector<Value> arrays = arraysOf(r, op);
  Extents shape = commonShape(arrays);
  shape[axis] = r.values.extentsOf(op->getOperand(0).getType())[axis];
  broadcastAll(e, arrays, shape);
  auto combiner = combinerOf(op->getRegion(0));
  Value direct = combiner ? scanDirectly(e, *combiner, arrays[0], axis, scan.getReverse()) : Value();
  auto flipIfReverse = [&] {
    if (scan.getReverse())
      for (Value &array : arrays)
        array = e.flip(array, axis);
  };
  if (direct) {
    arrays[0] = direct;
  } else {
    flipIfReverse();
    scanByDoubling(r, op->getRegion(0), arrays, axis);
    flipIfReverse();
  }
  for (auto [result, array] : zip_equal(op->getResults(), arrays))
    r.values.setArray(result, array);
}

void raiseMapElementwise(Raising &r, Operation *op) {
  if (cast<tt::MapElementwiseOp>(op).getPack() != 1)
    refuse(op, "Packs of more than one element are not supported.");
  SmallVector<Value> arrays = arraysOf(r, op);
  SmallVector<Value> results = raiseScalars(r, op->getRegion(0), arrays, commonShape(arrays));
  for (auto [result, array] : zip_equal(op->getResults(), results))
    r.values.setArray(result, array);
}

void raiseDot(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  auto dot = cast<tt::DotOp>(op);
  Value a = r.values.fullArrayOf(dot.getA()), b = r.values.fullArrayOf(dot.getB());
  Type aType = getElementTypeOrSelf(dot.getA().getType()), bType = getElementTypeOrSelf(dot.getB().getType());
  Value result = op->getResult(0);
  Type element = getElementTypeOrSelf(result.getType());
  Val accumulator = r.values.get(dot.getC());
  // A narrow result is rounded once, after the addition.
  bool isRounded = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32;
  Type wide = !isRounded ? element : aType.isF64() ? e.f64() : e.f32();
  Value product = dotProduct(e, a, b, aType, bType, wide, op);
  Value c = e.convert(r.values.toArray(accumulator, element, r.values.extentsOf(result.getType())), wide);
  Value sum = e.emit<AddOp>(product, c);
  r.values.setArray(result, isRounded ? convertFloat(e, sum, wide, element, false) : sum);
}

} // namespace tmetal::raising

// SPDX-License-Identifier: MIT
// Rules of reductions, scans and dot products.
#include "Raiser.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

SmallVector<Value> Raiser::combine(Region &region, ArrayRef<Value> operands, ArrayRef<int64_t> extents) {
  // Every axis counts as a program axis, so the scalar operations of the region apply to whole arrays.
  Frame frame;
  frame.extents.assign(extents.begin(), extents.end());
  frame.addedBack = extents.size() - programRank();
  frames.push_back(frame);
  auto leave = scope_exit([&] { frames.pop_back(); });
  Block &block = region.front();
  for (auto [argument, operand] : zip_equal(block.getArguments(), operands)) {
    if (argument.getType().isInteger(1))
      set(argument, makeCondition({}, operand));
    else
      setArray(argument, operand);
  }
  raiseBlock(block);
  SmallVector<Value> results;
  for (Value result : block.getTerminator()->getOperands())
    results.push_back(arrayOf(result));
  return results;
}

/// The name of the combiner when the region is one commutative operation on its two arguments.
static StringRef knownCombiner(Region &region) {
  Block &block = region.front();
  if (block.getNumArguments() != 2 || !llvm::hasNItems(block, 2))
    return "";
  Operation &op = block.front();
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 ||
      block.getTerminator()->getOperand(0) != op.getResult(0))
    return "";
  Value a = block.getArgument(0), b = block.getArgument(1);
  if (!((op.getOperand(0) == a && op.getOperand(1) == b) || (op.getOperand(0) == b && op.getOperand(1) == a)))
    return "";
  return op.getName().getStringRef();
}

Value Raiser::reduceKnown(StringRef combiner, Value a, unsigned axis) {
  Type type = elementOf(a);
  int64_t at = axis;
  if (combiner == "arith.addf" || (combiner == "arith.addi" && !type.isInteger(1)))
    // Half types are summed in f32: MLX would round at every step.
    return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32
               ? emitCast(emitReduction("sum", emitCast(a, builder.getF32Type()), at, builder.getF32Type()),
                          type)
               : emitReduction("sum", a, at, type);
  if (combiner == "arith.mulf" || (combiner == "arith.muli" && !type.isInteger(1)))
    return emitReduction("prod", a, at, type);
  if (combiner == "arith.maximumf" || combiner == "arith.minimumf")
    return emitReduction(combiner == "arith.maximumf" ? "max" : "min", a, at, type);
  if (combiner == "arith.maxnumf" || combiner == "arith.minnumf") {
    // MLX propagates NaN: take it out, and put it back where there was nothing else.
    bool maximum = combiner == "arith.maxnumf";
    unsigned rank = shapeOf(a).size();
    Value nan = emitElementwise("isnan", a, i1());
    double neutral =
        maximum ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    Value clean = emitWhere(nan, emitFloat(neutral, type, rank), a);
    Value result = emitReduction(maximum ? "max" : "min", clean, at, type);
    return emitWhere(emitReduction("all", nan, at, i1()),
                     emitFloat(std::numeric_limits<double>::quiet_NaN(), type, rank), result);
  }
  if (!type.isInteger(1)) {
    if (combiner == "arith.maxsi" || combiner == "arith.minsi")
      return emitReduction(combiner == "arith.maxsi" ? "max" : "min", a, at, type);
    if (combiner == "arith.maxui" || combiner == "arith.minui") {
      Value u = emitUnsigned(a);
      return emitSigned(emitReduction(combiner == "arith.maxui" ? "max" : "min", u, at, elementOf(u)));
    }
    return {};
  }
  if (combiner == "arith.andi")
    return emitReduction("all", a, at, i1());
  if (combiner == "arith.ori")
    return emitReduction("any", a, at, i1());
  return {};
}

void Raiser::raiseReduce(Operation *op, StringRef) {
  auto reduce = cast<tt::ReduceOp>(op);
  unsigned rank = extentsOf(op->getOperand(0).getType()).size(), axis = programRank() + reduce.getAxis();
  SmallVector<Value> arrays;
  for (Value operand : op->getOperands())
    arrays.push_back(arrayOf(operand));
  int64_t extent = extentsOf(op->getOperand(0).getType())[axis];
  for (Value &array : arrays) { // the reduced axis counts every lane
    Extents shape(shapeOf(array).begin(), shapeOf(array).end());
    shape[axis] = extent;
    array = emitBroadcast(array, shape);
  }
  Value direct;
  StringRef combiner = knownCombiner(op->getRegion(0));
  if (!combiner.empty())
    direct = reduceKnown(combiner, arrays[0], axis);
  if (direct) {
    arrays.assign(1, direct);
  } else {
    Extents shape(rank, 1);
    for (Value array : arrays)
      for (unsigned i = 0; i < rank; ++i)
        shape[i] = std::max(shape[i], shapeOf(array)[i]);
    for (Value &array : arrays)
      array = emitBroadcast(array, shape);
    // Neighbours are combined in order, so that an associative combiner is enough; the odd one out waits.
    while (extent > 1) {
      int64_t even = extent / 2 * 2;
      SmallVector<Value> operands, rest;
      for (unsigned side = 0; side < 2; ++side)
        for (Value array : arrays)
          operands.push_back(emitSliceAxis(array, axis, side, even - 1 + side, 2));
      for (Value array : arrays)
        if (even != extent)
          rest.push_back(emitSliceAxis(array, axis, even, extent));
      shape[axis] = even / 2;
      arrays = combine(op->getRegion(0), operands, shape);
      for (Value &array : arrays)
        array = emitBroadcast(array, shape);
      if (!rest.empty())
        for (auto [array, tail] : zip_equal(arrays, rest))
          array = emitConcatenate({array, tail}, axis);
      extent = even / 2 + (even != extent);
    }
  }
  for (auto [result, array] : zip_equal(op->getResults(), arrays)) {
    Extents shape(shapeOf(array).begin(), shapeOf(array).end());
    shape.erase(shape.begin() + axis);
    Value reduced = emitReshape(array, shape);
    if (elementOf(reduced).isInteger(1))
      set(result, makeCondition({}, reduced));
    else
      setArray(result, reduced);
  }
}

void Raiser::raiseScan(Operation *op, StringRef) {
  auto scan = cast<tt::ScanOp>(op);
  Extents extents = extentsOf(op->getOperand(0).getType());
  unsigned axis = programRank() + scan.getAxis();
  bool reverse = scan.getReverse();
  int64_t extent = extents[axis];
  SmallVector<Value> arrays;
  Extents shape(extents.size(), 1);
  for (Value operand : op->getOperands())
    arrays.push_back(arrayOf(operand));
  for (Value array : arrays)
    for (unsigned i = 0; i < shape.size(); ++i)
      shape[i] = std::max(shape[i], shapeOf(array)[i]);
  shape[axis] = extent;
  for (Value &array : arrays)
    array = emitBroadcast(array, shape);
  StringRef combiner = knownCombiner(op->getRegion(0));
  Type type = elementOf(arrays[0]);
  bool wide = !isa<FloatType>(type) || type.getIntOrFloatBitWidth() >= 32;
  StringRef form = llvm::StringSwitch<StringRef>(wide && !type.isInteger(1) ? combiner : "")
                       .Cases({"arith.addf", "arith.addi"}, "cumsum")
                       .Cases({"arith.mulf", "arith.muli"}, "cumprod")
                       .Case("arith.maxsi", "cummax")
                       .Case("arith.minsi", "cummin")
                       .Default("");
  if (!form.empty()) {
    arrays[0] = emit(form, arrays[0], type, shape,
                     {builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis)),
                      builder.getNamedAttr("reverse", builder.getBoolAttr(reverse))});
  } else {
    if (reverse)
      for (Value &array : arrays)
        array = emitFlip(array, axis);
    // Doubling distances: after step d every lane holds the combination of the 2d lanes up to it.
    for (int64_t distance = 1; distance < extent; distance *= 2) {
      SmallVector<Value> operands, heads;
      for (Value array : arrays)
        operands.push_back(emitSliceAxis(array, axis, 0, extent - distance));
      for (Value array : arrays) {
        operands.push_back(emitSliceAxis(array, axis, distance, extent));
        heads.push_back(emitSliceAxis(array, axis, 0, distance));
      }
      Extents part = shape;
      part[axis] = extent - distance;
      SmallVector<Value> combined = combine(op->getRegion(0), operands, part);
      for (auto [array, head, tail] : zip_equal(arrays, heads, combined))
        array = emitConcatenate({head, emitBroadcast(tail, part)}, axis);
    }
    if (reverse)
      for (Value &array : arrays)
        array = emitFlip(array, axis);
  }
  for (auto [result, array] : zip_equal(op->getResults(), arrays)) {
    if (elementOf(array).isInteger(1))
      set(result, makeCondition({}, array));
    else
      setArray(result, array);
  }
}

void Raiser::raiseMapElementwise(Operation *op, StringRef) {
  auto map = cast<tt::MapElementwiseOp>(op);
  if (map.getPack() != 1)
    refuse(op, "Packs of more than one element are not supported.");
  SmallVector<Value> arrays;
  Extents shape(extentsOf(op->getOperand(0).getType()).size(), 1);
  for (Value operand : op->getOperands())
    arrays.push_back(arrayOf(operand));
  for (Value array : arrays)
    for (unsigned i = 0; i < shape.size(); ++i)
      shape[i] = std::max(shape[i], shapeOf(array)[i]);
  SmallVector<Value> results = combine(op->getRegion(0), arrays, shape);
  for (auto [result, array] : zip_equal(op->getResults(), results)) {
    if (elementOf(array).isInteger(1))
      set(result, makeCondition({}, array));
    else
      setArray(result, array);
  }
}

// ---- dot ----

Value Raiser::contract(Value a, Value b, unsigned batchRank) {
  // Program axes on which only one side varies join that side's rows or columns: one large product.
  unsigned leading = programRank() + batchRank, row = leading, column = leading + 1;
  SmallVector<int64_t> batch, aOnly, bOnly, neither;
  for (unsigned i = 0; i < leading; ++i) {
    bool inA = shapeOf(a)[i] != 1, inB = shapeOf(b)[i] != 1;
    (inA && inB ? batch : inA ? aOnly : inB ? bOnly : neither).push_back(i);
  }
  auto extents = [](Value v, ArrayRef<int64_t> axes) {
    Extents e;
    for (int64_t axis : axes)
      e.push_back(shapeOf(v)[axis]);
    return e;
  };
  auto product = [](ArrayRef<int64_t> e) {
    int64_t n = 1;
    for (int64_t v : e)
      n *= v;
    return n;
  };
  auto order = [&](ArrayRef<int64_t> last) {
    SmallVector<int64_t> o(neither.begin(), neither.end());
    o.append(last.begin(), last.end());
    return o;
  };
  int64_t m = shapeOf(a)[row], k = shapeOf(a)[column], n = shapeOf(b)[column];
  Extents batchExtents = extents(a, batch), aExtents = extents(a, aOnly), bExtents = extents(b, bOnly);

  SmallVector<int64_t> aOrder = order(bOnly), bOrder = order(aOnly);
  aOrder.append(batch.begin(), batch.end());
  aOrder.append(aOnly.begin(), aOnly.end());
  aOrder.append({row, column});
  bOrder.append(batch.begin(), batch.end());
  bOrder.push_back(row);
  bOrder.append(bOnly.begin(), bOnly.end());
  bOrder.push_back(column);
  Extents aShape, bShape, outShape;
  if (!batch.empty())
    aShape.push_back(product(batchExtents));
  bShape = outShape = aShape;
  aShape.append({product(aExtents) * m, k});
  bShape.append({k, product(bExtents) * n});
  outShape.append({product(aExtents) * m, product(bExtents) * n});
  Value left = emitReshape(emitTranspose(a, aOrder), aShape);
  Value right = emitReshape(emitTranspose(b, bOrder), bShape);
  Value out = emit("matmul", {left, right}, elementOf(a), outShape);

  // Back to program axes, batch axes, rows, columns.
  Extents unfolded = batchExtents;
  unfolded.append(aExtents.begin(), aExtents.end());
  unfolded.push_back(m);
  unfolded.append(bExtents.begin(), bExtents.end());
  unfolded.push_back(n);
  unfolded.append(neither.size(), 1);
  SmallVector<int64_t> source(leading + 2);
  unsigned position = 0;
  for (int64_t axis : batch)
    source[axis] = position++;
  for (int64_t axis : aOnly)
    source[axis] = position++;
  source[row] = position++;
  for (int64_t axis : bOnly)
    source[axis] = position++;
  source[column] = position++;
  for (int64_t axis : neither)
    source[axis] = position++;
  return emitTranspose(emitReshape(out, unfolded), source);
}

Value Raiser::dotArrays(Value a, Value b, Type aType, Type bType, Type resultType, unsigned batchRank,
                        Operation *op) {
  Type f32 = builder.getF32Type();
  unsigned inner = shapeOf(a).size() - 1;
  if (isa<IntegerType>(aType)) {
    if (aType.getIntOrFloatBitWidth() > 8 || bType.getIntOrFloatBitWidth() > 8)
      refuse(op, "A dot product of " + typeName(aType) + " by " + typeName(bType) + " is not supported.");
    // |a * b| <= 2^14, so 2^10 products add up exactly in the 24 bits of an f32.
    constexpr int64_t kExact = 1024;
    Value sum;
    int64_t k = shapeOf(a)[inner];
    for (int64_t start = 0; start < k; start += kExact) {
      int64_t stop = std::min(k, start + kExact);
      Value part = emitCast(contract(emitCast(emitSliceAxis(a, inner, start, stop), f32),
                                     emitCast(emitSliceAxis(b, inner - 1, start, stop), f32), batchRank),
                            i32());
      sum = sum ? emitElementwise("add", {sum, part}, i32()) : part;
    }
    return emitCast(sum, resultType);
  }
  // Narrow floats multiply exactly in f32, and MLX would round their product to the operands' type.
  auto widen = [&](Value v, Type type) {
    if (type.isF64())
      return v;
    return convertFloat(v, type, f32, false, op);
  };
  return emitCast(contract(widen(a, aType), widen(b, bType), batchRank), resultType);
}

void Raiser::raiseDot(Operation *op, StringRef) {
  auto dot = cast<tt::DotOp>(op);
  auto aType = cast<RankedTensorType>(dot.getA().getType()),
       bType = cast<RankedTensorType>(dot.getB().getType());
  Value a = fullBlock(arrayOf(dot.getA()), aType), b = fullBlock(arrayOf(dot.getB()), bType);
  Type resultType = getElementTypeOrSelf(op->getResult(0).getType());
  unsigned batchRank = aType.getRank() - 2;
  Val accumulator = get(dot.getC());
  Type wide = isa<FloatType>(resultType) && resultType.getIntOrFloatBitWidth() < 32 ? builder.getF32Type()
                                                                                    : resultType;
  Value product = dotArrays(a, b, aType.getElementType(), bType.getElementType(), wide, batchRank, op);
  Value c = emitCast(toArray(accumulator, resultType, extentsOf(op->getResult(0).getType())), wide);
  setArray(op->getResult(0), emitCast(emitElementwise("add", {product, c}, wide), resultType));
}

void Raiser::raiseDotScaled(Operation *op, StringRef) {
  refuse(op, "Scaled dot products (microscaling formats) are not supported yet.");
}

} // namespace tmetal

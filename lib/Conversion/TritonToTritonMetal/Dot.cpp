// SPDX-License-Identifier: MIT
// Matrix products: on 8x8 fragments where the types allow it, else one step of the inner dimension at a time.
#include "Distributor.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

static bool isZero(Value value) {
  Attribute constant;
  if (auto splat = value.getDefiningOp<tt::SplatOp>())
    value = splat.getSrc();
  if (!matchPattern(value, m_Constant(&constant)))
    return false;
  if (auto elements = dyn_cast<SplatElementsAttr>(constant))
    constant = elements.getSplatValue<Attribute>();
  if (auto number = dyn_cast<FloatAttr>(constant))
    return number.getValue().isPosZero();
  if (auto number = dyn_cast<IntegerAttr>(constant))
    return number.getValue().isZero();
  return false;
}

/// How the SIMD groups share an M x N result: as square as possible, in rectangles of whole fragments.
bool Distributor::dotInFragments(Operation *op, int64_t &simdgroupRows, int64_t &simdgroupColumns) {
  auto dot = cast<tt::DotOp>(op);
  std::vector<int64_t> a = shapeOf(dot.getA()), b = shapeOf(dot.getB());
  Type in = elementOf(dot.getA()), out = elementOf(dot.getD());
  if (a.size() != 2 || in != elementOf(dot.getB()) || !out.isF32() ||
      !(in.isF32() || in.isF16() || in.isBF16()))
    return false;
  int64_t rows = a[0], columns = b[1], depth = a[1];
  if (rows < 8 || columns < 8 || depth < 8)
    return false;
  simdgroupRows = simdgroupColumns = 1;
  for (int64_t groups = simdgroups; groups > 1; groups /= 2) {
    int64_t tallness = rows / simdgroupRows, width = columns / simdgroupColumns;
    if (tallness >= width && tallness >= 16)
      simdgroupRows *= 2;
    else if (width >= 16)
      simdgroupColumns *= 2;
    else if (tallness >= 16)
      simdgroupRows *= 2;
  }
  return true;
}

/// The matrix in fragments that the loop-carried `index`-th value can live in for the whole loop: it only
/// accumulates products.
Value Distributor::accumulatorOf(scf::ForOp loop, unsigned index) {
  BlockArgument argument = loop.getRegionIterArgs()[index];
  if (!argument.hasOneUse())
    return {};
  auto dot = dyn_cast<tt::DotOp>(*argument.user_begin());
  if (!dot || dot.getC() != argument || dot->getBlock() != loop.getBody())
    return {};
  // Through further products of the same trip to the value of the next one.
  while (true) {
    int64_t rows, columns;
    if (!dotInFragments(dot, rows, columns) || !dot.getD().hasOneUse())
      return {};
    Operation *user = *dot.getD().user_begin();
    if (user == loop.getBody()->getTerminator())
      break;
    auto next = dyn_cast<tt::DotOp>(user);
    if (!next || next.getC() != dot.getD() || next->getBlock() != loop.getBody())
      return {};
    dot = next;
  }
  if (loop.getBody()->getTerminator()->getOperand(index) != dot.getD())
    return {};
  Value init = loop.getInitArgs()[index];
  auto kept = blocks.find(init);
  bool inFragments = kept != blocks.end() && kept->second.fragments;
  if (!isZero(init) && !inFragments)
    return {};
  int64_t rows, columns;
  dotInFragments(dot, rows, columns);
  std::vector<int64_t> shape = shapeOf(argument);
  closeRegion();
  Builder b = uniform(dot.getLoc());
  Type type =
      tm::FragmentsType::get(module.getContext(), shape[0], shape[1], elementOf(argument), rows, columns);
  if (inFragments && kept->second.fragments.getType() != type)
    return {};
  Value matrix = tm::FragmentsOp::create(b, type);
  if (inFragments) {
    tm::FragmentsCopyOp::create(b, kept->second.fragments, matrix);
  } else {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    tm::FragmentsFillOp::create(b, matrix, zero);
  }
  return matrix;
}

void Distributor::lowerDot(Operation *op) {
  auto dot = cast<tt::DotOp>(op);
  Location loc = op->getLoc();
  std::vector<int64_t> shapeA = shapeOf(dot.getA()), shapeB = shapeOf(dot.getB());
  int64_t depth = shapeA.back();
  Type in = elementOf(dot.getA()), out = elementOf(dot.getD());

  int64_t simdgroupRows, simdgroupColumns;
  bool fragments = dotInFragments(op, simdgroupRows, simdgroupColumns);
  int64_t bytes = shapeA[0] * shapeA.back() * byteWidth(in) +
                  shapeB[shapeB.size() - 2] * shapeB.back() * byteWidth(elementOf(dot.getB()));
  if (shapeA.size() == 3)
    bytes = (shapeA[0] * shapeA[1] * shapeA[2]) * byteWidth(in) +
            (shapeB[0] * shapeB[1] * shapeB[2]) * byteWidth(elementOf(dot.getB()));
  // Slices of the inner dimension that fit; each is at least as deep as a fragment.
  int64_t slices = 1;
  while (bytes / slices > operandBytes && depth / slices > (fragments ? 8 : 1))
    slices *= 2;

  Value matrix;
  bool accumulates = false;
  if (fragments) {
    auto kept = blocks.find(dot.getC());
    if (kept != blocks.end() && kept->second.fragments && dot.getC().hasOneUse() &&
        (isa<BlockArgument>(dot.getC()) || dot.getC().getDefiningOp<tt::DotOp>()) && !kept->second.tile) {
      matrix = kept->second.fragments;
      accumulates = true;
    }
  }
  // The operands in threadgroup memory, whole or slice by slice.
  struct Operand {
    Value value;
    bool transposed = false;
    Value array;
    int64_t stride;
  };
  Operand a{dot.getA(), false, {}, 0}, b{dot.getB(), false, {}, 0};
  if (slices == 1) {
    for (Operand *operand : {&a, &b}) {
      // A transposed operand is stored as it comes, where it comes from.
      auto trans = operand->value.getDefiningOp<tt::TransOp>();
      if (fragments && trans && !isLazy(trans.getSrc()) && trans.getOrder() == ArrayRef<int32_t>{1, 0}) {
        operand->transposed = true;
        operand->value = trans.getSrc();
      }
      if (!blocks.count(operand->value))
        closeRegion(); // what it is made of may have been computed there
      operand->array = materializeShared(operand->value, loc);
      operand->stride = shapeOf(operand->value).back();
    }
    closeRegion();
  }
  std::vector<int64_t> shapeD = shapeOf(dot.getD());
  if (fragments && !matrix) {
    closeRegion();
    Builder outer = uniform(loc);
    matrix = tm::FragmentsOp::create(outer, tm::FragmentsType::get(module.getContext(), shapeD[0], shapeD[1],
                                                                   out, simdgroupRows, simdgroupColumns));
    Value zero = arith::ConstantOp::create(outer, outer.getF32FloatAttr(0));
    tm::FragmentsFillOp::create(outer, matrix, zero);
  }
  LinearLayout layout = blocked(shapeD);
  Value accumulator; // a tile, without fragments
  if (!fragments) {
    accumulator = newTile(out, layout, loc);
    closeRegion();
    putInto(dot.getC(), accumulator, layout, loc);
    closeRegion();
  }

  auto multiply = [&](Value arrayA, Value arrayB, int64_t sliceDepth, int64_t strideA, int64_t strideB) {
    if (fragments) {
      Builder outer = uniform(loc);
      tm::MultiplyAccumulateOp::create(outer, matrix, arrayA, arrayB, sliceDepth, strideA, strideB,
                                       a.transposed, b.transposed);
      return;
    }
    Builder outer = uniform(loc);
    auto constant = [&](Builder &b, int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
    auto loop =
        scf::ForOp::create(outer, constant(outer, 0), constant(outer, sliceDepth), constant(outer, 1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    Region &step = newRegion(layout, loc);
    Request own{layout, 0};
    int rank = shapeD.size();
    Value row = coordinate(step, own, rank - 2, loc), column = coordinate(step, own, rank - 1, loc);
    Value batch = rank == 3 ? coordinate(step, own, 0, loc) : Value();
    Builder inner = at(step, loc);
    auto multiplyAdd = [&](Value x, int64_t factor, Value y) -> Value {
      return arith::AddIOp::create(inner, arith::MulIOp::create(inner, x, constant(inner, factor)), y);
    };
    Value k = loop.getInductionVar();
    Value rowOfA = batch ? multiplyAdd(batch, shapeA[rank - 2], row) : row;
    Value rowOfB = batch ? multiplyAdd(batch, sliceDepth, k) : k;
    Value x = tm::SharedLoadOp::create(inner, in, arrayA, multiplyAdd(rowOfA, sliceDepth, k));
    Value y = tm::SharedLoadOp::create(inner, elementOf(dot.getB()), arrayB,
                                       multiplyAdd(rowOfB, shapeD[rank - 1], column));
    Value sum = tm::GetOp::create(inner, out, accumulator, registerOf(step));
    auto widen = [&](Value value) -> Value {
      Type type = value.getType();
      if (type == out)
        return value;
      if (isa<IntegerType>(type))
        return arith::ExtSIOp::create(inner, out, value);
      if (type.getIntOrFloatBitWidth() == 8) {
        value = tt::FpToFpOp::create(inner, inner.getF32Type(), value, tt::RoundingModeAttr());
        type = value.getType();
      }
      unsigned from = type.getIntOrFloatBitWidth(), to = out.getIntOrFloatBitWidth();
      if (from < to)
        return arith::ExtFOp::create(inner, out, value);
      return from > to ? Value(arith::TruncFOp::create(inner, out, value)) : value;
    };
    x = widen(x);
    y = widen(y);
    if (isa<IntegerType>(out))
      sum = arith::AddIOp::create(inner, sum, arith::MulIOp::create(inner, x, y));
    else
      sum = arith::AddFOp::create(inner, sum, arith::MulFOp::create(inner, x, y));
    tm::PutOp::create(inner, sum, accumulator, registerOf(step));
    closeRegion();
  };

  if (slices == 1) {
    multiply(a.array, b.array, depth, a.stride, b.stride);
  } else {
    // The operands stay in tiles; each slice goes through threadgroup memory by itself.
    int64_t sliceDepth = depth / slices;
    for (Operand *operand : {&a, &b})
      if (blocks.find(operand->value) == blocks.end()) {
        LinearLayout own = layoutFor(operand->value);
        Region &region = regionFor(own, operand->value, loc);
        define(operand->value, region, get(region, operand->value, {own, 0}), {own, 0});
      }
    closeRegion();
    Builder outer = uniform(loc);
    auto constant = [&](int64_t value) { return arith::ConstantIntOp::create(outer, value, 32); };
    SmallVector<Value> arrays;
    for (Operand *operand : {&a, &b}) {
      int64_t count = 1;
      for (int64_t extent : shapeOf(operand->value))
        count *= extent;
      arrays.push_back(tm::SharedOp::create(
          outer, tm::SharedType::get(module.getContext(), count / slices, elementOf(operand->value)),
          IntegerAttr()));
    }
    auto loop = scf::ForOp::create(outer, constant(0), constant(slices), constant(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    for (Operand *operand : {&a, &b}) {
      bool isA = operand == &a;
      Value array = arrays[isA ? 0 : 1];
      std::vector<int64_t> shape = shapeOf(operand->value);
      int rank = shape.size(), inner = isA ? rank - 1 : rank - 2;
      LinearLayout own = layoutFor(operand->value);
      Region &send = newRegion(own, loc);
      Value value = get(send, operand->value, {own, 0});
      Value k = coordinate(send, {own, 0}, inner, loc);
      Value owner = ownerMask(send, own, loc);
      Builder body = at(send, loc);
      auto number = [&](int64_t value) { return arith::ConstantIntOp::create(body, value, 32); };
      Value slice = arith::ShRUIOp::create(body, k, number(llvm::Log2_64(sliceDepth)));
      Value chosen = arith::CmpIOp::create(body, arith::CmpIPredicate::eq, slice, loop.getInductionVar());
      Value position;
      for (int dim = 0; dim < rank; ++dim) {
        Value coord = coordinate(send, {own, 0}, dim, loc);
        body = at(send, loc);
        int64_t extent = shape[dim];
        if (dim == inner) {
          coord = arith::AndIOp::create(body, coord, number(sliceDepth - 1));
          extent = sliceDepth;
        }
        position = position ? Value(arith::AddIOp::create(
                                  body, arith::MulIOp::create(body, position, number(extent)), coord))
                            : coord;
      }
      tm::SharedStoreOp::create(body, value, array, position, andMask(body, owner, chosen));
      closeRegion();
    }
    multiply(arrays[0], arrays[1], sliceDepth, sliceDepth, shapeD.back());
    closeRegion();
  }

  Block result;
  result.layout = layout;
  if (!fragments) {
    result.tile = accumulator;
    blocks[dot.getD()] = result;
    return;
  }
  result.fragments = matrix;
  blocks[dot.getD()] = result;
  if (accumulates || isZero(dot.getC()))
    return;
  fragmentsToTile(dot.getD(), loc);
  Block product = blocks[dot.getD()];
  Region &region = newRegion(layout, loc);
  bool possible = false;
  Value partial = readTile(region, product, {layout, 0}, loc, possible, /*probe=*/false);
  Value addend = get(region, dot.getC(), {layout, 0});
  Builder inner = at(region, loc);
  blocks.erase(dot.getD());
  define(dot.getD(), region, arith::AddFOp::create(inner, partial, addend), {layout, 0});
}

void Distributor::fragmentsToTile(Value value, Location loc) {
  constexpr int64_t kBytes = 16384; // of threadgroup memory at a time
  Region *before = current;
  OpBuilder::InsertPoint point = builder.saveInsertionPoint();
  if (before) {
    builder.setInsertionPoint(before->op);
    current = nullptr;
  }
  Value matrix = blocks[value].fragments;
  std::vector<int64_t> shape = shapeOf(value);
  Type element = elementOf(value);
  LinearLayout layout = blocked(shape);
  Value tile = newTile(element, layout, loc);
  int64_t rows = shape[0];
  int64_t threads = int64_t(32) * simdgroups;
  while (rows > 8 && rows * shape[1] * byteWidth(element) > kBytes && rows / 2 * shape[1] >= threads)
    rows /= 2;
  int64_t registersPerPart = std::max<int64_t>(1, rows * shape[1] / threads);
  for (int64_t first = 0; first < shape[0]; first += rows) {
    Builder outer = uniform(loc);
    Value array = tm::SharedOp::create(
        outer, tm::SharedType::get(module.getContext(), rows * shape[1], element), IntegerAttr());
    tm::FragmentsStoreOp::create(outer, matrix, array, first, rows, shape[1]);
    LinearLayout part = blocked({rows, shape[1]});
    Region &region = newRegion(part, loc);
    Value index = elementIndex(region, {part, 0}, loc);
    Builder b = at(region, loc);
    Value scalar = tm::SharedLoadOp::create(b, element, array, index);
    Value place = registerOf(region);
    if (first > 0)
      place = arith::AddIOp::create(b, place,
                                    arith::ConstantIntOp::create(b, first / rows * registersPerPart, 32));
    tm::PutOp::create(b, scalar, tile, place);
    closeRegion();
  }
  if (before) {
    builder.restoreInsertionPoint(point);
    current = before;
  }
  Block &block = blocks[value];
  block.tile = tile;
  block.layout = layout;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Rules of program ids, ranges and shape operations, gather and histogram.
#include "Raiser.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

static ArrayRef<int64_t> blockShape(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.getShape();
  return {};
}

void Raiser::raiseProgramId(Operation *op, StringRef) {
  unsigned axis = static_cast<unsigned>(cast<tt::GetProgramIdOp>(op).getAxis());
  setIndex(op->getResult(0), adaptIndex(box.ids[axis], 0));
}

void Raiser::raiseNumPrograms(Operation *op, StringRef) {
  unsigned axis = static_cast<unsigned>(cast<tt::GetNumProgramsOp>(op).getAxis());
  setIndex(op->getResult(0), IndexExpr::constant(signature.grid[axis], programRank()));
}

void Raiser::raiseMakeRange(Operation *op, StringRef) {
  auto range = cast<tt::MakeRangeOp>(op);
  unsigned rank = programRank() + 1;
  int64_t extent = cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(0);
  setIndex(op->getResult(0),
           IndexExpr::axis(rank, rank - 1, extent == 1 ? 0 : 1, static_cast<int32_t>(range.getStart())));
}

Val Raiser::changeShape(Value source, IndexChange changeIndex, ArrayChange changeArray) {
  Val val = get(source);
  Extents extents = extentsOf(source.getType());
  Val original = val;
  if (val.kind == Val::Kind::Index || val.kind == Val::Kind::Pointer) {
    if (auto index = changeIndex(val.index)) {
      val.index = *index;
    } else if (val.kind == Val::Kind::Index) {
      Type element = getElementTypeOrSelf(source.getType());
      return makeArray(changeArray(materialize(val.index, element, extents)));
    } else {
      Value offset = materialize(val.index, i64(), extents);
      if (val.array)
        offset = emitElementwise("add", {offset, emitCast(val.array, i64())}, i64());
      val.array = changeArray(offset);
      val.index = IndexExpr::constant(0, shapeOf(val.array).size());
      return val;
    }
  }
  if (val.kind == Val::Kind::Condition) {
    for (IndexExpr &atom : val.condition.atoms) {
      auto changed = changeIndex(atom);
      if (!changed)
        return makeCondition({}, changeArray(toArray(original, i1(), extents)));
      atom = *changed;
    }
  }
  if (val.array)
    val.array = changeArray(val.array);
  return val;
}

void Raiser::raiseSplat(Operation *op, StringRef) {
  unsigned count = blockShape(op->getResult(0).getType()).size();
  set(op->getResult(0), changeShape(
                            op->getOperand(0),
                            [&](const IndexExpr &e) {
                              IndexExpr r = e;
                              for (unsigned i = 0; i < count; ++i)
                                r = r.withAxis(r.rank());
                              return std::optional(r);
                            },
                            [&](Value v) {
                              Extents shape(shapeOf(v).begin(), shapeOf(v).end());
                              shape.append(count, 1);
                              return emitReshape(v, shape);
                            }));
}

void Raiser::raiseUnsplat(Operation *op, StringRef) {
  Value source = op->getOperand(0);
  unsigned rank = programRank(), count = blockShape(source.getType()).size();
  set(op->getResult(0), changeShape(
                            source,
                            [&](const IndexExpr &e) {
                              IndexExpr r = e;
                              for (unsigned i = 0; i < count; ++i)
                                r = r.withoutAxis(rank);
                              return std::optional(r);
                            },
                            [&](Value v) { return emitReshape(v, shapeOf(v).take_front(rank)); }));
}

void Raiser::raiseExpandDims(Operation *op, StringRef) {
  unsigned position = programRank() + cast<tt::ExpandDimsOp>(op).getAxis();
  set(op->getResult(0),
      changeShape(
          op->getOperand(0), [&](const IndexExpr &e) { return std::optional(e.withAxis(position)); },
          [&](Value v) {
            Extents shape(shapeOf(v).begin(), shapeOf(v).end());
            shape.insert(shape.begin() + position, 1);
            return emitReshape(v, shape);
          }));
}

void Raiser::raiseBroadcast(Operation *op, StringRef) {
  // An axis of extent 1 already stands for any extent.
  set(op->getResult(0), get(op->getOperand(0)));
}

Value Raiser::fullBlock(Value array, Type type) {
  Extents shape(shapeOf(array).begin(), shapeOf(array).end());
  for (auto [i, extent] : enumerate(blockShape(type)))
    shape[programRank() + i] = extent;
  return emitBroadcast(array, shape);
}

void Raiser::raiseReshape(Operation *op, StringRef) {
  Value source = op->getOperand(0);
  unsigned first = programRank();
  ArrayRef<int64_t> to = blockShape(op->getResult(0).getType());
  Extents extents = extentsOf(source.getType());
  set(op->getResult(0), changeShape(
                            source, [&](const IndexExpr &e) { return e.reshaped(first, extents, to); },
                            [&](Value v) {
                              Extents shape(shapeOf(v).take_front(first).begin(),
                                            shapeOf(v).take_front(first).end());
                              if (all_of(shapeOf(v).drop_front(first), [](int64_t e) { return e == 1; })) {
                                shape.append(to.size(), 1);
                                return emitReshape(v, shape);
                              }
                              shape.append(to.begin(), to.end());
                              return emitReshape(fullBlock(v, source.getType()), shape);
                            }));
}

void Raiser::raiseTranspose(Operation *op, StringRef) {
  SmallVector<int64_t> order;
  unsigned first = programRank();
  for (unsigned i = 0; i < first; ++i)
    order.push_back(i);
  for (int32_t axis : cast<tt::TransOp>(op).getOrder())
    order.push_back(first + axis);
  set(op->getResult(0),
      changeShape(
          op->getOperand(0), [&](const IndexExpr &e) { return std::optional(e.permuted(order)); },
          [&](Value v) { return emitTranspose(v, order); }));
}

void Raiser::raiseConcatenate(Operation *op, StringRef) {
  SmallVector<Value, 2> arrays;
  Extents shape = programExtents();
  for (unsigned i = 0; i < shape.size(); ++i) {
    bool varies = false;
    for (Value operand : op->getOperands())
      varies |= shapeOf(arrayOf(operand))[i] != 1;
    if (!varies)
      shape[i] = 1;
  }
  for (Value operand : op->getOperands()) {
    Extents full = shape;
    ArrayRef<int64_t> block = blockShape(operand.getType());
    full.append(block.begin(), block.end());
    arrays.push_back(emitBroadcast(arrayOf(operand), full));
  }
  Value joined = emitConcatenate(arrays, programRank());
  if (getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1))
    set(op->getResult(0), makeCondition({}, joined));
  else
    setArray(op->getResult(0), joined);
}

void Raiser::raiseJoin(Operation *op, StringRef) {
  Val vals[2] = {get(op->getOperand(0)), get(op->getOperand(1))};
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<tt::PointerType>(element)) {
    if (vals[0].storage != vals[1].storage)
      refuse(op, "Joining pointers into different arguments needs a kernel engine.");
    refuse(op, "Joining pointers is not supported.");
  }
  Value a = arrayOf(op->getOperand(0)), b = arrayOf(op->getOperand(1));
  Extents shape(shapeOf(a).begin(), shapeOf(a).end());
  for (auto [extent, other] : zip_equal(shape, shapeOf(b)))
    extent = std::max(extent, other);
  Extents joined = shape;
  joined.push_back(1);
  Value result = emitConcatenate(
      {emitReshape(emitBroadcast(a, shape), joined), emitReshape(emitBroadcast(b, shape), joined)},
      shape.size());
  if (element.isInteger(1))
    set(op->getResult(0), makeCondition({}, result));
  else
    setArray(op->getResult(0), result);
}

void Raiser::raiseSplit(Operation *op, StringRef) {
  Value source = op->getOperand(0);
  for (unsigned half = 0; half < 2; ++half)
    set(op->getResult(half), changeShape(
                                 source,
                                 [&](const IndexExpr &e) -> std::optional<IndexExpr> {
                                   unsigned last = e.rank() - 1;
                                   if (e.table && e.table->shape[last] != 1)
                                     return std::nullopt;
                                   IndexExpr r = e;
                                   r.offset += half * r.coefficients[last];
                                   r.coefficients[last] = 0;
                                   return r.withoutAxis(last);
                                 },
                                 [&](Value v) {
                                   unsigned last = shapeOf(v).size() - 1;
                                   Value part =
                                       shapeOf(v)[last] == 1 ? v : emitSliceAxis(v, last, half, half + 1);
                                   return emitReshape(part, shapeOf(part).drop_back());
                                 }));
}

void Raiser::raiseGather(Operation *op, StringRef) {
  auto gather = cast<tt::GatherOp>(op);
  unsigned axis = programRank() + gather.getAxis();
  Value source = fullBlock(arrayOf(gather.getSrc()), gather.getSrc().getType());
  Value indices = fullBlock(arrayOf(gather.getIndices()), gather.getIndices().getType());
  // take_along_axis wants equal program axes, and an index that stays inside on GPUs too.
  Extents s(shapeOf(source).begin(), shapeOf(source).end()),
      t(shapeOf(indices).begin(), shapeOf(indices).end());
  for (unsigned i = 0; i < programRank(); ++i)
    s[i] = t[i] = std::max(s[i], t[i]);
  source = emitBroadcast(source, s);
  indices = emitBroadcast(indices, t);
  Type type = elementOf(indices);
  unsigned rank = s.size();
  indices = emitElementwise("maximum", {indices, emitInt(0, type, rank)}, type);
  indices = emitElementwise("minimum", {indices, emitInt(s[axis] - 1, type, rank)}, type);
  // The other block axes of the source may be longer than those of the indices.
  Extents low(rank, 0), high = s;
  for (unsigned i = programRank(); i < rank; ++i)
    if (i != axis)
      high[i] = t[i];
  source = emitSlice(source, low, high);
  Value result = emit("take_along_axis", {source, indices}, elementOf(source), t,
                      {builder.getNamedAttr("axis", builder.getI64IntegerAttr(axis))});
  if (elementOf(source).isInteger(1))
    set(op->getResult(0), makeCondition({}, result));
  else
    setArray(op->getResult(0), result);
}

void Raiser::raiseHistogram(Operation *op, StringRef) {
  auto histogram = cast<tt::HistogramOp>(op);
  Value values = fullBlock(arrayOf(histogram.getSrc()), histogram.getSrc().getType());
  unsigned rank = shapeOf(values).size();
  int64_t bins = cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(0);
  Type resultType = getElementTypeOrSelf(op->getResult(0).getType());
  Extents shape(shapeOf(values).begin(), shapeOf(values).end());
  shape.push_back(1);
  Value equal = emitCompare("equal", emitReshape(values, shape),
                            materialize(IndexExpr::axis(rank + 1, rank), elementOf(values), [&] {
                              Extents e(rank + 1, 1);
                              e.back() = bins;
                              return e;
                            }()));
  if (histogram.getMask()) {
    Value mask = fullBlock(arrayOf(histogram.getMask()), histogram.getMask().getType());
    Extents maskShape(shapeOf(mask).begin(), shapeOf(mask).end());
    maskShape.push_back(1);
    equal = emitAnd(equal, emitReshape(mask, maskShape));
  }
  Value counts =
      emitReduction("sum", emitCast(equal, resultType), {static_cast<int64_t>(rank - 1)}, resultType);
  Extents out(shapeOf(counts).begin(), shapeOf(counts).end());
  out.erase(out.begin() + rank - 1);
  setArray(op->getResult(0), emitReshape(counts, out));
}

} // namespace tmetal

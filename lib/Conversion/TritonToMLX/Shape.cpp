// SPDX-License-Identifier: MIT
// Rules of program ids, ranges, shape operations, gather and histogram.
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

void raiseProgramId(Raising &r, Operation *op) {
  Values &values = r.values;
  unsigned axis = static_cast<unsigned>(cast<tt::GetProgramIdOp>(op).getAxis());
  values.setIndex(op->getResult(0), values.adaptIndex(r.box.ids[axis], 0));
}

void raiseNumPrograms(Raising &r, Operation *op) {
  Values &values = r.values;
  unsigned axis = static_cast<unsigned>(cast<tt::GetNumProgramsOp>(op).getAxis());
  values.setIndex(op->getResult(0), IndexExpr::constant(r.signature.grid[axis], values.programRank()));
}

void raiseMakeRange(Raising &r, Operation *op) {
  Values &values = r.values;
  auto range = cast<tt::MakeRangeOp>(op);
  unsigned rank = values.programRank() + 1;
  int64_t extent = cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(0);
  values.setIndex(op->getResult(0), IndexExpr::axis(rank, rank - 1, extent == 1 ? 0 : 1,
                                                    static_cast<int32_t>(range.getStart())));
}

using IndexChange = llvm::function_ref<std::optional<IndexExpr>(const IndexExpr &)>;
using ArrayChange = llvm::function_ref<Value(Value)>;

/// Changes the axes of a value: those of its index if the result is an index too, else those of its array.
static Val changeShape(Raising &r, Value source, IndexChange changeIndex, ArrayChange changeArray) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  Val val = values.get(source);
  Extents extents = values.extentsOf(source.getType());
  Val original = val;
  if (val.kind == Val::Kind::Index || val.kind == Val::Kind::Pointer) {
    auto index = changeIndex(val.index);
    if (!index && val.kind == Val::Kind::Index) {
      Type element = getElementTypeOrSelf(source.getType());
      return values.makeArray(changeArray(e.materialize(val.index, element, extents)));
    }
    if (!index) {
      val.array = changeArray(values.offsetOf(val, extents));
      val.index = IndexExpr::constant(0, shapeOf(val.array).size());
      return val;
    }
    val.index = *index;
  }
  for (IndexExpr &atom : val.condition.atoms) {
    auto changed = changeIndex(atom);
    if (!changed)
      return values.makeArray(changeArray(values.toArray(original, e.i1(), extents)));
    atom = *changed;
  }
  if (val.array)
    val.array = changeArray(val.array);
  return val;
}

void raiseSplat(Raising &r, Operation *op) {
  unsigned count = blockShape(op->getResult(0).getType()).size();
  auto changeIndex = [&](IndexExpr index) {
    for (unsigned i = 0; i < count; ++i)
      index = index.withAxis(index.rank());
    return std::optional(index);
  };
  auto changeArray = [&](Value v) {
    Extents shape(shapeOf(v));
    shape.append(count, 1);
    return r.emitter.reshape(v, shape);
  };
  r.values.set(op->getResult(0), changeShape(r, op->getOperand(0), changeIndex, changeArray));
}

void raiseUnsplat(Raising &r, Operation *op) {
  Value source = op->getOperand(0);
  unsigned rank = r.values.programRank(), count = blockShape(source.getType()).size();
  auto changeIndex = [&](IndexExpr index) {
    for (unsigned i = 0; i < count; ++i)
      index = index.withoutAxis(rank);
    return std::optional(index);
  };
  auto changeArray = [&](Value v) { return r.emitter.reshape(v, shapeOf(v).take_front(rank)); };
  r.values.set(op->getResult(0), changeShape(r, source, changeIndex, changeArray));
}

void raiseExpandDims(Raising &r, Operation *op) {
  unsigned position = r.values.programRank() + cast<tt::ExpandDimsOp>(op).getAxis();
  auto changeIndex = [&](const IndexExpr &index) { return std::optional(index.withAxis(position)); };
  auto changeArray = [&](Value v) {
    Extents shape(shapeOf(v));
    shape.insert(shape.begin() + position, 1);
    return r.emitter.reshape(v, shape);
  };
  r.values.set(op->getResult(0), changeShape(r, op->getOperand(0), changeIndex, changeArray));
}

void raiseBroadcast(Raising &r, Operation *op) {
  // An axis of extent 1 already stands for any extent.
  r.values.set(op->getResult(0), r.values.get(op->getOperand(0)));
}

void raiseReshape(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Value source = op->getOperand(0);
  unsigned first = r.values.programRank();
  ArrayRef<int64_t> to = blockShape(op->getResult(0).getType());
  Extents extents = r.values.extentsOf(source.getType());
  auto changeIndex = [&](const IndexExpr &index) { return index.reshaped(first, extents, to); };
  auto changeArray = [&](Value v) {
    Extents shape(shapeOf(v).take_front(first));
    if (all_of(shapeOf(v).drop_front(first), [](int64_t extent) { return extent == 1; })) {
      shape.append(to.size(), 1);
      return e.reshape(v, shape);
    }
    llvm::append_range(shape, to);
    return e.reshape(r.values.fullBlock(v, source.getType()), shape);
  };
  r.values.set(op->getResult(0), changeShape(r, source, changeIndex, changeArray));
}

void raiseTranspose(Raising &r, Operation *op) {
  unsigned first = r.values.programRank();
  SmallVector<int64_t> order;
  for (unsigned i = 0; i < first; ++i)
    order.push_back(i);
  for (int32_t axis : cast<tt::TransOp>(op).getOrder())
    order.push_back(first + axis);
  auto changeIndex = [&](const IndexExpr &index) { return std::optional(index.permuted(order)); };
  auto changeArray = [&](Value v) { return r.emitter.transpose(v, order); };
  r.values.set(op->getResult(0), changeShape(r, op->getOperand(0), changeIndex, changeArray));
}

void raiseConcatenate(Raising &r, Operation *op) {
  unsigned first = r.values.programRank();
  SmallVector<Value, 2> arrays;
  for (Value operand : op->getOperands())
    arrays.push_back(r.values.arrayOf(operand));
  Extents programs(ArrayRef<int64_t>(commonShape(arrays)).take_front(first));
  for (auto [array, operand] : zip_equal(arrays, op->getOperands())) {
    Extents full = programs;
    llvm::append_range(full, blockShape(operand.getType()));
    array = r.emitter.broadcast(array, full);
  }
  r.values.setArray(op->getResult(0), r.emitter.concatenate(arrays, first));
}

void raiseJoin(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  if (isa<tt::PointerType>(getElementTypeOrSelf(op->getResult(0).getType()))) {
    if (r.values.get(op->getOperand(0)).storage != r.values.get(op->getOperand(1)).storage)
      refuse(op, "Joining pointers into different arguments needs a kernel engine.");
    refuse(op, "Joining pointers is not supported.");
  }
  Value a = r.values.arrayOf(op->getOperand(0)), b = r.values.arrayOf(op->getOperand(1));
  Extents shape = commonShape({a, b}), joined = shape;
  joined.push_back(1);
  a = e.reshape(e.broadcast(a, shape), joined);
  b = e.reshape(e.broadcast(b, shape), joined);
  r.values.setArray(op->getResult(0), e.concatenate({a, b}, shape.size()));
}

void raiseSplit(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  for (unsigned half = 0; half < 2; ++half) {
    auto changeIndex = [&](IndexExpr index) -> std::optional<IndexExpr> {
      unsigned last = index.rank() - 1;
      if (index.table && index.table->shape[last] != 1)
        return std::nullopt;
      index.offset += half * index.coefficients[last];
      index.coefficients[last] = 0;
      return index.withoutAxis(last);
    };
    auto changeArray = [&](Value v) {
      unsigned last = shapeOf(v).size() - 1;
      Value part = shapeOf(v)[last] == 1 ? v : e.sliceAxis(v, last, half, half + 1);
      return e.reshape(part, shapeOf(part).drop_back());
    };
    r.values.set(op->getResult(half), changeShape(r, op->getOperand(0), changeIndex, changeArray));
  }
}

void raiseGather(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  auto gather = cast<tt::GatherOp>(op);
  unsigned first = r.values.programRank(), axis = first + gather.getAxis();
  Value source = r.values.fullArrayOf(gather.getSrc());
  Value indices = r.values.fullArrayOf(gather.getIndices());
  // take_along_axis needs equal program axes, and on GPUs an index that stays inside.
  Extents s(shapeOf(source)), t(shapeOf(indices));
  for (unsigned i = 0; i < first; ++i)
    s[i] = t[i] = std::max(s[i], t[i]);
  source = e.broadcast(source, s);
  indices = e.broadcast(indices, t);
  Type type = elementOf(indices);
  unsigned rank = s.size();
  indices = e.emit<MaximumOp>(indices, e.integer(0, type, rank));
  indices = e.emit<MinimumOp>(indices, e.integer(s[axis] - 1, type, rank));
  // The source may be longer than the indices along the other block axes.
  Extents low(rank, 0), high = s;
  for (unsigned i = first; i < rank; ++i)
    if (i != axis)
      high[i] = t[i];
  source = e.slice(source, low, high);
  r.values.setArray(op->getResult(0), e.emit<TakeAlongAxisOp>(source, indices, axis));
}

void raiseHistogram(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  auto histogram = cast<tt::HistogramOp>(op);
  auto withBins = [&](Value v) {
    Extents shape(shapeOf(v));
    shape.push_back(1);
    return e.reshape(v, shape);
  };
  Value lanes = r.values.fullArrayOf(histogram.getSrc());
  if (elementOf(lanes).isInteger(1))
    lanes = e.convert(lanes, e.i32());
  unsigned rank = shapeOf(lanes).size();
  Type resultType = getElementTypeOrSelf(op->getResult(0).getType());
  Extents bins(rank + 1, 1);
  bins.back() = blockShape(op->getResult(0).getType())[0];
  Value each = withBins(lanes);
  Value equal = e.emit<EqualOp>(each, e.materialize(IndexExpr::axis(rank + 1, rank), elementOf(lanes), bins));
  if (histogram.getMask())
    equal = e.both(equal, withBins(r.values.fullArrayOf(histogram.getMask())));
  Value counts = e.emit<SumOp>(e.convert(equal, resultType), static_cast<int64_t>(rank - 1));
  Extents shape(shapeOf(counts));
  shape.erase(shape.begin() + rank - 1);
  r.values.setArray(op->getResult(0), e.reshape(counts, shape));
}

} // namespace tmetal::raising

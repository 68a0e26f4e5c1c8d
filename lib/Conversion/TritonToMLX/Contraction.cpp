// SPDX-License-Identifier: MIT
#include "Contraction.h"
#include "FloatConversion.h"
#include "Refusal.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

/// Multiplies matrices on the last two axes and broadcasts the axes in front of them.
static Value contract(Emitter &e, Value a, Value b) {
  // Axes on which only one side varies become part of that side's rows or columns,
  // which makes one large product.
  unsigned leading = shapeOf(a).size() - 2, row = leading, column = leading + 1;
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
  Extents aShape, bShape;
  if (!batch.empty())
    aShape.push_back(product(batchExtents));
  bShape = aShape;
  aShape.append({product(aExtents) * m, k});
  bShape.append({k, product(bExtents) * n});
  Value left = e.reshape(e.transpose(a, aOrder), aShape);
  Value right = e.reshape(e.transpose(b, bOrder), bShape);
  Value out = e.emit<MatmulOp>(left, right);

  // Back to program axes, batch axes, rows and columns.
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
  return e.transpose(e.reshape(out, unfolded), source);
}

Value dotProduct(Emitter &e, Value a, Value b, Type aType, Type bType, Type resultType, Operation *op) {
  Type f32 = e.f32();
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
      Value left = e.convert(e.sliceAxis(a, inner, start, stop), f32);
      Value right = e.convert(e.sliceAxis(b, inner - 1, start, stop), f32);
      Value part = e.convert(contract(e, left, right), e.i32());
      sum = sum ? e.emit<AddOp>(sum, part) : part;
    }
    return e.convert(sum, resultType);
  }
  // Products of narrow floats are exact in f32; MLX would round them to the type of the operands.
  Type sumType = aType.isF64() || bType.isF64() || resultType.isF64() ? Type(e.f64()) : f32;
  auto widen = [&](Value v, Type type) { return convertFloat(e, v, type, sumType, false); };
  Value left = widen(a, aType);
  return e.convert(contract(e, left, widen(b, bType)), resultType);
}

} // namespace tmetal::raising

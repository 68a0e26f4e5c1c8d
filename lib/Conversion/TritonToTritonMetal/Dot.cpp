// SPDX-License-Identifier: MIT
// Matrix products: on 8x8 fragments if the types allow it, else one step of the inner dimension at a time.
#include "Materialize.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

namespace {
struct Operand {
  Value value;
  bool transposed = false;
  SmallVector<int32_t> order; // the dimension of `value` for each one of the operand, if it passes in slices
  Value array;                // in threadgroup memory: the whole operand, or a slice of it
  int64_t stride = 0;
};

/// The state of a product that is being written.
struct Product {
  tt::DotOp op;
  Location loc;
  const ProductPlan &plan;
  LinearLayout layout; // of the result
  Operand a, b;
  Type sumType;
  Value matrix;      // the result in fragments, or
  Value accumulator; // in a tile

  Product(tt::DotOp op, const LayoutPlan &plan)
      : op(op), loc(op.getLoc()), plan(plan.productOf(op)), layout(plan.layoutOf(op.getOperation())),
        sumType(sumTypeOf(op)) {
    a.value = op.getA();
    b.value = op.getB();
  }
  bool inFragments() const { return plan.grid.has_value(); }
  int64_t depth() { return shapeOf(op.getA()).back(); }
};
} // namespace

// ---- operands ----

/// Copies a whole operand to threadgroup memory.
static void loadOperand(Distribution &d, const Product &product, Operand &operand) {
  // A transposed operand is copied untransposed, from the source of the transposition.
  tt::TransOp trans = transpositionOf(operand.value);
  if (product.inFragments() && trans && !d.plan.isRecomputed(trans.getSrc())) {
    operand.transposed = true;
    operand.value = trans.getSrc();
  }
  if (!d.blocks.contains(operand.value))
    d.code.closeRegion(); // its operands may have been computed in that region
  operand.array = threadgroupCopyOf(d, operand.value, product.loc);
  operand.stride = shapeOf(operand.value).back();
}

/// Keeps an operand that passes in slices in registers.
static void keepOperand(Distribution &d, const Product &product, Operand &operand) {
  Value sent = d.plan.slicedOperand(operand.value);
  if (sent != operand.value)
    operand.order.assign(operand.value.getDefiningOp<tt::TransOp>().getOrder());
  else
    operand.order = llvm::to_vector(llvm::seq<int32_t>(shapeOf(sent).size()));
  operand.value = sent;
  if (d.blocks.contains(operand.value))
    return;
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(operand.value), operand.value, product.loc);
  Value scalar = pull(d, region, operand.value, region.ownRequest());
  d.blocks.keepScalar(operand.value, region, scalar, region.ownRequest());
}

/// Stores slice number `slice` along dimension `inner` in the array of the operand.
static void sendSlice(Distribution &d, const Product &product, const Operand &operand, int inner, Value slice,
                      int64_t sliceDepth) {
  Location loc = product.loc;
  std::vector<int64_t> shape = shapeOf(operand.value);
  ThreadRegion &region = d.code.openRegion(d.plan.layoutOf(operand.value), loc);
  Request own = region.ownRequest();
  Value value = pull(d, region, operand.value, own);
  Value k = coordinate(region, own, operand.order[inner], loc);
  Value owner = ownerMask(region, own.layout, loc);
  Builder b = region.at(loc);
  Value mine = arith::ShRUIOp::create(b, k, constant(b, llvm::Log2_64(sliceDepth)));
  Value chosen = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, mine, slice);
  Value position;
  for (int dim = 0; dim < int(shape.size()); ++dim) {
    Value coord = coordinate(region, own, operand.order[dim], loc);
    b = region.at(loc);
    int64_t extent = shape[operand.order[dim]];
    if (dim == inner) {
      coord = arith::AndIOp::create(b, coord, constant(b, sliceDepth - 1));
      extent = sliceDepth;
    }
    position =
        position
            ? Value(arith::AddIOp::create(b, arith::MulIOp::create(b, position, constant(b, extent)), coord))
            : coord;
  }
  tm::SharedStoreOp::create(b, value, operand.array, position, andMask(b, owner, chosen));
  d.code.closeRegion();
}

// ---- the result ----

/// Converts an element to the type in which products are added up, which holds it exactly.
static Value widen(Builder &b, Value value, Type to) {
  if (value.getType() == to)
    return value;
  if (isa<IntegerType>(value.getType()))
    return arith::ExtSIOp::create(b, to, value);
  if (value.getType().getIntOrFloatBitWidth() == 8)
    value = tt::FpToFpOp::create(b, b.getF32Type(), value, tt::RoundingModeAttr());
  return value.getType() == to ? value : Value(arith::ExtFOp::create(b, to, value));
}

static void startResult(Distribution &d, Product &product) {
  Value result = product.op.getD();
  if (product.plan.accumulates)
    return;
  if (product.inFragments()) {
    Builder b = d.code.uniform(product.loc);
    product.matrix = newFragments(b, result, *product.plan.grid);
    fillWithZeros(b, product.matrix);
    return;
  }
  product.accumulator = newTile(d, product.sumType, product.layout, product.loc);
  d.code.closeRegion();
  Value addend = product.op.getC();
  ThreadRegion &region = regionFor(d, product.layout, addend, product.loc);
  Value first = pull(d, region, addend, region.ownRequest());
  Builder b = region.at(product.loc);
  tm::PutOp::create(b, widen(b, first, product.sumType), product.accumulator, region.registerIndex());
  d.code.closeRegion();
}

// ---- multiplication ----

/// Adds the products of step `k` of the inner dimension. The arrays hold `depth` steps.
static void multiplyStep(Distribution &d, Product &product, Value k, int64_t depth) {
  Location loc = product.loc;
  std::vector<int64_t> shape = shapeOf(product.op.getD());
  Type type = product.sumType;
  int rank = shape.size();
  ThreadRegion &region = d.code.openRegion(product.layout, loc);
  Request own = region.ownRequest();
  Value row = coordinate(region, own, rank - 2, loc), column = coordinate(region, own, rank - 1, loc);
  Value batch = rank == 3 ? coordinate(region, own, 0, loc) : Value();
  Builder b = region.at(loc);
  auto multiplyAdd = [&](Value x, int64_t factor, Value y) -> Value {
    Value scaled = arith::MulIOp::create(b, x, constant(b, factor));
    return arith::AddIOp::create(b, scaled, y);
  };
  Value rowOfA = batch ? multiplyAdd(batch, shape[rank - 2], row) : row;
  Value rowOfB = batch ? multiplyAdd(batch, depth, k) : k;
  Value x =
      tm::SharedLoadOp::create(b, elementOf(product.a.value), product.a.array, multiplyAdd(rowOfA, depth, k));
  Value y = tm::SharedLoadOp::create(b, elementOf(product.b.value), product.b.array,
                                     multiplyAdd(rowOfB, shape[rank - 1], column));
  Value sum = tm::GetOp::create(b, type, product.accumulator, region.registerIndex());
  x = widen(b, x, type);
  y = widen(b, y, type);
  if (isa<IntegerType>(type))
    sum = arith::AddIOp::create(b, sum, arith::MulIOp::create(b, x, y));
  else
    sum = arith::AddFOp::create(b, sum, arith::MulFOp::create(b, x, y));
  tm::PutOp::create(b, sum, product.accumulator, region.registerIndex());
}

/// Adds the product of the arrays of the operands, which hold `depth` steps.
static void multiply(Distribution &d, Product &product, int64_t depth) {
  Builder b = d.code.uniform(product.loc);
  if (product.inFragments()) {
    std::vector<int64_t> shape = shapeOf(product.op.getD());
    tm::MultiplyAccumulateOp::create(b, product.matrix, product.a.array, product.b.array, depth,
                                     product.a.stride, product.b.stride, product.a.transposed,
                                     product.b.transposed, shape.size() == 3 ? shape[0] : 1);
    return;
  }
  Value first = constant(b, 0), end = constant(b, depth), step = constant(b, 1);
  auto loop = scf::ForOp::create(b, first, end, step);
  RegionBuilder::Inside inside(d.code, loop.getBody());
  multiplyStep(d, product, loop.getInductionVar(), depth);
}

/// Passes the operands through threadgroup memory slice by slice.
static void multiplyInSlices(Distribution &d, Product &product) {
  Location loc = product.loc;
  int64_t slices = product.plan.slices, sliceDepth = product.depth() / slices;
  keepOperand(d, product, product.a);
  keepOperand(d, product, product.b);
  Builder b = d.code.uniform(loc);
  for (Operand *operand : {&product.a, &product.b}) {
    int64_t count = numElements(shapeOf(operand->value));
    operand->array = newArray(b, loc, count / slices, elementOf(operand->value));
  }
  product.a.stride = sliceDepth;
  product.b.stride = shapeOf(product.op.getB()).back();
  Value first = constant(b, 0), end = constant(b, slices), step = constant(b, 1);
  auto loop = scf::ForOp::create(b, first, end, step);
  RegionBuilder::Inside inside(d.code, loop.getBody());
  int rank = shapeOf(product.op.getD()).size();
  sendSlice(d, product, product.a, rank - 1, loop.getInductionVar(), sliceDepth);
  sendSlice(d, product, product.b, rank - 2, loop.getInductionVar(), sliceDepth);
  multiply(d, product, sliceDepth);
}

// ---- epilogue ----

/// Adds the addend to fragments that started at zero, and rounds the sums to the type of the result.
static void keepSums(Distribution &d, Product &product) {
  Location loc = product.loc;
  Value result = product.op.getD();
  bool addsLate = product.inFragments() && !product.plan.zeroAddend;
  d.code.closeRegion();
  Value tile = product.accumulator;
  if (product.inFragments())
    tile = tileOfFragments(d, product.matrix, product.layout, loc);
  ThreadRegion &region = d.code.openRegion(product.layout, loc);
  Request own = region.ownRequest();
  Value addend = addsLate ? pull(d, region, product.op.getC(), own) : Value();
  Builder b = region.at(loc);
  Value sum = tm::GetOp::create(b, product.sumType, tile, region.registerIndex());
  if (addend)
    sum = arith::AddFOp::create(b, sum, widen(b, addend, product.sumType));
  if (sum.getType() != elementOf(result))
    sum = arith::TruncFOp::create(b, elementOf(result), sum);
  d.blocks.keepScalar(result, region, sum, own);
}

static void keepResult(Distribution &d, Product &product) {
  Value result = product.op.getD();
  bool isRounded = elementOf(result) != product.sumType;
  if (product.inFragments() ? isRounded || !(product.plan.accumulates || product.plan.zeroAddend) : isRounded)
    keepSums(d, product);
  else if (product.inFragments())
    d.blocks.keepFragments(result, product.matrix, product.layout);
  else
    d.blocks.keepTile(result, product.accumulator, {product.layout, 0});
}

void lowerDot(Distribution &d, Operation *op) {
  Product product(cast<tt::DotOp>(op), d.plan);
  if (product.plan.accumulates)
    product.matrix = d.blocks.find(product.op.getC())->fragments;
  bool isWhole = product.plan.slices == 1;
  if (isWhole) {
    loadOperand(d, product, product.a);
    loadOperand(d, product, product.b);
    d.code.closeRegion();
  }
  startResult(d, product);
  if (isWhole)
    multiply(d, product, product.depth());
  else
    multiplyInSlices(d, product);
  keepResult(d, product);
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "Pull.h"

#include "Materialize.h"
#include "Parts.h"
#include "Positions.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Support/SourceLocation.h"
#include "triton-metal/Support/Types.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

// ---- blocks that are kept ----

static Value read(Distribution &d, ThreadRegion &region, Value block, const Request &request) {
  Location loc = region.getOp().getLoc();
  moveOutOfFragments(d, block, loc);
  if (std::optional<OwnRegister> place = d.blocks.find(block)->findOwnRegister(request))
    return readRegister(region, tileOf(d, block), *place, loc);
  bool hasCopy = d.blocks.findThreadgroupCopy(block, d.code.getBlock()) != nullptr;
  if (!hasCopy && !passesWhole(d, block)) {
    auto wanted = [&](ThreadRegion &reader) { return elementIndex(reader, request, loc); };
    Value tile = exchangeInParts(d, block, region.getLayout(), wanted, loc);
    Builder b = region.at(loc);
    return tm::GetOp::create(b, elementOf(block), tile, region.registerIndex());
  }
  Value array = threadgroupCopyOf(d, block, loc);
  Value index = elementIndex(region, request, loc);
  Builder b = region.at(loc);
  return tm::SharedLoadOp::create(b, elementOf(block), array, index);
}

// ---- blocks that are computed ----

/// For `cat` and `join`: selects one of the two elements.
static Value select(ThreadRegion &region, OpResult result, const Request &request, Value first,
                    Value second) {
  Operation *op = result.getOwner();
  Location loc = op->getLoc();
  int64_t chosen = isa<tt::JoinOp>(op) ? 1 : numElements(shapeOf(result)) / 2;
  Value index = elementIndex(region, request, loc);
  Builder b = region.at(loc);
  Value bit = arith::AndIOp::create(b, index, constant(b, chosen));
  Value isSecond = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, constant(b, 0));
  return arith::SelectOp::create(b, isSecond, second, first);
}

/// Copies the operation to the scalars of a thread.
static Value copyOnScalars(Distribution &d, ThreadRegion &region, OpResult result, const Request &request) {
  Operation *op = result.getOwner();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(pull(d, region, operand, request));
  Builder b = region.at(op->getLoc());
  Operation *copy = op->cloneWithoutRegions();
  copy->setOperands(operands);
  for (OpResult each : copy->getResults())
    each.setType(getElementTypeOrSelf(each.getType()));
  b.insert(copy);
  for (auto [from, to] : llvm::zip_equal(op->getResults(), copy->getResults()))
    region.remember(from, request, to);
  return copy->getResult(result.getResultNumber());
}

static Value compute(Distribution &d, ThreadRegion &region, OpResult result, const Request &request) {
  Operation *op = result.getOwner();
  Location loc = op->getLoc();
  if (SmallVector<ValueRequest> inner = requestsThroughView(result, request); !inner.empty()) {
    SmallVector<Value> elements;
    for (auto &[source, wanted] : inner)
      elements.push_back(pull(d, region, source, wanted));
    return elements.size() == 1 ? elements[0] : select(region, result, request, elements[0], elements[1]);
  }
  if (auto range = dyn_cast<tt::MakeRangeOp>(op)) {
    Value coord = coordinate(region, request, 0, loc);
    Builder b = region.at(loc);
    if (range.getStart() == 0)
      return coord;
    return arith::AddIOp::create(b, coord, constant(b, range.getStart()));
  }
  if (auto splat = dyn_cast<tt::SplatOp>(op))
    return d.scalar(splat.getSrc());
  if (auto block = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(block.getValue());
    if (!elements || !elements.isSplat())
      refuse(op, "A block constant with different elements is not supported.");
    Builder b = region.at(loc);
    return arith::ConstantOp::create(b, elements.getSplatValue<TypedAttr>());
  }
  return copyOnScalars(d, region, result, request);
}

Value pull(Distribution &d, ThreadRegion &region, Value value, const Request &request) {
  if (!isBlock(value))
    return d.scalar(value);
  if (Value known = region.find(value, request))
    return known;
  Value scalar;
  if (d.blocks.contains(value)) {
    scalar = read(d, region, value, request);
  } else {
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      throw Error(ErrorKind::Unsupported, placeOf(value.getLoc()) + "[block] A block argument has no place.");
    scalar = compute(d, region, result, request);
  }
  region.remember(value, request, scalar);
  return scalar;
}

// ---- regions ----

/// Whether the region can get the element without another region between its operations.
static bool isAvailable(const Distribution &d, const ThreadRegion &region, Value value,
                        const Request &request) {
  if (!isBlock(value))
    return true;
  if (const KeptBlock *kept = d.blocks.find(value))
    return kept->isReadableIn(region, request);
  if (region.find(value, request))
    return true;
  return forEachPulled(value, request, [&](Value operand, const Request &inner) {
    return isAvailable(d, region, operand, inner);
  });
}

ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, ValueRange values, Location loc) {
  ThreadRegion *open = d.code.getOpen();
  if (open && open->getLayout() == layout &&
      llvm::all_of(values, [&](Value value) { return isAvailable(d, *open, value, open->ownRequest()); }))
    return *open;
  return d.code.openRegion(layout, loc);
}

ThreadRegion &regionFor(Distribution &d, const LinearLayout &layout, ValueRange values,
                        const DeviceAccess &access, Location loc) {
  ThreadRegion *region = &regionFor(d, layout, values, loc);
  if (d.memory.conflicts(region->accesses, layout, access))
    region = &d.code.openRegion(layout, loc);
  region->accesses.push_back(access);
  return *region;
}

} // namespace tmetal

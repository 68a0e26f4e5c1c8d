// SPDX-License-Identifier: MIT
#include "Positions.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

static Value laneIndex(Builder &b) { return tm::LaneOp::create(b, b.getI32Type()); }
static Value simdgroupIndex(Builder &b) { return tm::SimdgroupOp::create(b, b.getI32Type()); }

static Value flipped(Builder &b, Value index, int64_t flip) {
  return flip == 0 ? index : Value(arith::XOrIOp::create(b, index, constant(b, flip)));
}

Value elementIndex(ThreadRegion &region, const Request &request, Location loc) {
  Builder b = region.at(loc);
  if (request.layout.numElements() == 1)
    return constant(b, 0);
  auto layout = attributeOf(b.getContext(), request.layout);
  Value element = tm::ElementOp::create(b, b.getI32Type(), region.registerIndex(), layout);
  return flipped(b, element, request.flip);
}

Value coordinate(ThreadRegion &region, const Request &request, int dim, Location loc) {
  Builder b = region.at(loc);
  int64_t extent = request.layout.shape[dim];
  if (extent == 1)
    return constant(b, 0);
  auto layout = attributeOf(b.getContext(), request.layout);
  Value coord = tm::CoordOp::create(b, b.getI32Type(), region.registerIndex(), layout, dim);
  return flipped(b, coord, request.flip / stridesOf(request.layout.shape)[dim] % extent);
}

Value mapBits(Builder &b, Value source, ArrayRef<int64_t> contributions) {
  Value sum;
  for (unsigned bit = 0; bit < contributions.size();) {
    if (contributions[bit] == 0) {
      ++bit;
      continue;
    }
    // Handles runs of bits at once.
    unsigned end = bit + 1;
    while (end < contributions.size() && contributions[end] == contributions[bit] << (end - bit))
      ++end;
    Value run = source;
    if (bit > 0)
      run = arith::ShRUIOp::create(b, run, constant(b, bit));
    if (end < contributions.size())
      run = arith::AndIOp::create(b, run, constant(b, (int64_t(1) << (end - bit)) - 1));
    int shift = llvm::countr_zero(uint64_t(contributions[bit]));
    // A contribution of several bits cannot be part of a run.
    if (!llvm::isPowerOf2_64(contributions[bit])) {
      end = bit + 1;
      run = arith::AndIOp::create(b, arith::ShRUIOp::create(b, source, constant(b, bit)), constant(b, 1));
      run = arith::MulIOp::create(b, run, constant(b, contributions[bit]));
    } else if (shift > 0) {
      run = arith::ShLIOp::create(b, run, constant(b, shift));
    }
    sum = sum ? Value(arith::XOrIOp::create(b, sum, run)) : run;
    bit = end;
  }
  return sum;
}

Value andMask(Builder &b, Value mask, Value other) {
  if (!mask || !other)
    return mask ? mask : other;
  return arith::AndIOp::create(b, mask, other);
}

void onlyWhere(Builder &b, Value mask) {
  if (!mask)
    return;
  auto branch = scf::IfOp::create(b, mask, /*withElseRegion=*/false);
  b.setInsertionPoint(branch.thenYield());
}

Value ownerMask(ThreadRegion &region, const LinearLayout &layout, Location loc) {
  auto freeBits = [](ArrayRef<int64_t> bases) {
    int64_t mask = 0;
    for (unsigned bit = 0; bit < bases.size(); ++bit)
      if (bases[bit] == 0)
        mask |= int64_t(1) << bit;
    return mask;
  };
  Builder b = region.at(loc);
  Value mask;
  // The owner is the thread with zeros in the bits that select copies.
  auto require = [&](int64_t bits, llvm::function_ref<Value()> index) {
    if (bits == 0)
      return;
    Value chosen = arith::AndIOp::create(b, index(), constant(b, bits));
    Value zero = constant(b, 0);
    mask = andMask(b, mask, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, chosen, zero));
  };
  require(freeBits(layout.lanes), [&] { return laneIndex(b); });
  require(freeBits(layout.simdgroups), [&] { return simdgroupIndex(b); });
  require(freeBits(layout.registers), [&] { return region.registerIndex(); });
  return mask;
}

Value readRegister(ThreadRegion &region, Value tile, const OwnRegister &place, Location loc) {
  Builder b = region.at(loc);
  Value index = mapBits(b, region.registerIndex(), place.map.fromRegisters);
  auto add = [&](Value part) {
    if (part)
      index = index ? Value(arith::XOrIOp::create(b, index, part)) : part;
  };
  auto contributes = [](ArrayRef<int64_t> parts) {
    return llvm::any_of(parts, [](int64_t part) { return part != 0; });
  };
  if (contributes(place.map.fromLanes))
    add(mapBits(b, laneIndex(b), place.map.fromLanes));
  if (contributes(place.map.fromSimdgroups))
    add(mapBits(b, simdgroupIndex(b), place.map.fromSimdgroups));
  if (place.constant || !index)
    add(constant(b, place.constant));
  return tm::GetOp::create(b, cast<tm::TileType>(tile.getType()).getElementType(), tile, index);
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "Parts.h"
#include "Materialize.h"
#include "Positions.h"
#include "Pull.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

std::pair<Value, Value> Part::locate(Builder &b, Value index) const {
  Value number = arith::ShRUIOp::create(b, index, constant(b, llvm::Log2_64(size)));
  Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, trip);
  return {arith::AndIOp::create(b, index, constant(b, size - 1)), isHere};
}

bool passesWhole(const Distribution &d, int64_t count, int64_t bytes) {
  return count * bytes <= d.plan.getOptions().operandBytes;
}

bool passesWhole(const Distribution &d, Value block) {
  return passesWhole(d, numElements(shapeOf(block)), byteWidth(elementOf(block)));
}

void forEachPart(Distribution &d, int64_t count, int64_t bytes, Location loc,
                 llvm::function_ref<void(const Part &)> write) {
  // Half of the memory, because other arrays may be alive.
  int64_t size = count;
  while (size > 1 && size * bytes > d.plan.getOptions().operandBytes / 2)
    size /= 2;
  Builder b = d.code.uniform(loc);
  Value first = constant(b, 0), end = constant(b, count / size), step = constant(b, 1);
  auto loop = scf::ForOp::create(b, first, end, step);
  RegionBuilder::Inside inside(d.code, loop.getBody());
  write({size, loop.getInductionVar()});
  d.code.closeRegion();
}

Value exchangeInParts(Distribution &d, Value block, const LinearLayout &readers,
                      llvm::function_ref<Value(ThreadRegion &)> wanted, Location loc) {
  RegionBuilder::AheadOfRegion ahead(d.code);
  Type element = elementOf(block);
  Value source;
  Request have;
  if (d.blocks.contains(block)) {
    source = tileOf(d, block);
    have = d.blocks.find(block)->request;
  } else {
    have = {d.plan.layoutOf(block), 0};
    source = newTile(d, element, have.layout, loc);
    putInto(d, block, source, have.layout, loc);
  }
  Value tile = newTile(d, element, readers, loc);
  forEachPart(d, numElements(shapeOf(block)), byteWidth(element), loc, [&](const Part &part) {
    OpBuilder outer = d.code.uniform(loc);
    Value array = newArray(outer, loc, part.size, element);
    ThreadRegion &sender = d.code.openRegion(have.layout, loc);
    Value owner = ownerMask(sender, have.layout, loc), index = elementIndex(sender, have, loc);
    Builder b = sender.at(loc);
    auto [to, sends] = part.locate(b, index);
    Value sent = tm::GetOp::create(b, element, source, sender.registerIndex());
    tm::SharedStoreOp::create(b, sent, array, to, andMask(b, owner, sends));
    ThreadRegion &receiver = d.code.openRegion(readers, loc);
    index = wanted(receiver);
    b = receiver.at(loc);
    auto [from, receives] = part.locate(b, index);
    onlyWhere(b, receives);
    Value received = tm::SharedLoadOp::create(b, element, array, from);
    tm::PutOp::create(b, received, tile, receiver.registerIndex());
  });
  return tile;
}

} // namespace tmetal

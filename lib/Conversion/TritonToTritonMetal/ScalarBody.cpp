// SPDX-License-Identifier: MIT
#include "ScalarBody.h"
#include "Positions.h"
#include "Rules.h"

#include "triton-metal/Support/Types.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

/// Whether a copy of the operation is all that a thread needs.
static bool isCopied(Operation *op) { return !isa<DeviceAccessOpInterface, tt::PrintOp, tt::AssertOp>(op); }

bool hasEffects(Region &body) {
  return body
      .walk([](Operation *op) {
        return isCopied(op) || isa<tt::LoadOp>(op) ? WalkResult::advance() : WalkResult::interrupt();
      })
      .wasInterrupted();
}

/// Checks what a thread cannot do for a scalar of its own.
static void checkInBody(Distribution &d, Operation *op) {
  auto access = dyn_cast<DeviceAccessOpInterface>(op);
  if (!access)
    return;
  if (isa<tt::LoadOp>(op) && d.memory.isStored(access.getAddress()))
    refuse(op, "A function that combines or maps elements cannot load what the kernel stores: its calls have "
               "no order.");
  if (isa<tt::AtomicPollOp>(op) || d.order.isRelease(op) || d.order.isAcquire(op))
    refuse(
        op,
        "A function that combines or maps elements cannot wait for other programs, nor order what they see: "
        "that takes a barrier.");
  if (access.isAtomic() && op->getNumResults() == 1 && !op->getResult(0).use_empty())
    refuse(op, "A function that combines or maps elements cannot use the result of an atomic operation: "
               "threads that hold copies of an element would get different ones.");
}

/// Replaces the copy of an operation on memory, or of a message, by its form for one thread, and returns the
/// result, if any.
static Value lowerCopy(Operation *copy, Value when) {
  Builder b(copy->getLoc(), copy);
  Value result;
  if (isa<DeviceAccessOpInterface>(copy)) {
    result = lowerThreadAccess(b, copy, when);
    if (result)
      copy->getResult(0).replaceAllUsesWith(result);
  } else {
    onlyWhere(b, when);
    lowerThreadMessage(b, copy);
  }
  copy->erase();
  return result;
}

void inlineBody(Distribution &d, ThreadRegion &region, Builder &b, Block &body, IRMapping &map, Value when) {
  // Values that the body uses from outside are scalars of uniform code.
  for (auto &[from, to] : d.scalars.getValueMap())
    if (!map.contains(from))
      map.map(from, to);
  for (Operation &op : body.without_terminator()) {
    op.walk([&](Operation *inner) {
      if (isCopied(inner))
        return;
      checkInBody(d, inner);
      region.getOp().setVectorizable(false);
      if (auto access = dyn_cast<DeviceAccessOpInterface>(inner))
        region.accesses.push_back(
            {d.memory.rootsOf(access.getAddress()), access.getAddress(), access.writesMemory()});
    });
    Operation *copy = b.clone(op, map);
    if (!isCopied(copy)) {
      if (Value result = lowerCopy(copy, when))
        map.map(op.getResult(0), result);
      continue;
    }
    SmallVector<Operation *> nested;
    copy->walk([&](Operation *inner) {
      if (!isCopied(inner))
        nested.push_back(inner);
    });
    for (Operation *inner : nested)
      lowerCopy(inner, when);
  }
}

SmallVector<Value> combine(Distribution &d, ThreadRegion &region, Builder &b, Region &combiner,
                           ValueRange left, ValueRange right, Value when) {
  IRMapping map;
  Block &body = combiner.front();
  unsigned argument = 0;
  for (ValueRange side : {left, right})
    for (Value value : side)
      map.map(body.getArgument(argument++), value);
  inlineBody(d, region, b, body, map, when);
  SmallVector<Value> results;
  for (Value result : body.getTerminator()->getOperands())
    results.push_back(map.lookupOrDefault(result));
  return results;
}

} // namespace tmetal

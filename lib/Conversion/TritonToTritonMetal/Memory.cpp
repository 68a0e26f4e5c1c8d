// SPDX-License-Identifier: MIT
// Loads, stores and atomics in device memory.
#include "Materialize.h"
#include "Positions.h"
#include "Pull.h"
#include "Rules.h"
#include "ScalarBody.h"

#include "triton-metal/Support/Constants.h"
#include "triton-metal/Support/Types.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

// ---- addresses ----

namespace {
/// A base and the offset from it in elements, or null.
struct SplitPointer {
  Value base, offset;
};
} // namespace

static SplitPointer splitPointer(Builder &b, Value pointer) {
  auto extend = [&](Value value) -> Value {
    if (value.getType().isInteger(64))
      return value;
    return arith::ExtSIOp::create(b, b.getI64Type(), value);
  };
  Value offset;
  while (auto add = pointer.getDefiningOp<tt::AddPtrOp>()) {
    if (!isa<tm::RegionOp>(add->getParentOp()))
      break; // uniform, so computed once
    Value more = add.getOffset();
    if (!offset)
      offset = more;
    else
      offset = arith::AddIOp::create(b, extend(offset), extend(more));
    pointer = add.getPtr();
  }
  if (offset && offset.getType().getIntOrFloatBitWidth() < 32)
    offset = arith::ExtSIOp::create(b, b.getI32Type(), offset);
  return {pointer, offset};
}

// ---- scalars ----

/// Runs `compute` on one thread and passes the result to all others through threadgroup memory. If it
/// acquires, none of them goes on before it has.
static Value fromOneThread(Distribution &d, Location loc, Type type,
                           llvm::function_ref<Value(Builder &)> compute, bool acquires = false) {
  Builder before = d.code.uniform(loc);
  Value array = newArray(before, loc, 1, type);
  d.code.single(loc, [&](Builder &b) {
    Value result = compute(b);
    tm::SharedStoreOp::create(b, result, array, constant(b, 0), Value());
  });
  Builder after = d.code.uniform(loc);
  if (acquires)
    tm::BarrierOp::create(after, tm::MemoryFence::Both);
  return tm::SharedLoadOp::create(after, type, array, constant(after, 0));
}

static void lowerScalarLoad(Distribution &d, tt::LoadOp load) {
  Location loc = load.getLoc();
  Value mask = load.getMask(), other = load.getOther();
  auto emit = [&](Builder &b) -> Value {
    return tm::LoadOp::create(b, load.getType(), d.scalar(load.getPtr()), Value(),
                              mask ? d.scalar(mask) : Value(), other ? d.scalar(other) : Value(),
                              load.getIsVolatile());
  };
  // Threads that read at different times must not see different values.
  if (d.memory.isStored(load.getPtr()) || load.getIsVolatile()) {
    d.scalars.map(load.getResult(), fromOneThread(d, loc, load.getType(), emit));
    return;
  }
  Builder b = d.code.ahead(loc);
  d.scalars.map(load.getResult(), emit(b));
}

static void lowerScalarStore(Distribution &d, tt::StoreOp store) {
  d.code.single(store.getLoc(), [&](Builder &b) {
    tm::StoreOp::create(b, d.scalar(store.getValue()), d.scalar(store.getPtr()), Value(),
                        store.getMask() ? d.scalar(store.getMask()) : Value());
  });
}

// ---- blocks ----

void lowerLoad(Distribution &d, Operation *op) {
  auto load = cast<tt::LoadOp>(op);
  if (!isBlock(load.getType()))
    return lowerScalarLoad(d, load);
  Location loc = op->getLoc();
  DeviceAccess access{d.memory.rootsOf(load.getPtr()), load.getPtr(), /*writes=*/false};
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), op->getOperands(), access, loc);
  Request own = region.ownRequest();
  Value pointer = pull(d, region, load.getPtr(), own);
  Value mask = load.getMask() ? pull(d, region, load.getMask(), own) : Value();
  Value other = load.getOther() ? pull(d, region, load.getOther(), own) : Value();
  Builder b = region.at(loc);
  SplitPointer address = splitPointer(b, pointer);
  Value result = tm::LoadOp::create(b, elementOf(load.getResult()), address.base, address.offset, mask, other,
                                    load.getIsVolatile());
  d.blocks.keepScalar(load.getResult(), region, result, own);
}

void lowerStore(Distribution &d, Operation *op) {
  auto store = cast<tt::StoreOp>(op);
  if (!isBlock(store.getValue()))
    return lowerScalarStore(d, store);
  Location loc = op->getLoc();
  DeviceAccess access{d.memory.rootsOf(store.getPtr()), store.getPtr(), /*writes=*/true};
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), op->getOperands(), access, loc);
  Request own = region.ownRequest();
  Value pointer = pull(d, region, store.getPtr(), own);
  Value value = pull(d, region, store.getValue(), own);
  Value mask = store.getMask() ? pull(d, region, store.getMask(), own) : Value();
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  mask = andMask(b, owner, mask);
  SplitPointer address = splitPointer(b, pointer);
  tm::StoreOp::create(b, value, address.base, address.offset, mask);
}

// ---- atomics ----

/// Writes the operation for the scalars of one thread, which `element` returns,
/// under the mask `owner`, if any.
static Value emitAtomic(Builder &b, Operation *op, llvm::function_ref<Value(Value)> element, Value owner) {
  SplitPointer address = splitPointer(b, element(op->getOperand(0)));
  Type type = op->getNumResults() == 1 ? elementOf(op->getResult(0)) : Type();
  auto guard = [&](Value mask) {
    bool always = !mask || matchPattern(mask, m_One()); // Triton writes a constant if there is no mask
    return andMask(b, owner, always ? Value() : element(mask));
  };
  if (auto rmw = dyn_cast<tt::AtomicRMWOp>(op))
    return tm::AtomicRMWOp::create(b, type, rmw.getAtomicRmwOp(), address.base, address.offset,
                                   element(rmw.getVal()), guard(rmw.getMask()), rmw.getSem(), rmw.getScope());
  if (auto cas = dyn_cast<tt::AtomicCASOp>(op))
    return tm::AtomicCASOp::create(b, type, address.base, address.offset, element(cas.getCmp()),
                                   element(cas.getVal()), guard({}), cas.getSem(), cas.getScope());
  if (auto load = dyn_cast<tt::AtomicLoadOp>(op))
    return tm::AtomicLoadOp::create(b, type, address.base, address.offset, guard(load.getMask()),
                                    load.getSem(), load.getScope());
  auto store = cast<tt::AtomicStoreOp>(op);
  tm::AtomicStoreOp::create(b, element(store.getValue()), address.base, address.offset,
                            guard(store.getMask()), store.getSem(), store.getScope());
  return {};
}

static void lowerScalarAtomic(Distribution &d, Operation *op, bool isUsed) {
  auto compute = [&](Builder &b) {
    return emitAtomic(b, op, [&](Value value) { return d.scalar(value); }, {});
  };
  if (isUsed)
    d.scalars.map(op->getResult(0),
                  fromOneThread(d, op->getLoc(), op->getResult(0).getType(), compute, d.order.isAcquire(op)));
  else
    d.code.single(op->getLoc(), [&](Builder &b) { compute(b); });
}

/// All threads have done what is in front of it, and none goes on before all are there.
static void emitBarrier(Distribution &d, Location loc) {
  Builder b = d.code.uniform(loc);
  tm::BarrierOp::create(b, tm::MemoryFence::Both);
}

static void lowerAtomicOfThreads(Distribution &d, Operation *op) {
  Location loc = op->getLoc();
  bool isUsed = op->getNumResults() == 1 && !op->getResult(0).use_empty();
  Value pointers = op->getOperand(0);
  if (!isBlock(pointers))
    return lowerScalarAtomic(d, op, isUsed);
  DeviceAccess access{d.memory.rootsOf(pointers), pointers, /*writes=*/true};
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), op->getOperands(), access, loc);
  region.getOp().setVectorizable(false);
  Request own = region.ownRequest();
  for (Value operand : op->getOperands())
    pull(d, region, operand, own); // first, so that nothing is emitted between the parts
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  Value result = emitAtomic(b, op, [&](Value value) { return pull(d, region, value, own); }, owner);
  if (!isUsed)
    return;
  d.blocks.keepScalar(op->getResult(0), region, result, own, /*ownersOnly=*/bool(owner));
  if (owner)
    d.code.closeRegion();
}

void lowerAtomic(Distribution &d, Operation *op) {
  if (d.order.isRelease(op))
    emitBarrier(d, op->getLoc());
  lowerAtomicOfThreads(d, op);
  if (d.order.isAcquire(op) && isBlock(op->getOperand(0)))
    emitBarrier(d, op->getLoc());
}

/// Nothing behind a poll happens before all elements have been seen, whether its result is used or not.
void lowerPoll(Distribution &d, Operation *op) {
  auto poll = cast<tt::AtomicPollOp>(op);
  Location loc = op->getLoc();
  Value until; // the same for all threads
  if (poll.getTimeout())
    until = fromOneThread(d, loc, poll.getTimeout().getType(), [&](Builder &b) -> Value {
      return tm::DeadlineOp::create(b, b.getI64Type(), d.scalar(poll.getTimeout()));
    });
  if (!isBlock(poll.getPtr())) {
    auto compute = [&](Builder &b) -> Value {
      return tm::AtomicPollOp::create(b, b.getI1Type(), d.scalar(poll.getPtr()), Value(),
                                      d.scalar(poll.getExpected()), Value(), until, poll.getSem(),
                                      poll.getScope());
    };
    d.scalars.map(poll.getResult(), fromOneThread(d, loc, poll.getType(), compute, /*acquires=*/true));
    return;
  }
  DeviceAccess access{d.memory.rootsOf(poll.getPtr()), poll.getPtr(), /*writes=*/true};
  ThreadRegion &region = regionFor(d, d.plan.layoutOf(op), {poll.getPtr(), poll.getExpected()}, access, loc);
  region.getOp().setVectorizable(false);
  Request own = region.ownRequest();
  Value pointer = pull(d, region, poll.getPtr(), own), expected = pull(d, region, poll.getExpected(), own);
  Value owner = ownerMask(region, region.getLayout(), loc);
  Builder b = region.at(loc);
  SplitPointer address = splitPointer(b, pointer);
  Value result = tm::AtomicPollOp::create(b, b.getI1Type(), address.base, address.offset, expected, owner,
                                          until, poll.getSem(), poll.getScope());
  if (!poll->use_empty())
    d.blocks.keepScalar(poll.getResult(), region, result, own, /*ownersOnly=*/bool(owner));
  emitBarrier(d, loc);
}

// ---- scalars of a thread ----

Value lowerThreadAccess(Builder &b, Operation *op, Value when) {
  if (auto load = dyn_cast<tt::LoadOp>(op)) {
    SplitPointer address = splitPointer(b, load.getPtr());
    return tm::LoadOp::create(b, load.getType(), address.base, address.offset, load.getMask(),
                              load.getOther(), load.getIsVolatile());
  }
  if (auto store = dyn_cast<tt::StoreOp>(op)) {
    SplitPointer address = splitPointer(b, store.getPtr());
    tm::StoreOp::create(b, store.getValue(), address.base, address.offset, andMask(b, when, store.getMask()));
    return {};
  }
  emitAtomic(b, op, [](Value value) { return value; }, when);
  return {};
}

} // namespace tmetal

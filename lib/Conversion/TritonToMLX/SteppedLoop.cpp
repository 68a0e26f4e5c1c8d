// SPDX-License-Identifier: MIT
// Loops whose trips only the device can count.
#include "Loops.h"
#include "Raising.h"
#include "Refusal.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

Value activePrograms(Raising &r) {
  const Extents extents = r.values.programExtents();
  Value mask = r.values.toArray(r.values.activeMask(extents), r.emitter.i1(), extents);
  return r.emitter.broadcast(mask, extents);
}

/// A value as an array of fixed shape, which a loop can carry.
static Value carry(Raising &r, const Val &val, Type type) {
  Extents extents = r.values.extentsOf(type);
  Value array = val.kind == Val::Kind::Pointer ? r.values.offsetOf(val, extents)
                                               : r.values.toArray(val, getElementTypeOrSelf(type), extents);
  return r.emitter.broadcast(array, extents);
}

static Val uncarry(Raising &r, Value array, const Val &like, Type type) {
  if (like.kind != Val::Kind::Pointer)
    return r.values.makeArray(array);
  Val pointer = like;
  pointer.frame = r.values.frame();
  pointer.index = IndexExpr::constant(0, r.values.extentsOf(type).size());
  pointer.array = array;
  return pointer;
}

static bool storesMemory(Operation *op) {
  bool stores = false;
  op->walk([&](DeviceAccessOpInterface access) { stores |= access.writesMemory(); });
  return stores;
}

Vals stepLoop(Raising &r, Operation *op, Value goOn, ArrayRef<Val> inits, ArrayRef<Type> types,
              TripFunction trip) {
  Emitter &e = r.emitter;
  // The loop carries the programs that continue, the values of the kernel, and all storages if it stores.
  SmallVector<Value> carried = {e.broadcast(goOn, r.values.programExtents())};
  for (auto [val, type] : zip_equal(inits, types))
    carried.push_back(carry(r, val, type));
  unsigned firstState = carried.size();
  MutableArrayRef<Storage> storages = r.memory.storages;
  if (!storesMemory(op))
    storages = {};
  for (const Storage &storage : storages)
    carried.push_back(storage.state);
  auto loop = WhileOp::create(e.builder, e.builder.getUnknownLoc(), carried);
  auto takeStates = [&](ValueRange from) {
    for (auto [storage, state] : zip_equal(storages, from.drop_front(firstState)))
      storage.state = state;
  };

  Block *body = &loop.getBody().front();
  {
    OpBuilder::InsertionGuard guard(e.builder);
    e.builder.setInsertionPointToStart(body);
    Value active = body->getArgument(0);
    Vals now;
    for (auto [i, init] : enumerate(inits))
      now.push_back(uncarry(r, body->getArgument(1 + i), init, types[i]));
    takeStates(body->getArguments());
    auto mask = r.values.masked(Condition{}, active);
    auto [next, after] = trip(now);
    SmallVector<Value> yields = {e.broadcast(e.both(active, next), r.values.programExtents())};
    for (auto [i, val] : enumerate(after)) {
      if (val.kind == Val::Kind::Pointer && val.storage != inits[i].storage)
        refuse(op, "A loop that carries pointers into different arguments needs a kernel engine.");
      Extents extents = r.values.extentsOf(types[i]), chooser = r.values.programExtents();
      chooser.resize(extents.size(), 1);
      Value acts = e.reshape(active, chooser);
      Value kept = e.where(acts, carry(r, val, types[i]), body->getArgument(1 + i));
      yields.push_back(e.broadcast(kept, extents));
    }
    for (auto [storage, init] : zip_equal(storages, ArrayRef<Value>(carried).drop_front(firstState)))
      yields.push_back(e.bits(storage.state, elementOf(init)));
    YieldOp::create(e.builder, e.builder.getUnknownLoc(), yields);
  }
  Vals results;
  for (auto [i, init] : enumerate(inits))
    results.push_back(uncarry(r, loop.getResult(1 + i), init, types[i]));
  takeStates(loop.getResults());
  return results;
}

} // namespace tmetal::raising

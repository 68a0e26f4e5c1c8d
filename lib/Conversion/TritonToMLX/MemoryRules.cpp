// SPDX-License-Identifier: MIT
// Rules of pointers, loads, stores and atomics.
#include "Combiners.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

void raiseAddPointer(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  auto add = cast<tt::AddPtrOp>(op);
  Extents extents = values.extentsOf(op->getResult(0).getType());
  Val pointer = values.get(add.getPtr()), offset = values.get(add.getOffset());
  if (offset.kind == Val::Kind::Index) {
    if (auto sum = IndexExpr::add(pointer.index, offset.index, extents)) {
      pointer.index = *sum;
      values.set(op->getResult(0), pointer);
      return;
    }
  }
  Value array = values.arrayOf(add.getOffset());
  if (elementOf(array).isInteger(1)) // true is -1
    array = e.emit<NegativeOp>(e.convert(array, e.i32()));
  if (pointer.array) {
    // The sum of two i32 offsets may exceed i32, and addresses must not wrap.
    array = e.emit<AddOp>(e.convert(pointer.array, e.i64()), e.convert(array, e.i64()));
  }
  pointer.array = array;
  values.set(op->getResult(0), pointer);
}

void raiseLoad(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  auto load = cast<tt::LoadOp>(op);
  Access access = r.memory.access(op, load.getPtr(), load.getMask());
  if (isa<tt::PointerType>(access.element))
    refuse(op, "Loading pointers from memory needs a kernel engine.");
  Value other = load.getOther() ? values.arrayOf(load.getOther()) : Value();
  bool truth = access.element.isInteger(1);
  if (truth && other)
    other = e.convert(other, memoryElement(access.element));
  Value result = r.memory.load(access, other);
  if (truth)
    result = e.emit<NotEqualOp>(result, e.integer(0, elementOf(result), shapeOf(result).size()));
  values.setArray(op->getResult(0), result);
}

void raiseStore(Raising &r, Operation *op) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  auto store = cast<tt::StoreOp>(op);
  Access access = r.memory.access(op, store.getPtr(), store.getMask());
  if (isa<tt::PointerType>(access.element))
    refuse(op, "Storing pointers needs a kernel engine.");
  r.memory.store(access, e.convert(values.arrayOf(store.getValue()), memoryElement(access.element)));
}

/// The combiner of an atomic operation; nullopt for an exchange.
static std::optional<Combiner> combinerOf(tt::RMWOp kind) {
  using Kind = tt::RMWOp;
  switch (kind) {
  case Kind::ADD:
  case Kind::FADD:
    return Combiner::Add;
  case Kind::MAX:
    return Combiner::MaxSigned;
  case Kind::MIN:
    return Combiner::MinSigned;
  case Kind::UMAX:
    return Combiner::MaxUnsigned;
  case Kind::UMIN:
    return Combiner::MinUnsigned;
  case Kind::AND:
    return Combiner::And;
  case Kind::OR:
    return Combiner::Or;
  case Kind::XOR:
    return Combiner::Xor;
  case Kind::XCHG:
    return std::nullopt;
  }
  llvm_unreachable("every kind is above");
}

/// The neutral element of a combiner for integers of `width` bits.
static int64_t neutralOf(Combiner combiner, unsigned width) {
  int64_t lowest = int64_t(uint64_t(1) << (width - 1));
  switch (combiner) {
  case Combiner::MaxSigned:
    return wrapSigned(lowest, width);
  case Combiner::MinSigned:
    return wrapSigned(lowest - 1, width);
  case Combiner::MinUnsigned:
  case Combiner::And:
    return -1;
  default:
    return 0;
  }
}

/// For affine addresses: combines the lanes that share an address first, so that a plain read, combine and
/// write may be enough. Returns false if it is not.
static bool combineRegion(Raising &r, const Access &access, Value lanes, Combiner combiner) {
  Emitter &e = r.emitter;
  if (access.dynamicOffset || !access.offset.isAffine())
    return false;
  Type type = elementOf(lanes);
  unsigned rank = access.extents.size();
  if (Value mask = r.memory.maskOf(access.condition, access)) {
    Value neutral = isa<FloatType>(type)
                        ? e.real(0.0, type, rank)
                        : e.integer(neutralOf(combiner, type.getIntOrFloatBitWidth()), type, rank);
    lanes = e.where(mask, lanes, neutral);
  }
  Access region = access;
  region.dynamicMask = {};
  region.condition = {};
  for (const IndexExpr &atom : access.condition.atoms) {
    bool shared = false;
    for (unsigned i = 0; i < rank; ++i)
      shared |= atom.varies(i) && access.offset.coefficients[i] == 0;
    if (!shared)
      region.condition.atoms.push_back(atom);
  }
  for (unsigned i = 0; i < rank; ++i) {
    if (access.extents[i] == 1 || access.offset.coefficients[i] != 0)
      continue;
    Extents shape(shapeOf(lanes));
    shape[i] = access.extents[i];
    lanes = reduceByHalves(e, combiner, e.broadcast(lanes, shape), i);
    region.extents[i] = 1;
  }
  auto bounds = region.offset.range(region.extents);
  bool readable = !region.condition.atoms.empty() ||
                  (bounds && bounds->min >= 0 && bounds->max < r.memory.length(region));
  if (!readable && access.dynamicMask)
    return false;
  Value old = r.memory.load(region, Value());
  return r.memory.storeRegion(region, combine(e, combiner, old, lanes));
}

void raiseAtomic(Raising &r, Operation *op) {
  auto atomic = cast<tt::AtomicRMWOp>(op);
  if (!op->getResult(0).use_empty())
    refuse(op,
           "Using the result of an atomic operation needs an order of the programs: not in the mlx engine.");
  Access access = r.memory.access(op, atomic.getPtr(), atomic.getMask());
  if (access.condition.constantValue() == false)
    return;
  Value value = r.values.arrayOf(atomic.getVal());
  auto combiner = combinerOf(atomic.getAtomicRmwOp());
  if (!combiner)
    return r.memory.store(access, r.emitter.convert(value, memoryElement(access.element)));
  if (isa<FloatType>(elementOf(value)) && combiner != Combiner::Add)
    refuse(op, "An atomic " + tt::stringifyRMWOp(atomic.getAtomicRmwOp()) + " of " +
                   typeName(elementOf(value)) + " is not supported.");
  if (!combineRegion(r, access, value, *combiner))
    r.memory.scatter(access, value, combiner);
}

} // namespace tmetal::raising

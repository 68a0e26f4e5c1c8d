// SPDX-License-Identifier: MIT
// Turns loops whose body only accumulates into one more axis.
#include "Combiners.h"
#include "Contraction.h"
#include "Loops.h"
#include "Raising.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

/// A loop is lifted only while no array grows beyond this many elements.
constexpr int64_t kMaxLiftedElements = int64_t(1) << 24;

namespace {
/// The role of one iteration argument over the trips.
struct CarriedRole {
  enum { Invariant, Induction, Accumulator } kind;
  Operation *update = nullptr; // Induction, Accumulator
  Value other;          // Induction: the increment; Accumulator: the term that is added (none for a dot)
  Val increment = {};   // Induction
  Value a = {}, b = {}; // Accumulator, over all trips: the operands of a dot, or the term and null
};

class LiftedLoop {
public:
  LiftedLoop(Raising &r, scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step, int64_t trips)
      : r(r), e(r.emitter), values(r.values), loop(loop), lower(lower), step(step), trips(trips) {}

  bool lift() {
    if (!findRoles() || !bodyHasNoEffects() || !findIncrements())
      return false;
    Block *block = e.builder.getInsertionBlock();
    Operation *before = block->empty() ? nullptr : &block->back();
    int64_t countBefore = e.count;
    // Raises the body once, with the trips as an axis in front, and undoes that if an array grows too large.
    if (raiseOverTrips() && !growsTooLarge(block, before) && leaveLoop())
      return true;
    while (!block->empty() && &block->back() != before)
      block->back().erase();
    e.count = countBefore;
    return false;
  }

private:
  bool findRoles();
  bool bodyHasNoEffects();
  bool findIncrements();
  bool raiseOverTrips();
  bool startTrips();
  bool growsTooLarge(Block *block, Operation *before);
  bool leaveLoop();
  Value contracted(const CarriedRole &role, tt::DotOp dot, Type element);
  Value overTrips(Value v) {
    Extents shape(shapeOf(v));
    shape[0] = trips;
    return e.broadcast(v, shape);
  }

  Raising &r;
  Emitter &e;
  Values &values;
  scf::ForOp loop;
  const IndexExpr &lower, &step;
  int64_t trips;
  std::vector<CarriedRole> roles;
};
} // namespace

static std::optional<CarriedRole> roleOf(scf::ForOp loop, unsigned i) {
  BlockArgument argument = loop.getRegionIterArgs()[i];
  Value next = loop.getBody()->getTerminator()->getOperand(i);
  if (next == argument)
    return CarriedRole{CarriedRole::Invariant, nullptr, {}};
  Operation *update = next.getDefiningOp();
  if (!update || update->getBlock() != loop.getBody())
    return std::nullopt;
  auto otherOperand = [&]() -> Value {
    if (update->getNumOperands() != 2)
      return {};
    if (update->getOperand(0) == argument)
      return update->getOperand(1);
    return update->getOperand(1) == argument ? update->getOperand(0) : Value();
  };
  Value other = otherOperand();
  bool invariant = other && loop.isDefinedOutsideOfLoop(other);
  if (invariant && (isa<tt::AddPtrOp>(update) || isa<arith::AddIOp>(update)))
    return CarriedRole{CarriedRole::Induction, update, other};
  if (!argument.hasOneUse() || !next.hasOneUse())
    return std::nullopt;
  Type element = getElementTypeOrSelf(next.getType());
  // A narrow accumulator is rounded at every trip, so its sum cannot be taken at once.
  if (!isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 32)
    return std::nullopt;
  if (auto dot = dyn_cast<tt::DotOp>(update))
    return dot.getC() == argument ? std::optional(CarriedRole{CarriedRole::Accumulator, update, {}})
                                  : std::nullopt;
  if (!other || !isa<arith::AddFOp, arith::AddIOp, arith::MaxNumFOp, arith::MinNumFOp, arith::MaximumFOp,
                     arith::MinimumFOp, arith::MaxSIOp, arith::MinSIOp>(update))
    return std::nullopt;
  if (!reducesDirectly(*combinerOf(update), element))
    return std::nullopt;
  return CarriedRole{CarriedRole::Accumulator, update, other};
}

bool LiftedLoop::findRoles() {
  bool accumulates = false;
  for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i) {
    auto role = roleOf(loop, i);
    if (!role)
      return false;
    accumulates |= role->kind == CarriedRole::Accumulator;
    roles.push_back(*role);
  }
  return accumulates;
}

bool LiftedLoop::bodyHasNoEffects() {
  return all_of(loop.getBody()->without_terminator(), [](Operation &op) {
    return isa<tt::ReduceOp>(op) || (op.getNumRegions() == 0 && (isPure(&op) || isa<tt::LoadOp>(op)));
  });
}

bool LiftedLoop::findIncrements() {
  for (CarriedRole &role : roles)
    if (role.kind == CarriedRole::Induction) {
      role.increment = values.get(role.other);
      if (role.increment.kind != Val::Kind::Index)
        return false;
    }
  return true;
}

/// Sets the values that do not accumulate, as functions of the trip.
bool LiftedLoop::startTrips() {
  IndexExpr counter = values.adaptIndex(lower, values.frame() - 1);
  counter.coefficients[0] = step.offset;
  values.setIndex(loop.getInductionVar(), counter);
  for (auto [i, role] : enumerate(roles)) {
    if (role.kind == CarriedRole::Accumulator)
      continue;
    BlockArgument argument = loop.getRegionIterArgs()[i];
    Val val = values.get(loop.getInitArgs()[i]);
    if (role.kind == CarriedRole::Induction) {
      Extents extents = values.extentsOf(argument.getType());
      Val increment = values.adapt(role.increment);
      if ((val.kind != Val::Kind::Index && val.kind != Val::Kind::Pointer) || !increment.index.isConstant())
        return false;
      IndexExpr trip = IndexExpr::axis(extents.size(), 0, increment.index.offset);
      auto moved = IndexExpr::add(val.index, trip, extents);
      auto range = moved ? moved->range(extents) : std::nullopt;
      unsigned width = val.kind == Val::Kind::Pointer
                           ? 64
                           : getElementTypeOrSelf(argument.getType()).getIntOrFloatBitWidth();
      if (!range || !range->fitsSigned(width))
        return false;
      val.index = *moved;
    }
    values.set(argument, val);
  }
  return true;
}

bool LiftedLoop::raiseOverTrips() {
  auto frame = values.axisInFront(trips);
  if (!startTrips())
    return false;
  llvm::SmallPtrSet<Operation *, 4> updates;
  for (const CarriedRole &role : roles)
    if (role.kind == CarriedRole::Accumulator)
      updates.insert(role.update);
  for (Operation &op : loop.getBody()->without_terminator())
    if (!updates.contains(&op))
      raiseOperation(r, &op);
  for (CarriedRole &role : roles) {
    if (role.kind != CarriedRole::Accumulator)
      continue;
    if (auto dot = dyn_cast<tt::DotOp>(role.update)) {
      role.a = values.fullArrayOf(dot.getA());
      role.b = values.fullArrayOf(dot.getB());
    } else {
      role.a = values.arrayOf(role.other);
    }
  }
  return true;
}

bool LiftedLoop::growsTooLarge(Block *block, Operation *before) {
  Operation *first = before ? before->getNextNode() : block->empty() ? nullptr : &block->front();
  for (Operation *op = first; op; op = op->getNextNode())
    if (!isView(op) && op->getNumResults() == 1) {
      RankedTensorType type = typeOf(op->getResult(0));
      if (!isAddressable(type) || type.getNumElements() > kMaxLiftedElements)
        return true;
    }
  return false;
}

/// A sum of dot products is one dot product, in which the trips are part of the contracted axis.
Value LiftedLoop::contracted(const CarriedRole &role, tt::DotOp dot, Type element) {
  Value a = overTrips(role.a), b = overTrips(role.b);
  unsigned rank = shapeOf(a).size();
  SmallVector<int64_t> aOrder, bOrder;
  for (unsigned k = 1; k + 2 < rank; ++k) {
    aOrder.push_back(k);
    bOrder.push_back(k);
  }
  aOrder.append({rank - 2, 0, rank - 1});
  bOrder.append({0, rank - 2, rank - 1});
  Extents aShape(shapeOf(a).drop_front()), bShape(shapeOf(b).drop_front());
  aShape[rank - 2] *= trips;
  bShape[rank - 3] *= trips;
  a = e.reshape(e.transpose(a, aOrder), aShape);
  b = e.reshape(e.transpose(b, bOrder), bShape);
  Type aType = getElementTypeOrSelf(dot.getA().getType()), bType = getElementTypeOrSelf(dot.getB().getType());
  return dotProduct(e, a, b, aType, bType, element, dot);
}

bool LiftedLoop::leaveLoop() {
  for (auto [i, role] : enumerate(roles)) {
    Value result = loop.getResult(i);
    Val init = values.get(loop.getInitArgs()[i]);
    Extents extents = values.extentsOf(result.getType());
    if (role.kind == CarriedRole::Invariant) {
      values.set(result, init);
      continue;
    }
    if (role.kind == CarriedRole::Induction) {
      auto total = role.increment.index.scaled(trips, extents);
      auto last = total ? IndexExpr::add(init.index, *total, extents) : std::nullopt;
      if (!last)
        return false;
      init.index = *last;
      values.set(result, init);
      continue;
    }
    Type element = getElementTypeOrSelf(result.getType());
    if (auto dot = dyn_cast<tt::DotOp>(role.update)) {
      Value product = contracted(role, dot, element);
      values.setArray(result, e.emit<AddOp>(values.toArray(init, element, extents), product));
      continue;
    }
    Combiner combiner = *combinerOf(role.update);
    Value all = reduce(e, combiner, overTrips(role.a), 0);
    Value sum = e.reshape(all, shapeOf(all).drop_front());
    values.setArray(result, combine(e, combiner, values.toArray(init, element, extents), sum));
  }
  return true;
}

bool liftLoop(Raising &r, scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step, int64_t trips) {
  return LiftedLoop(r, loop, lower, step, trips).lift();
}

} // namespace tmetal::raising

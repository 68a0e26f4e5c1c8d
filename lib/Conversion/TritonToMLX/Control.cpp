// SPDX-License-Identifier: MIT
// Rules of structured control flow. All programs run in lockstep, each lane under the masks around it.
#include "KnownIntegers.h"
#include "Loops.h"
#include "Raising.h"
#include "Refusal.h"
#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

using namespace mlxir;

void raiseBlock(Raising &r, Block &block) {
  for (Operation &op : block.without_terminator())
    raiseOperation(r, &op);
}

void raiseOperation(Raising &r, Operation *op) {
  const OperationRule *rule = findRule(op->getName().getStringRef());
  if (!rule)
    refuse(op, "This operation is unknown to the mlx engine.");
  if (!rule->rule)
    refuse(op, rule->note);
  constexpr int64_t kMaxOperations = 200000;
  if (r.emitter.count > kMaxOperations)
    refuse(op, "The launch unrolls to more than " + Twine(kMaxOperations) + " MLX operations.");
  rule->rule(r, op);
}

void raiseNothing(Raising &, Operation *) {}

/// Loops are unrolled up to this many raised operations in total. Longer ones are counted on the device.
constexpr int64_t kMaxUnrolledOperations = 20000;

static int64_t countOperations(Operation *op) {
  int64_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

/// Raises a block, under a mask if there is one, and returns the operands of its terminator.
static Vals raiseUnder(Raising &r, const Val *mask, Block &block) {
  auto raise = [&] {
    raiseBlock(r, block);
    Vals results;
    for (Value value : block.getTerminator()->getOperands())
      results.push_back(r.values.get(value));
    return results;
  };
  if (!mask)
    return raise();
  auto scope = r.values.masked(mask->condition, mask->array);
  return raise();
}

static Vals getAll(Raising &r, ValueRange range) {
  Vals vals;
  for (Value value : range)
    vals.push_back(r.values.get(value));
  return vals;
}

static void setAll(Raising &r, ValueRange range, ArrayRef<Val> vals) {
  for (auto [value, val] : zip_equal(range, vals))
    r.values.set(value, val);
}

/// `a` where the condition, which is one of the programs, holds, else `b`. The values may have any type.
static Val choose(Raising &r, const Val &condition, const Val &a, const Val &b, Type type, Operation *op) {
  Val chooser = r.values.widened(condition, r.values.extentsOf(type).size());
  return r.values.select(chooser, a, b, type, op);
}

void raiseIf(Raising &r, Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  Val condition = r.values.get(branch.getCondition());
  auto raiseBranch = [&](Region &region, const Val *mask) {
    return region.empty() ? Vals() : raiseUnder(r, mask, region.front());
  };
  if (condition.kind == Val::Kind::Condition && !condition.array)
    if (auto value = condition.condition.constantValue())
      return setAll(r, op->getResults(),
                    raiseBranch(*value ? branch.getThenRegion() : branch.getElseRegion(), nullptr));
  Val inverse = r.values.negation(condition, r.values.programExtents());
  Vals whenTrue = raiseBranch(branch.getThenRegion(), &condition);
  Vals whenFalse = raiseBranch(branch.getElseRegion(), &inverse);
  for (auto [i, result] : enumerate(op->getResults()))
    r.values.set(result, choose(r, condition, whenTrue[i], whenFalse[i], result.getType(), op));
}

/// Raises each trip under `counter < bound` if the bounds differ between programs.
static void unrollLoop(Raising &r, scf::ForOp loop, const IndexExpr &lower, const IndexExpr &upper,
                       const IndexExpr &step, int64_t trips) {
  Vals carried = getAll(r, loop.getInitArgs());
  Type type = loop.getInductionVar().getType();
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  for (int64_t trip = 0; trip < trips; ++trip) {
    IndexExpr counter = lower + trip * step.offset;
    auto condition =
        evaluateComparison(arith::CmpIPredicate::slt, width, counter, upper, r.values.programExtents());
    if (!condition)
      refuse(loop, "The bounds differ between more programs than can be tabulated.");
    if (condition->constantValue() == false)
      break;
    bool all = condition->constantValue() == true;
    Val active = r.values.makeCondition(*condition);
    r.values.setIndex(loop.getInductionVar(), counter);
    setAll(r, loop.getRegionIterArgs(), carried);
    Vals next = raiseUnder(r, all ? nullptr : &active, *loop.getBody());
    for (auto [i, result] : enumerate(loop.getResults())) {
      // A lane that has left the loop does not act any more, so its value matters only
      // if it is used after the loop.
      bool kept = !all && !result.use_empty();
      carried[i] = kept ? choose(r, active, next[i], carried[i], result.getType(), loop) : next[i];
    }
  }
  setAll(r, loop.getResults(), carried);
}

/// The device counts the trips.
static void stepFor(Raising &r, scf::ForOp loop, const Val &lower, const Val &upper, const Val &step) {
  Emitter &e = r.emitter;
  Values &values = r.values;
  const Extents extents = values.programExtents();
  Type type = loop.getInductionVar().getType();
  if (!type.isInteger())
    refuse(loop, "A loop over " + typeName(type) + " is not supported.");
  Vals inits = {lower};
  SmallVector<Type> types = {type};
  for (Value init : loop.getInitArgs()) {
    inits.push_back(values.get(init));
    types.push_back(init.getType());
  }
  Value upperArray = values.toArray(upper, type, extents), stepArray = values.toArray(step, type, extents);
  auto goesOn = [&](Value counter) { return e.emit<LessOp>(counter, upperArray); };
  Value active = activePrograms(r);
  Value start = e.both(active, goesOn(values.toArray(lower, type, extents)));
  Vals results = stepLoop(r, loop, start, inits, types, [&](ArrayRef<Val> now) -> std::pair<Value, Vals> {
    values.set(loop.getInductionVar(), now[0]);
    setAll(r, loop.getRegionIterArgs(), now.drop_front());
    raiseBlock(r, *loop.getBody());
    Value counter = e.emit<AddOp>(now[0].array, stepArray);
    Vals next = {values.makeArray(counter)};
    next.append(getAll(r, loop.getBody()->getTerminator()->getOperands()));
    return {goesOn(counter), next};
  });
  setAll(r, loop.getResults(), ArrayRef<Val>(results).drop_front());
}

void raiseFor(Raising &r, Operation *op) {
  Values &values = r.values;
  auto loop = cast<scf::ForOp>(op);
  Val lower = values.get(loop.getLowerBound()), upper = values.get(loop.getUpperBound());
  Val step = values.get(loop.getStep());
  bool known = lower.kind == Val::Kind::Index && upper.kind == Val::Kind::Index &&
               step.kind == Val::Kind::Index && step.index.isConstant();
  if (!known)
    return stepFor(r, loop, lower, upper, step);
  int64_t stride = step.index.offset;
  if (stride <= 0)
    refuse(op, "A loop whose step is not positive is not supported.");
  const Extents extents = values.programExtents();
  auto span = IndexExpr::subtract(upper.index, lower.index, extents);
  auto reach = span ? span->range(extents) : std::nullopt;
  if (!reach)
    return stepFor(r, loop, lower, upper, step);
  int64_t trips = reach->max <= 0 ? 0 : (reach->max - 1) / stride + 1;
  if (trips == 0)
    return setAll(r, op->getResults(), getAll(r, loop.getInitArgs()));
  if (span->isConstant() && trips > 1 && liftLoop(r, loop, lower.index, step.index, trips))
    return;
  if (trips <= kMaxUnrolledOperations / countOperations(op))
    return unrollLoop(r, loop, lower.index, upper.index, step.index, trips);
  stepFor(r, loop, lower, upper, step);
}

namespace {
/// A rotated `scf.while`: the values that its first region passes on, and the
/// programs that continue with them.
class WhileLoop {
public:
  WhileLoop(Raising &r, scf::WhileOp loop) : r(r), loop(loop) {}

  void raise() {
    std::tie(active, now) = before(getAll(r, loop.getInits()));
    active = r.values.conjunction(active, r.values.makeCondition({}), r.values.programExtents());
    if (!unroll())
      stepOn();
    setAll(r, loop.getResults(), now);
  }

private:
  std::pair<Val, Vals> before(ArrayRef<Val> arguments) {
    setAll(r, loop.getBeforeArguments(), arguments);
    raiseBlock(r, *loop.getBeforeBody());
    auto condition = loop.getConditionOp();
    Vals passed = getAll(r, condition.getArgs());
    return {r.values.get(condition.getCondition()), passed};
  }
  std::pair<Val, Vals> trip(ArrayRef<Val> arguments) {
    setAll(r, loop.getAfterArguments(), arguments);
    return before(raiseUnder(r, nullptr, *loop.getAfterBody()));
  }
  bool unroll();
  void stepOn();

  Raising &r;
  scf::WhileOp loop;
  Val active;
  Vals now;
};
} // namespace

/// Unrolls the loop while its condition is known. Returns true when no program continues.
bool WhileLoop::unroll() {
  const Extents extents = r.values.programExtents();
  int64_t budget = kMaxUnrolledOperations / std::max<int64_t>(countOperations(loop), 1);
  while (!active.array && budget-- > 0) {
    if (active.condition.constantValue() == false)
      return true;
    bool all = active.condition.constantValue() == true;
    if (!all) // keeps the conjunction from growing with every step
      if (auto truth = active.condition.asInteger(extents)) {
        active.condition = Condition::fromInteger(*truth, extents);
        if (active.condition.constantValue() == false)
          return true;
      }
    auto mask = r.values.masked(active.condition, Value());
    auto [next, passed] = trip(now);
    for (auto [i, val] : enumerate(passed))
      now[i] = choose(r, active, val, now[i], loop.getResult(i).getType(), loop);
    active = r.values.conjunction(active, next, extents);
  }
  return false;
}

void WhileLoop::stepOn() {
  const Extents extents = r.values.programExtents();
  auto truth = [&](const Val &condition) { return r.values.toArray(condition, r.emitter.i1(), extents); };
  SmallVector<Type> types(loop.getResultTypes());
  Value acting = activePrograms(r);
  Value start = r.emitter.both(acting, truth(active));
  now = stepLoop(r, loop, start, now, types, [&](ArrayRef<Val> vals) -> std::pair<Value, Vals> {
    auto [next, passed] = trip(vals);
    return {truth(next), passed};
  });
}

void raiseWhile(Raising &r, Operation *op) { WhileLoop(r, cast<scf::WhileOp>(op)).raise(); }

} // namespace tmetal::raising

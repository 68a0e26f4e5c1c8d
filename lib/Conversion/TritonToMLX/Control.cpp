// SPDX-License-Identifier: MIT
// Rules of structured control flow: all programs run in step, each lane under the mask of what encloses it.
#include "Raiser.h"

#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

/// Static steps are unrolled up to this many raised operations; longer loops run on the device's own count.
constexpr int64_t kMaxUnrolledOperations = 20000;
/// A loop is lifted to one more axis only while no array of it grows beyond this many elements.
constexpr int64_t kMaxLiftedElements = int64_t(1) << 24;

void Raiser::raiseNothing(Operation *, StringRef) {}

static int64_t countOperations(Operation *op) {
  int64_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

/// A scalar condition as a chooser for values of `rank` axes.
static Condition widened(Condition condition, unsigned rank) {
  for (IndexExpr &atom : condition.atoms)
    while (atom.rank() < rank)
      atom = atom.withAxis(atom.rank());
  return condition;
}

void Raiser::raiseIf(Operation *op, StringRef) {
  auto branch = cast<scf::IfOp>(op);
  Val condition = get(branch.getCondition());
  const Extents extents = programExtents();
  auto raiseBranch = [&](Region &region, const Val *mask) {
    Vals results;
    if (region.empty())
      return results;
    if (mask)
      masks.push_back({mask->condition,
                       mask->kind == Val::Kind::Condition ? mask->array : toArray(*mask, i1(), extents),
                       static_cast<unsigned>(frames.size() - 1)});
    auto leave = scope_exit([&] {
      if (mask)
        masks.pop_back();
    });
    raiseBlock(region.front());
    for (Value value : region.front().getTerminator()->getOperands())
      results.push_back(get(value));
    return results;
  };
  if (condition.kind == Val::Kind::Condition && !condition.array)
    if (auto value = condition.condition.constantValue()) {
      Vals chosen = raiseBranch(*value ? branch.getThenRegion() : branch.getElseRegion(), nullptr);
      for (auto [result, val] : zip_equal(op->getResults(), chosen))
        set(result, val);
      return;
    }
  Val inverse = negation(condition, extents);
  Vals whenTrue = raiseBranch(branch.getThenRegion(), &condition);
  Vals whenFalse = raiseBranch(branch.getElseRegion(), &inverse);
  for (auto [i, result] : enumerate(op->getResults())) {
    Val chooser = condition;
    unsigned rank = extentsOf(result.getType()).size();
    chooser.condition = widened(chooser.condition, rank);
    if (chooser.array) {
      Extents shape(shapeOf(chooser.array).begin(), shapeOf(chooser.array).end());
      shape.resize(rank, 1);
      chooser.array = emitReshape(chooser.array, shape);
    }
    set(result, selectVal(chooser, whenTrue[i], whenFalse[i], result.getType(), op));
  }
}

void Raiser::raiseFor(Operation *op, StringRef) {
  auto loop = cast<scf::ForOp>(op);
  const Extents extents = programExtents();
  Val lower = get(loop.getLowerBound()), upper = get(loop.getUpperBound()), step = get(loop.getStep());
  bool known = lower.kind == Val::Kind::Index && upper.kind == Val::Kind::Index &&
               step.kind == Val::Kind::Index && step.index.isConstant();
  if (known && step.index.offset <= 0)
    refuse(op, "A loop whose step is not positive is not supported.");
  if (known) {
    auto span = IndexExpr::subtract(upper.index, lower.index, extents);
    auto reach = span ? span->range(extents) : std::nullopt;
    if (reach) {
      int64_t trips = reach->max <= 0 ? 0 : (reach->max + step.index.offset - 1) / step.index.offset;
      if (trips == 0) {
        for (auto [result, init] : zip_equal(op->getResults(), loop.getInitArgs()))
          set(result, get(init));
        return;
      }
      if (span->isConstant() && trips > 1 && liftFor(loop, lower.index, step.index, trips))
        return;
      if (trips * countOperations(op) <= kMaxUnrolledOperations) {
        unrollFor(loop, lower.index, upper.index, step.index, trips);
        return;
      }
    }
  }
  // The device counts.
  Type type = loop.getInductionVar().getType();
  if (!type.isInteger())
    refuse(op, "A loop over " + typeName(type) + " is not supported.");
  Vals inits = {lower};
  SmallVector<Type> types = {type};
  for (Value init : loop.getInitArgs()) {
    inits.push_back(get(init));
    types.push_back(init.getType());
  }
  Value upperArray = toArray(upper, type, extents), stepArray = toArray(step, type, extents);
  auto goesOn = [&](Value counter) { return emitCompare("less", counter, upperArray); };
  Value start = emitAnd(fullMask(activeMask(extents)), goesOn(toArray(lower, type, extents)));
  Vals results = dynamicLoop(op, start, inits, types, [&](ArrayRef<Val> now) -> std::pair<Value, Vals> {
    set(loop.getInductionVar(), now[0]);
    for (auto [argument, val] : zip_equal(loop.getRegionIterArgs(), now.drop_front()))
      set(argument, val);
    raiseBlock(*loop.getBody());
    Value counter = emitElementwise("add", {now[0].array, stepArray}, type);
    Vals next = {makeArray(counter)};
    for (Value value : loop.getBody()->getTerminator()->getOperands())
      next.push_back(get(value));
    return {goesOn(counter), next};
  });
  for (auto [result, val] : zip_equal(op->getResults(), ArrayRef<Val>(results).drop_front()))
    set(result, val);
}

void Raiser::unrollFor(scf::ForOp loop, const IndexExpr &lower, const IndexExpr &upper, const IndexExpr &step,
                       int64_t trips) {
  const Extents extents = programExtents();
  Vals carried;
  for (Value init : loop.getInitArgs())
    carried.push_back(get(init));
  unsigned width = loop.getInductionVar().getType().isIndex()
                       ? 64
                       : loop.getInductionVar().getType().getIntOrFloatBitWidth();
  for (int64_t trip = 0; trip < trips; ++trip) {
    IndexExpr counter = lower + trip * step.offset;
    auto active = evaluateComparison(arith::CmpIPredicate::slt, width, counter, upper, extents);
    if (!active)
      refuse(loop, "The bounds differ between more programs than can be tabulated.");
    if (active->constantValue() == false)
      break;
    bool all = active->constantValue() == true;
    setIndex(loop.getInductionVar(), counter);
    for (auto [argument, val] : zip_equal(loop.getRegionIterArgs(), carried))
      set(argument, val);
    if (!all)
      masks.push_back({*active, Value(), static_cast<unsigned>(frames.size() - 1)});
    auto leave = scope_exit([&] {
      if (!all)
        masks.pop_back();
    });
    raiseBlock(*loop.getBody());
    for (auto [i, value] : enumerate(loop.getBody()->getTerminator()->getOperands())) {
      Val next = get(value);
      // A lane that has left the loop never acts again: its value matters only if it is used after the loop.
      if (!all && !loop.getResult(i).use_empty())
        next = selectVal(makeCondition(widened(*active, extentsOf(value.getType()).size())), next, carried[i],
                         value.getType(), loop);
      carried[i] = next;
    }
  }
  for (auto [result, val] : zip_equal(loop.getResults(), carried))
    set(result, val);
}

// ---- loops whose body only accumulates ----

namespace {
/// What one iteration argument does over the trips.
struct CarriedRole {
  enum { Invariant, Induction, Accumulator } kind;
  Operation *update = nullptr; // Induction, Accumulator
  Value other;                 // Induction: the increment; Accumulator: what is added (dot: none)
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
  // A narrow accumulator is rounded at every trip: that is not one sum.
  if (!isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 32)
    return std::nullopt;
  if (auto dot = dyn_cast<tt::DotOp>(update))
    return dot.getC() == argument ? std::optional(CarriedRole{CarriedRole::Accumulator, update, {}})
                                  : std::nullopt;
  if (other && isa<arith::AddFOp, arith::AddIOp, arith::MaxNumFOp, arith::MinNumFOp, arith::MaximumFOp,
                   arith::MinimumFOp, arith::MaxSIOp, arith::MinSIOp>(update))
    return CarriedRole{CarriedRole::Accumulator, update, other};
  return std::nullopt;
}

bool Raiser::liftFor(scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step, int64_t trips) {
  SmallVector<CarriedRole> roles;
  bool accumulates = false;
  for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i) {
    auto role = roleOf(loop, i);
    if (!role)
      return false;
    accumulates |= role->kind == CarriedRole::Accumulator;
    roles.push_back(*role);
  }
  if (!accumulates)
    return false;
  for (Operation &op : loop.getBody()->without_terminator())
    if (op.getNumRegions() != 0 && !isa<tt::ReduceOp>(op))
      return false;
    else if (!isPure(&op) && !isa<tt::LoadOp, tt::ReduceOp>(op))
      return false;
  llvm::SmallPtrSet<Operation *, 4> updates;
  for (const CarriedRole &role : roles)
    if (role.kind == CarriedRole::Accumulator)
      updates.insert(role.update);

  // Raise the body once with the trips as an axis in front; undo that if an array grows too large.
  Block *block = builder.getInsertionBlock();
  Operation *before = block->empty() ? nullptr : &block->back();
  int64_t emittedBefore = emitted;
  Vals increments(roles.size());
  for (auto [i, role] : enumerate(roles))
    if (role.kind == CarriedRole::Induction) {
      increments[i] = get(role.other);
      if (increments[i].kind != Val::Kind::Index)
        return false;
    }
  Frame frame;
  frame.extents.push_back(trips);
  frame.extents.append(programExtents().begin(), programExtents().end());
  frame.addedFront = 1;
  frames.push_back(frame);
  bool inFrame = true;
  auto leave = scope_exit([&] {
    if (inFrame)
      frames.pop_back();
  });
  auto undo = [&] {
    while (!block->empty() && &block->back() != before)
      block->back().erase();
    emitted = emittedBefore;
    return false;
  };
  IndexExpr counter = adaptIndex(lower, frames.size() - 2);
  counter.coefficients[0] = step.offset;
  setIndex(loop.getInductionVar(), counter);
  for (auto [i, role] : enumerate(roles)) {
    BlockArgument argument = loop.getRegionIterArgs()[i];
    if (role.kind == CarriedRole::Accumulator)
      continue;
    Val val = get(loop.getInitArgs()[i]);
    if (role.kind == CarriedRole::Induction) {
      Extents extents = extentsOf(argument.getType());
      std::optional<IndexExpr> moved;
      Val increment = adapt(increments[i]);
      if ((val.kind != Val::Kind::Index && val.kind != Val::Kind::Pointer) || !increment.index.isConstant())
        return undo();
      IndexExpr trip = IndexExpr::axis(extents.size(), 0, increment.index.offset);
      moved = IndexExpr::add(val.index, trip, extents);
      unsigned width = val.kind == Val::Kind::Pointer
                           ? 64
                           : getElementTypeOrSelf(argument.getType()).getIntOrFloatBitWidth();
      if (!moved || !moved->range(extents) || !moved->range(extents)->fitsSigned(width))
        return undo();
      val.index = *moved;
    }
    set(argument, val);
  }
  for (Operation &op : loop.getBody()->without_terminator())
    if (!updates.contains(&op))
      raiseOperation(&op);
  struct Term {
    Value a, b; // of a dot, or the term itself
  };
  SmallVector<Term> terms(roles.size());
  for (auto [i, role] : enumerate(roles)) {
    if (role.kind != CarriedRole::Accumulator)
      continue;
    if (auto dot = dyn_cast<tt::DotOp>(role.update)) {
      terms[i].a = fullBlock(arrayOf(dot.getA()), dot.getA().getType());
      terms[i].b = fullBlock(arrayOf(dot.getB()), dot.getB().getType());
    } else {
      terms[i].a = arrayOf(role.other);
    }
  }
  for (Operation *op = before ? before->getNextNode() : &block->front(); op; op = op->getNextNode()) {
    StringRef name = op->getName().stripDialect();
    bool view = name == "as_strided" || name == "reshape" || name == "transpose" || name == "broadcast_to";
    if (!view && op->getNumResults() == 1 &&
        cast<RankedTensorType>(op->getResult(0).getType()).getNumElements() > kMaxLiftedElements)
      return undo();
  }
  frames.pop_back();
  inFrame = false;

  auto overTrips = [&](Value v) {
    Extents shape(shapeOf(v).begin(), shapeOf(v).end());
    shape[0] = trips;
    return emitBroadcast(v, shape);
  };
  auto dropFront = [&](Value v) { return emitReshape(v, shapeOf(v).drop_front()); };
  for (auto [i, role] : enumerate(roles)) {
    Value result = loop.getResult(i);
    Val init = get(loop.getInitArgs()[i]);
    if (role.kind == CarriedRole::Invariant) {
      set(result, init);
    } else if (role.kind == CarriedRole::Induction) {
      Extents extents = extentsOf(result.getType());
      auto total = increments[i].index.scaled(trips, extents);
      auto last = total ? IndexExpr::add(init.index, *total, extents) : std::nullopt;
      if (!last)
        return undo();
      init.index = *last;
      set(result, init);
    } else if (auto dot = dyn_cast<tt::DotOp>(role.update)) {
      // The trips become a part of the contracted axis.
      Value a = overTrips(terms[i].a), b = overTrips(terms[i].b);
      unsigned rank = shapeOf(a).size();
      SmallVector<int64_t> aOrder, bOrder;
      for (unsigned k = 1; k + 2 < rank; ++k) {
        aOrder.push_back(k);
        bOrder.push_back(k);
      }
      aOrder.append({rank - 2, 0, rank - 1});
      bOrder.append({0, rank - 2, rank - 1});
      Extents aShape(shapeOf(a).drop_front().begin(), shapeOf(a).drop_front().end());
      Extents bShape(shapeOf(b).drop_front().begin(), shapeOf(b).drop_front().end());
      aShape[rank - 2] *= trips;
      bShape[rank - 3] *= trips;
      a = emitReshape(emitTranspose(a, aOrder), aShape);
      b = emitReshape(emitTranspose(b, bOrder), bShape);
      auto aType = cast<RankedTensorType>(dot.getA().getType()),
           bType = cast<RankedTensorType>(dot.getB().getType());
      Type element = getElementTypeOrSelf(result.getType());
      Value product =
          dotArrays(a, b, aType.getElementType(), bType.getElementType(), element, aType.getRank() - 2, dot);
      Value start = toArray(init, element, extentsOf(result.getType()));
      setArray(result, emitElementwise("add", {start, product}, element));
    } else {
      Type element = getElementTypeOrSelf(result.getType());
      Value sum = dropFront(reduceKnown(role.update->getName().getStringRef(), overTrips(terms[i].a), 0));
      Value start = toArray(init, element, extentsOf(result.getType()));
      StringRef name = role.update->getName().getStringRef();
      if (isa<IntegerType>(element))
        setArray(result, integerArray(role.update, role.update->getName().stripDialect(), {start, sum}));
      else if (isa<arith::AddFOp>(role.update))
        setArray(result, emitElementwise("add", {start, sum}, element));
      else if (isa<arith::MaximumFOp, arith::MinimumFOp>(role.update))
        setArray(result, emitElementwise(isa<arith::MaximumFOp>(role.update) ? "maximum" : "minimum",
                                         {start, sum}, element));
      else
        setArray(result, maxNumber(start, sum, name == "arith.maxnumf"));
    }
  }
  return true;
}

// ---- loops that only the device can count ----

Value Raiser::fullMask(const Val &condition) {
  return emitBroadcast(toArray(condition, i1(), programExtents()), programExtents());
}

Value Raiser::carry(const Val &val, Type type) {
  Extents extents = extentsOf(type);
  if (val.kind == Val::Kind::Pointer) {
    Value offset = materialize(val.index, i64(), extents);
    if (val.array)
      offset = emitElementwise("add", {offset, emitCast(val.array, i64())}, i64());
    return emitBroadcast(offset, extents);
  }
  return emitBroadcast(toArray(val, arrayElement(getElementTypeOrSelf(type)), extents), extents);
}

Val Raiser::uncarry(Value array, const Val &like, Type type) {
  if (like.kind == Val::Kind::Pointer) {
    Val pointer = like;
    pointer.frame = frames.size() - 1;
    pointer.index = IndexExpr::constant(0, extentsOf(type).size());
    pointer.array = array;
    return pointer;
  }
  if (getElementTypeOrSelf(type).isInteger(1))
    return makeCondition({}, array);
  return makeArray(array);
}

SmallVector<int> Raiser::storedStorages(Operation *op) {
  bool stores = false;
  op->walk([&](DeviceAccessOpInterface access) { stores |= access.writesMemory(); });
  SmallVector<int> all;
  for (unsigned i = 0; stores && i < states.size(); ++i)
    all.push_back(i);
  return all;
}

Vals Raiser::dynamicLoop(Operation *op, Value goOn, ArrayRef<Val> inits, ArrayRef<Type> types,
                         llvm::function_ref<std::pair<Value, Vals>(ArrayRef<Val>)> step) {
  SmallVector<Value> operands = {emitBroadcast(goOn, programExtents())};
  for (auto [val, type] : zip_equal(inits, types))
    operands.push_back(carry(val, type));
  SmallVector<int> storages = storedStorages(op);
  for (int storage : storages)
    operands.push_back(states[storage]);
  SmallVector<Type> operandTypes;
  for (Value operand : operands)
    operandTypes.push_back(operand.getType());
  OperationState state(builder.getUnknownLoc(), mlxir::WhileOp::getOperationName());
  state.addOperands(operands);
  state.addTypes(operandTypes);
  Region *region = state.addRegion();
  Block *body = new Block;
  region->push_back(body);
  for (Type type : operandTypes)
    body->addArgument(type, builder.getUnknownLoc());
  Operation *loop = builder.create(state);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(body);
    Value active = body->getArgument(0);
    Vals now;
    for (unsigned i = 0; i < inits.size(); ++i)
      now.push_back(uncarry(body->getArgument(1 + i), inits[i], types[i]));
    for (auto [i, storage] : enumerate(storages))
      states[storage] = body->getArgument(1 + inits.size() + i);
    masks.push_back({Condition{}, active, static_cast<unsigned>(frames.size() - 1)});
    auto leave = scope_exit([&] { masks.pop_back(); });
    auto [next, values] = step(now);
    SmallVector<Value> yields = {emitBroadcast(emitAnd(active, next), programExtents())};
    for (unsigned i = 0; i < inits.size(); ++i) {
      Extents extents = extentsOf(types[i]);
      if (values[i].kind == Val::Kind::Pointer && values[i].storage != inits[i].storage)
        refuse(op, "A loop that carries pointers into different arguments needs a kernel engine.");
      Value previous = body->getArgument(1 + i);
      Extents chooser(programExtents().begin(), programExtents().end());
      chooser.resize(extents.size(), 1);
      yields.push_back(emitBroadcast(
          emitWhere(emitReshape(active, chooser), carry(values[i], types[i]), previous), extents));
    }
    for (auto [i, storage] : enumerate(storages)) {
      Value flat = states[storage];
      Type carriedType = operandTypes[1 + inits.size() + i];
      if (flat.getType() != carriedType)
        flat = emit("view", flat, cast<RankedTensorType>(carriedType).getElementType(),
                    cast<RankedTensorType>(carriedType).getShape());
      yields.push_back(flat);
    }
    mlxir::YieldOp::create(builder, builder.getUnknownLoc(), yields);
  }
  Vals results;
  for (unsigned i = 0; i < inits.size(); ++i)
    results.push_back(uncarry(loop->getResult(1 + i), inits[i], types[i]));
  for (auto [i, storage] : enumerate(storages))
    states[storage] = loop->getResult(1 + inits.size() + i);
  return results;
}

void Raiser::raiseWhile(Operation *op, StringRef) {
  auto loop = cast<scf::WhileOp>(op);
  const Extents extents = programExtents();
  // Rotated: `now` holds what the condition region passes on, `active` the programs that go on.
  auto runBefore = [&](ArrayRef<Val> arguments) -> std::pair<Val, Vals> {
    for (auto [argument, val] : zip_equal(loop.getBeforeArguments(), arguments))
      set(argument, val);
    raiseBlock(*loop.getBeforeBody());
    auto condition = loop.getConditionOp();
    Vals passed;
    for (Value value : condition.getArgs())
      passed.push_back(get(value));
    return {get(condition.getCondition()), passed};
  };
  auto runAfter = [&](ArrayRef<Val> arguments) {
    for (auto [argument, val] : zip_equal(loop.getAfterArguments(), arguments))
      set(argument, val);
    raiseBlock(*loop.getAfterBody());
    Vals yielded;
    for (Value value : loop.getAfterBody()->getTerminator()->getOperands())
      yielded.push_back(get(value));
    return yielded;
  };
  Vals inits;
  for (Value init : loop.getInits())
    inits.push_back(get(init));
  auto [goOn, now] = runBefore(inits);
  Val active = conjunction(goOn, makeCondition({}), extents);
  int64_t budget = kMaxUnrolledOperations / std::max<int64_t>(countOperations(op), 1);
  bool finished = false;
  while (!active.array && budget-- > 0) {
    if (active.condition.constantValue() == false) {
      finished = true;
      break;
    }
    bool all = active.condition.constantValue() == true;
    if (!all) // keep the conjunction from growing with every step
      if (auto truth = active.condition.asInteger(extents)) {
        active.condition = Condition::fromInteger(*truth, extents);
        if (active.condition.constantValue() == false) {
          finished = true;
          break;
        }
      }
    masks.push_back({active.condition, Value(), static_cast<unsigned>(frames.size() - 1)});
    auto leave = scope_exit([&] { masks.pop_back(); });
    auto [next, passed] = runBefore(runAfter(now));
    for (auto [i, val] : enumerate(passed)) {
      Type type = op->getResult(i).getType();
      now[i] =
          selectVal(makeCondition(widened(active.condition, extentsOf(type).size())), val, now[i], type, op);
    }
    active = conjunction(active, next, extents);
  }
  if (!finished) {
    SmallVector<Type> types(op->getResultTypes());
    Value start = emitAnd(fullMask(activeMask(extents)), toArray(active, i1(), extents));
    now = dynamicLoop(op, start, now, types, [&](ArrayRef<Val> values) -> std::pair<Value, Vals> {
      auto [next, passed] = runBefore(runAfter(values));
      return {toArray(next, i1(), extents), passed};
    });
  }
  for (auto [result, val] : zip_equal(op->getResults(), now))
    set(result, val);
}

} // namespace tmetal

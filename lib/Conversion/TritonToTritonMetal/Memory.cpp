// SPDX-License-Identifier: MIT
// Loads, stores and atomics of device memory, and the messages to the host.
#include "Distributor.h"

using namespace mlir;

namespace tmetal {

static bool isBlock(Type type) { return isa<RankedTensorType>(type); }
static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

// ---- which memory ----

Value Distributor::rootOf(Value pointer) {
  while (true) {
    if (auto argument = dyn_cast<BlockArgument>(pointer)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (isa<tt::FuncOp>(parent))
        return pointer;
      auto loop = dyn_cast<scf::ForOp>(parent);
      if (!loop || argument.getArgNumber() == 0)
        return {};
      // Carried through the loop: of one root when it only ever moves.
      Value init = loop.getInitArgs()[argument.getArgNumber() - 1];
      Value next = loop.getBody()->getTerminator()->getOperand(argument.getArgNumber() - 1);
      while (auto add = next.getDefiningOp<tt::AddPtrOp>())
        next = add.getPtr();
      if (next != pointer)
        return {};
      pointer = init;
      continue;
    }
    Operation *op = pointer.getDefiningOp();
    if (isa<tt::AddPtrOp, tt::SplatOp, tt::BroadcastOp, tt::ExpandDimsOp, tt::ReshapeOp, tt::TransOp,
            tt::BitcastOp, tt::UnsplatOp>(op))
      pointer = op->getOperand(0);
    else
      return {};
  }
}

bool Distributor::mayAlias(Value rootA, Value rootB) const {
  if (!rootA || !rootB || rootA == rootB)
    return true;
  int groupA = aliasGroupOf.lookup(rootA), groupB = aliasGroupOf.lookup(rootB);
  return groupA >= 0 && groupA == groupB;
}

bool Distributor::isStored(Value root) const {
  if (storesUnknown || !root)
    return storesUnknown || !storedRoots.empty();
  return llvm::any_of(storedRoots, [&](Value stored) { return mayAlias(root, stored); });
}

/// No two elements of the block are the same address: one dimension, moved by a constant step.
bool Distributor::isInjective(Value pointers) {
  if (!isBlock(pointers.getType()))
    return false;
  std::vector<int64_t> shape = shapeOf(pointers);
  if (llvm::count_if(shape, [](int64_t extent) { return extent > 1; }) > 1)
    return false;
  // The address is the range itself plus what is the same for the whole block.
  bool ranged = false;
  SmallVector<Value> work{pointers};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (isa<tt::SplatOp, arith::ConstantOp>(op))
      continue;
    if (isa<tt::MakeRangeOp>(op)) {
      if (ranged)
        return false;
      ranged = true;
    } else if (isa<tt::AddPtrOp, arith::AddIOp>(op)) {
      work.push_back(op->getOperand(0));
      work.push_back(op->getOperand(1));
    } else if (isa<tt::ExpandDimsOp, tt::ReshapeOp, tt::BroadcastOp, arith::ExtSIOp, arith::ExtUIOp>(op)) {
      work.push_back(op->getOperand(0));
    } else {
      return false;
    }
  }
  return ranged;
}

bool Distributor::conflicts(const Region &region, const Access &access) {
  // A thread that holds a copy of an element may come after the one that stores it.
  auto hasFree = [](ArrayRef<int64_t> bases) { return llvm::is_contained(bases, int64_t(0)); };
  const LinearLayout &layout = region.layout;
  bool copied = hasFree(layout.registers) || hasFree(layout.lanes) || hasFree(layout.simdgroups);
  for (const Access &other : region.accesses) {
    if (!other.writes && !access.writes)
      continue;
    if (!mayAlias(other.root, access.root))
      continue;
    if (!copied && other.pointers == access.pointers && isInjective(access.pointers))
      continue; // each thread meets its own element again
    return true;
  }
  return false;
}

/// Splits `pointer` into a base and the offset in elements from it; no offset when there is none.
Value Distributor::splitPointer(Builder &b, Value pointer, Value &offset) {
  auto extend = [&](Value value) -> Value {
    if (value.getType().isInteger(64))
      return value;
    return arith::ExtSIOp::create(b, b.getI64Type(), value);
  };
  while (auto add = pointer.getDefiningOp<tt::AddPtrOp>()) {
    if (!isa<tm::RegionOp>(add->getParentOp()))
      break; // uniform: computed once
    Value more = add.getOffset();
    if (!offset)
      offset = more;
    else
      offset = arith::AddIOp::create(b, extend(offset), extend(more));
    pointer = add.getPtr();
  }
  if (offset && offset.getType().getIntOrFloatBitWidth() < 32)
    offset = arith::ExtSIOp::create(b, b.getI32Type(), offset);
  return pointer;
}

// ---- loads and stores ----

/// Runs `compute` on one thread and hands the result to all, through threadgroup memory.
Value Distributor::copyUniformly(Value, Location loc, llvm::function_ref<Value(Builder &)> compute,
                                 Type type) {
  closeRegion();
  Builder b = uniform(loc);
  Value array = tm::SharedOp::create(b, tm::SharedType::get(module.getContext(), 1, type), IntegerAttr());
  auto single = tm::SingleOp::create(b);
  mlir::Block &body = single.getBody().emplaceBlock();
  Builder inner(loc, module.getContext());
  inner.setInsertionPointToEnd(&body);
  Value result = compute(inner);
  Value zero = arith::ConstantIntOp::create(inner, 0, 32);
  tm::SharedStoreOp::create(inner, result, array, zero, Value());
  Value index = arith::ConstantIntOp::create(b, 0, 32);
  return tm::SharedLoadOp::create(b, type, array, index);
}

void Distributor::lowerLoad(Operation *op) {
  auto load = cast<tt::LoadOp>(op);
  Location loc = op->getLoc();
  Value mask = load.getMask(), other = load.getOther();
  Value root = rootOf(load.getPtr());
  if (!isBlock(load.getType())) {
    auto emit = [&](Builder &b) -> Value {
      return tm::LoadOp::create(b, load.getType(), scalar(load.getPtr()), Value(),
                                mask ? scalar(mask) : Value(), other ? scalar(other) : Value(),
                                load.getIsVolatile());
    };
    // Threads that read at different times must not see different values.
    if (isStored(root) || load.getIsVolatile()) {
      scalars.map(load.getResult(), copyUniformly({}, loc, emit, load.getType()));
    } else {
      Builder b = beforeOpenRegion(loc);
      scalars.map(load.getResult(), emit(b));
    }
    return;
  }
  LinearLayout layout = layoutFor(load.getResult());
  Access access{root, load.getPtr(), mask, false};
  SmallVector<Value> operands(op->getOperands());
  Region *region = &regionFor(layout, operands, loc);
  if (conflicts(*region, access))
    region = &newRegion(layout, loc);
  region->accesses.push_back(access);
  Request request{layout, 0};
  Value pointer = get(*region, load.getPtr(), request);
  Value maskScalar = mask ? get(*region, mask, request) : Value();
  Value otherScalar = other ? get(*region, other, request) : Value();
  Builder b = at(*region, loc);
  Value offset;
  Value base = splitPointer(b, pointer, offset);
  Value result = tm::LoadOp::create(b, elementOf(load.getResult()), base, offset, maskScalar, otherScalar,
                                    load.getIsVolatile());
  define(load.getResult(), *region, result, request);
}

void Distributor::lowerStore(Operation *op) {
  auto store = cast<tt::StoreOp>(op);
  Location loc = op->getLoc();
  Value mask = store.getMask();
  if (!isBlock(store.getValue().getType())) {
    closeRegion();
    Builder b = uniform(loc);
    auto single = tm::SingleOp::create(b);
    mlir::Block &body = single.getBody().emplaceBlock();
    Builder inner(loc, module.getContext());
    inner.setInsertionPointToEnd(&body);
    tm::StoreOp::create(inner, scalar(store.getValue()), scalar(store.getPtr()), Value(),
                        mask ? scalar(mask) : Value());
    return;
  }
  std::optional<LinearLayout> preferred = preferredLayout(store.getValue());
  if (!preferred)
    preferred = preferredLayout(store.getPtr());
  if (!preferred && mask)
    preferred = preferredLayout(mask);
  LinearLayout layout = preferred ? *preferred : blocked(shapeOf(store.getValue()));
  Access access{rootOf(store.getPtr()), store.getPtr(), mask, true};
  SmallVector<Value> operands(op->getOperands());
  Region *region = &regionFor(layout, operands, loc);
  if (conflicts(*region, access))
    region = &newRegion(layout, loc);
  region->accesses.push_back(access);
  Request request{layout, 0};
  Value pointer = get(*region, store.getPtr(), request);
  Value value = get(*region, store.getValue(), request);
  Value maskScalar = mask ? get(*region, mask, request) : Value();
  Value owner = ownerMask(*region, layout, loc);
  Builder b = at(*region, loc);
  maskScalar = andMask(b, owner, maskScalar);
  Value offset;
  Value base = splitPointer(b, pointer, offset);
  tm::StoreOp::create(b, value, base, offset, maskScalar);
}

// ---- atomics ----

void Distributor::lowerAtomic(Operation *op) {
  Location loc = op->getLoc();
  bool hasResult = op->getNumResults() == 1;
  // What the operation is, on the scalars of one thread.
  auto emit = [&](Builder &b, llvm::function_ref<Value(Value)> element, Value owner) -> Value {
    Value offset;
    auto address = [&](Value pointers) {
      Value pointer = element(pointers);
      return splitPointer(b, pointer, offset);
    };
    Type type = hasResult ? elementOf(op->getResult(0)) : Type();
    auto guarded = [&](Value mask) {
      bool always = !mask || matchPattern(mask, m_One()); // Triton writes "no mask" as a constant
      return andMask(b, owner, always ? Value() : element(mask));
    };
    if (auto rmw = dyn_cast<tt::AtomicRMWOp>(op)) {
      Value base = address(rmw.getPtr());
      return tm::AtomicRMWOp::create(b, type, rmw.getAtomicRmwOp(), base, offset, element(rmw.getVal()),
                                     guarded(rmw.getMask()), rmw.getSem(), rmw.getScope());
    }
    if (auto cas = dyn_cast<tt::AtomicCASOp>(op)) {
      Value base = address(cas.getPtr());
      return tm::AtomicCASOp::create(b, type, base, offset, element(cas.getCmp()), element(cas.getVal()),
                                     guarded({}), cas.getSem(), cas.getScope());
    }
    if (auto load = dyn_cast<tt::AtomicLoadOp>(op)) {
      Value base = address(load.getPtr());
      return tm::AtomicLoadOp::create(b, type, base, offset, guarded(load.getMask()), load.getSem(),
                                      load.getScope());
    }
    auto store = cast<tt::AtomicStoreOp>(op);
    Value base = address(store.getPtr());
    tm::AtomicStoreOp::create(b, element(store.getValue()), base, offset, guarded(store.getMask()),
                              store.getSem(), store.getScope());
    return {};
  };
  Value pointers = isa<tt::AtomicStoreOp>(op) ? cast<tt::AtomicStoreOp>(op).getPtr() : op->getOperand(0);
  if (!isBlock(pointers.getType())) {
    auto compute = [&](Builder &b) { return emit(b, [&](Value value) { return scalar(value); }, {}); };
    if (hasResult && !op->getResult(0).use_empty()) {
      scalars.map(op->getResult(0), copyUniformly({}, loc, compute, op->getResult(0).getType()));
      return;
    }
    closeRegion();
    Builder b = uniform(loc);
    auto single = tm::SingleOp::create(b);
    Builder inner(loc, module.getContext());
    inner.setInsertionPointToEnd(&single.getBody().emplaceBlock());
    compute(inner);
    return;
  }
  std::optional<LinearLayout> preferred;
  for (Value operand : op->getOperands())
    if (!preferred)
      preferred = preferredLayout(operand);
  LinearLayout layout = preferred ? *preferred : blocked(shapeOf(pointers));
  SmallVector<Value> operands(op->getOperands());
  Access access{rootOf(pointers), pointers, {}, true};
  Region *region = &regionFor(layout, operands, loc);
  if (conflicts(*region, access))
    region = &newRegion(layout, loc);
  region->accesses.push_back(access);
  region->op.setVectorizable(false);
  Request request{layout, 0};
  SmallVector<Value> elements;
  for (Value operand : op->getOperands())
    get(*region, operand, request); // first, so that nothing is emitted between the parts
  Value owner = ownerMask(*region, layout, loc);
  Builder b = at(*region, loc);
  Value result = emit(b, [&](Value value) { return get(*region, value, request); }, owner);
  if (hasResult && !op->getResult(0).use_empty()) {
    define(op->getResult(0), *region, result, request, /*ownersOnly=*/bool(owner));
    if (owner)
      closeRegion();
  }
}

// ---- order and messages ----

void Distributor::lowerBarrier(Operation *op) {
  closeRegion();
  Builder b = uniform(op->getLoc());
  tm::BarrierOp::create(b, tm::MemoryFence::Both);
}

void Distributor::lowerPrint(Operation *op) {
  auto print = cast<tt::PrintOp>(op);
  Location loc = op->getLoc();
  Value block;
  for (Value argument : print.getArgs())
    if (isBlock(argument.getType()))
      block = argument;
  if (!block) {
    closeRegion();
    Builder b = uniform(loc);
    auto single = tm::SingleOp::create(b);
    Builder inner(loc, module.getContext());
    inner.setInsertionPointToEnd(&single.getBody().emplaceBlock());
    SmallVector<Value> values;
    for (Value argument : print.getArgs())
      values.push_back(scalar(argument));
    tm::PrintOp::create(inner, print.getPrefix(), print.getHex(), values, ValueRange(), print.getIsSigned());
    return;
  }
  LinearLayout layout = layoutFor(block);
  SmallVector<Value> operands(print.getArgs());
  for (Value &operand : operands)
    if (isBlock(operand.getType()) && shapeOf(operand) != shapeOf(block))
      refuse(op, "Blocks of different shapes cannot be printed together.");
  Region &region = regionFor(layout, operands, loc);
  region.op.setVectorizable(false);
  Request request{layout, 0};
  SmallVector<Value> values, coordinates;
  for (Value operand : operands)
    values.push_back(get(region, operand, request));
  for (int dim = 0; dim < int(layout.shape.size()); ++dim)
    coordinates.push_back(coordinate(region, request, dim, loc));
  Value owner = ownerMask(region, layout, loc);
  Builder b = at(region, loc);
  if (owner) {
    auto branch = scf::IfOp::create(b, owner, /*withElseRegion=*/false);
    b.setInsertionPoint(branch.thenYield());
  }
  tm::PrintOp::create(b, print.getPrefix(), print.getHex(), values, coordinates, print.getIsSigned());
}

void Distributor::lowerAssert(Operation *op) {
  auto assertion = cast<tt::AssertOp>(op);
  Location loc = op->getLoc();
  if (!isBlock(assertion.getCondition().getType())) {
    closeRegion();
    Builder b = uniform(loc);
    auto single = tm::SingleOp::create(b);
    Builder inner(loc, module.getContext());
    inner.setInsertionPointToEnd(&single.getBody().emplaceBlock());
    tm::AssertOp::create(inner, scalar(assertion.getCondition()), assertion.getMessage());
    return;
  }
  LinearLayout layout = layoutFor(assertion.getCondition());
  Region &region = regionFor(layout, assertion.getCondition(), loc);
  region.op.setVectorizable(false);
  Value condition = get(region, assertion.getCondition(), {layout, 0});
  Value owner = ownerMask(region, layout, loc);
  Builder b = at(region, loc);
  if (owner) { // of the threads that hold an element one speaks
    auto branch = scf::IfOp::create(b, owner, /*withElseRegion=*/false);
    b.setInsertionPoint(branch.thenYield());
  }
  tm::AssertOp::create(b, condition, assertion.getMessage());
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// The driver: the kernel's frame, scalars, layouts, and the regions that block operations go into.
#include "Distributor.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

// ---- the kernel ----

Distributor::Distributor(ModuleOp module, const MslOptions &options, int64_t operandBytes)
    : module(module), options(options), simdgroups(options.simdgroups), operandBytes(operandBytes),
      builder(module.getContext()) {}

std::string placeOf(Location loc) {
  std::string place;
  loc->walk([&](Location inner) {
    auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file)
      return WalkResult::advance();
    place =
        (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn()) + ": ")
            .str();
    return WalkResult::interrupt();
  });
  return place;
}

void Distributor::refuse(Operation *op, const std::string &reason) {
  throw Error(ErrorKind::Unsupported,
              placeOf(op->getLoc()) + "[" + op->getName().getStringRef().str() + "] " + reason);
}

void Distributor::run() {
  auto function = *module.getOps<tt::FuncOp>().begin();
  checkElementTypes(function);
  mlir::Block &body = function.getBody().front();
  builder.setInsertionPoint(function);
  SmallVector<Attribute> names;
  SmallVector<int64_t> groups;
  unsigned pointerCount = 0;
  for (BlockArgument argument : body.getArguments()) {
    auto named = dyn_cast<NameLoc>(argument.getLoc());
    names.push_back(builder.getStringAttr(
        named ? named.getName().getValue() : StringRef("arg" + std::to_string(argument.getArgNumber()))));
    if (isa<tt::PointerType>(argument.getType())) {
      int group = pointerCount < options.aliasGroups.size() ? options.aliasGroups[pointerCount] : -1;
      aliasGroupOf[argument] = group;
      groups.push_back(group);
      ++pointerCount;
    } else {
      groups.push_back(-1);
    }
  }
  kernel = tm::KernelOp::create(builder, function.getLoc(), function.getSymName(), simdgroups, IntegerAttr(),
                                builder.getArrayAttr(names));
  kernel->setAttr("aliasGroups", builder.getDenseI64ArrayAttr(groups));
  mlir::Block *block = builder.createBlock(&kernel.getBody());
  for (BlockArgument argument : body.getArguments())
    scalars.map(argument, block->addArgument(argument.getType(), argument.getLoc()));
  function.walk([&](Operation *op) {
    Value pointer;
    if (auto store = dyn_cast<tt::StoreOp>(op))
      pointer = store.getPtr();
    else if (isa<tt::AtomicRMWOp, tt::AtomicCASOp, tt::AtomicStoreOp>(op))
      pointer = op->getOperand(0);
    if (!pointer)
      return;
    if (Value root = rootOf(pointer))
      storedRoots.insert(root);
    else
      storesUnknown = true;
  });
  builder.setInsertionPointToEnd(block);
  lowerBlock(body);
  function.erase();
}

void Distributor::lowerBlock(mlir::Block &block) {
  for (Operation &op : block.without_terminator())
    lower(&op);
}

void Distributor::lower(Operation *op) {
  const DistributionRule *rule = findDistributionRule(op->getName().getStringRef());
  if (!rule)
    refuse(op, "This operation has no form in Metal yet.");
  if (!rule->lower)
    refuse(op, rule->note);
  (this->*rule->lower)(op);
}

Distributor::Builder Distributor::uniform(Location loc) {
  Builder b(loc, builder);
  return b;
}

Distributor::Builder Distributor::beforeOpenRegion(Location loc) {
  Builder b(loc, builder);
  if (current)
    b.setInsertionPoint(current->op);
  return b;
}

static bool isBlock(Type type) { return isa<RankedTensorType>(type); }

static bool touchesBlocks(Operation *op) {
  auto test = [](Value value) { return isBlock(value.getType()); };
  return llvm::any_of(op->getOperands(), test) || llvm::any_of(op->getResults(), test);
}

void Distributor::lowerNothing(Operation *) {}

void Distributor::lowerScalar(Operation *op) {
  if (!isMemoryEffectFree(op))
    closeRegion();
  Builder b = beforeOpenRegion(op->getLoc());
  b.clone(*op, scalars);
}

// ---- layouts ----

std::vector<int64_t> Distributor::shapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? std::vector<int64_t>(type.getShape().begin(), type.getShape().end()) : std::vector<int64_t>();
}

LinearLayout Distributor::blocked(ArrayRef<int64_t> shape) const {
  return LinearLayout::blocked(shape.vec(), simdgroups);
}

tm::LinearLayoutAttr Distributor::attribute(const LinearLayout &layout) const {
  return tm::LinearLayoutAttr::get(builder.getContext(), layout.shape, layout.registers, layout.lanes,
                                   layout.simdgroups);
}

Request Request::through(ArrayRef<int64_t> shape, ArrayRef<int64_t> images, int64_t constant) const {
  auto image = [&](int64_t element) {
    int64_t result = 0;
    for (unsigned bit = 0; bit < images.size(); ++bit)
      if (element >> bit & 1)
        result ^= images[bit];
    return result;
  };
  Request result = *this;
  result.layout.shape = shape.vec();
  for (std::vector<int64_t> *bases :
       {&result.layout.registers, &result.layout.lanes, &result.layout.simdgroups})
    for (int64_t &basis : *bases)
      basis = image(basis);
  result.flip = image(flip) ^ constant;
  return result;
}

LinearLayout Distributor::layoutFor(Value value) {
  if (std::optional<LinearLayout> preferred = preferredLayout(value))
    return *preferred;
  return blocked(shapeOf(value));
}

/// The results of an operation on loops stem from these values inside.
static void originsOf(Value value, SmallVectorImpl<Value> &origins) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      unsigned index = argument.getArgNumber() - 1;
      origins.push_back(loop.getInitArgs()[index]);
      origins.push_back(loop.getBody()->getTerminator()->getOperand(index));
    } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      unsigned index = argument.getArgNumber();
      if (argument.getOwner() == loop.getBeforeBody()) {
        origins.push_back(loop.getInits()[index]);
        origins.push_back(loop.getYieldOp().getOperand(index));
      } else {
        origins.push_back(loop.getConditionOp().getArgs()[index]);
      }
    }
    return;
  }
  auto result = cast<OpResult>(value);
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    origins.push_back(loop.getRegionIterArgs()[result.getResultNumber()]);
  else if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner()))
    origins.push_back(loop.getAfterArguments()[result.getResultNumber()]);
  else if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
    origins.push_back(branch.thenYield().getOperand(result.getResultNumber()));
    if (branch.elseBlock())
      origins.push_back(branch.elseYield().getOperand(result.getResultNumber()));
  }
}

std::optional<LinearLayout> Distributor::preferredLayout(Value value) {
  if (!isBlock(value.getType()))
    return std::nullopt;
  if (auto kept = blocks.find(value); kept != blocks.end() && !kept->second.layout.lanes.empty())
    return kept->second.layout;
  if (auto known = layouts.find(value); known != layouts.end())
    return known->second;
  if (!layoutsInWork.insert(value).second)
    return std::nullopt; // around a loop: whatever else decides
  std::vector<int64_t> shape = shapeOf(value);
  std::optional<LinearLayout> result;
  auto fromOperands = [&](ValueRange operands) {
    for (Value operand : operands)
      if (!result && shapeOf(operand) == shape)
        result = preferredLayout(operand);
  };
  SmallVector<Value> origins;
  originsOf(value, origins);
  Operation *op = value.getDefiningOp();
  if (!origins.empty()) {
    fromOperands(origins);
  } else if (!op || isa<arith::ConstantOp, tt::MakeRangeOp, tt::SplatOp, tt::BroadcastOp, tt::TransOp,
                        tt::CatOp, tt::JoinOp, tt::SplitOp>(op)) {
    result = std::nullopt;
  } else if (isa<tt::ReshapeOp, tt::ExpandDimsOp>(op)) {
    result = preferredLayout(op->getOperand(0));
    if (result)
      result->shape = shape;
  } else if (auto reduce = dyn_cast<tt::ReduceOp>(op)) {
    result = layoutFor(reduce.getSrcs()[0]).sliced(reduce.getAxis());
  } else if (auto scan = dyn_cast<tt::ScanOp>(op)) {
    result = LinearLayout::blockedAlong(shape, scan.getAxis(), simdgroups);
  } else if (isa<tt::DotOp, tt::HistogramOp>(op)) {
    result = blocked(shape);
  } else {
    fromOperands(op->getOperands());
    if (!result && !isLazy(value))
      result = blocked(shape);
  }
  layoutsInWork.erase(value);
  // While a loop is being decided, what was found without it is not the last word.
  if (layoutsInWork.empty() || result)
    layouts[value] = result;
  return result;
}

// ---- regions ----

Distributor::Region &Distributor::newRegion(const LinearLayout &layout, Location loc) {
  closeRegion();
  auto region = std::make_unique<Region>();
  region->layout = layout;
  region->op = tm::RegionOp::create(builder, loc, attribute(layout), /*vectorizable=*/true);
  mlir::Block &body = region->op.getBody().emplaceBlock();
  body.addArgument(builder.getI32Type(), loc);
  regions.push_back(std::move(region));
  current = regions.back().get();
  return *current;
}

bool Distributor::available(Value value, const Request &request, Region &region, int depth) {
  if (!isBlock(value.getType()))
    return true;
  auto kept = blocks.find(value);
  if (kept != blocks.end()) {
    const Block &block = kept->second;
    if (block.region != &region)
      return true;
    return block.layout == request.layout && block.flip == request.flip && !block.ownersOnly;
  }
  if (region.scalars.count({value.getAsOpaquePointer(), flatten(request), request.flip}))
    return true;
  return forEachPulled(value, request, [&](Value operand, const Request &inner) {
    return available(operand, inner, region, depth + 1);
  });
}

Distributor::Region &Distributor::regionFor(const LinearLayout &layout, ValueRange values, Location loc) {
  if (current && current->layout == layout &&
      llvm::all_of(values, [&](Value value) { return available(value, {layout, 0}, *current); }))
    return *current;
  return newRegion(layout, loc);
}

Distributor::Builder Distributor::at(Region &region, Location loc) const {
  Builder b(loc, builder.getContext());
  b.setInsertionPointToEnd(&region.op.getBody().front());
  return b;
}

// ---- keeping values ----

void Distributor::define(Value value, Region &region, Value scalar, const Request &request, bool ownersOnly) {
  Block block;
  block.region = &region;
  block.scalar = scalar;
  block.layout = request.layout;
  block.flip = request.flip;
  block.ownersOnly = ownersOnly;
  blocks[value] = block;
  if (!ownersOnly)
    region.scalars[{value.getAsOpaquePointer(), flatten(request), request.flip}] = scalar;
}

Value Distributor::newTile(Type element, const LinearLayout &layout, Location loc) {
  Builder b = beforeOpenRegion(loc);
  return tm::TileOp::create(b, tm::TileType::get(module.getContext(), element, attribute(layout)));
}

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

Value Distributor::materializeTile(Value value) {
  Block &block = blocks.find(value)->second;
  if (block.tile)
    return block.tile;
  Region &region = *block.region;
  Location loc = value.getLoc();
  OpBuilder outside(region.op);
  block.tile = tm::TileOp::create(
      outside, loc, tm::TileType::get(module.getContext(), elementOf(value), attribute(block.layout)));
  Builder b = at(region, loc);
  tm::PutOp::create(b, block.scalar, block.tile, registerOf(region));
  return block.tile;
}

int64_t Distributor::byteWidth(Type element) const {
  if (isa<tt::PointerType>(element))
    return 8;
  return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

Value Distributor::materializeShared(Value value, Location loc) {
  if (auto copy = sharedCopies.find(value); copy != sharedCopies.end())
    for (mlir::Block *block = builder.getInsertionBlock();; block = block->getParentOp()->getBlock()) {
      if (block == copy->second.block)
        return copy->second.array;
      if (isa<tm::KernelOp>(block->getParentOp()))
        break;
    }
  auto kept = blocks.find(value);
  int64_t count = 1;
  for (int64_t extent : shapeOf(value))
    count *= extent;
  Type type = tm::SharedType::get(module.getContext(), count, elementOf(value));
  if (kept != blocks.end() && kept->second.fragments && !kept->second.tile)
    fragmentsToTile(value, loc);
  kept = blocks.find(value);
  Region *region;
  Value scalar;
  Request request;
  bool fresh = false;
  Region *before = current;
  OpBuilder::InsertPoint point = builder.saveInsertionPoint();
  if (kept != blocks.end() && kept->second.region) {
    region = kept->second.region;
    scalar = kept->second.scalar;
    request = {kept->second.layout, kept->second.flip};
  } else {
    // In front of the region at hand, which is about to read it.
    if (before) {
      builder.setInsertionPoint(before->op);
      current = nullptr;
    }
    request =
        kept != blocks.end() ? Request{kept->second.layout, kept->second.flip} : Request{layoutFor(value), 0};
    region = &newRegion(request.layout, loc);
    scalar = get(*region, value, request);
    fresh = true;
  }
  OpBuilder outside(region->op);
  Value array = tm::SharedOp::create(outside, loc, type, IntegerAttr());
  Builder b = at(*region, loc);
  tm::SharedStoreOp::create(b, scalar, array, elementIndex(*region, request, loc),
                            ownerMask(*region, request.layout, loc));
  if (fresh) {
    closeRegion();
    if (before) {
      builder.restoreInsertionPoint(point);
      current = before;
    }
  }
  sharedCopies[value] = {array, region->op->getBlock()};
  return array;
}

void Distributor::putInto(Value value, Value tile, const LinearLayout &layout, Location loc) {
  Region &region = regionFor(layout, value, loc);
  Value scalar = get(region, value, {layout, 0});
  Builder b = at(region, loc);
  tm::PutOp::create(b, scalar, tile, registerOf(region));
}

Value Distributor::toScalar(Value value, Location loc) {
  LinearLayout layout = blocked(shapeOf(value)); // one element: the same in all threads
  Value tile = newTile(elementOf(value), layout, loc);
  putInto(value, tile, layout, loc);
  closeRegion();
  Builder b = uniform(loc);
  Value zero = arith::ConstantIntOp::create(b, 0, 32);
  return tm::GetOp::create(b, elementOf(value), tile, zero);
}

// ---- elementwise ----

void Distributor::lowerElementwise(Operation *op) {
  if (!touchesBlocks(op))
    return lowerScalar(op);
  if (llvm::all_of(op->getResults(), [&](Value result) { return isLazy(result); }))
    return;
  LinearLayout layout = layoutFor(op->getResult(0));
  Region &region = regionFor(layout, op->getOperands(), op->getLoc());
  if (op->getNumResults() == 0)
    return;
  Value first = pullThrough(region, op, op->getResult(0), {layout, 0});
  region.scalars[{op->getResult(0).getAsOpaquePointer(), flatten({layout, 0}), 0}] = first;
  for (Value result : op->getResults())
    define(result, region, get(region, result, {layout, 0}), {layout, 0});
}

void Distributor::lowerShape(Operation *op) {
  if (!touchesBlocks(op))
    refuse(op, "It has no block operand.");
}

void Distributor::lowerUnsplat(Operation *op) {
  scalars.map(op->getResult(0), toScalar(op->getOperand(0), op->getLoc()));
}

void Distributor::lowerMapElementwise(Operation *op) {
  auto map = cast<tt::MapElementwiseOp>(op);
  Location loc = op->getLoc();
  LinearLayout layout = layoutFor(op->getResult(0));
  Region &region = newRegion(layout, loc);
  int64_t pack = map.getPack();
  // The scalars of the group of `pack` consecutive elements that this thread's element belongs to.
  mlir::Block &body = map.getScalarOp().front();
  IRMapping inner;
  unsigned argument = 0;
  for (Value source : map.getSrcs())
    for (int64_t i = 0; i < pack; ++i) {
      std::vector<int64_t> images;
      for (int64_t bit = 1; bit < layout.numElements(); bit <<= 1)
        images.push_back(bit < pack ? 0 : bit);
      Request request = Request{layout, 0}.through(shapeOf(source), images, i);
      inner.map(body.getArgument(argument++), get(region, source, request));
    }
  Builder b = at(region, loc);
  inlineBody(b, body, inner);
  Value position;
  if (pack > 1) {
    Value mask = arith::ConstantIntOp::create(b, pack - 1, 32);
    position = arith::AndIOp::create(b, elementIndex(region, {layout, 0}, loc), mask);
  }
  Operation *end = body.getTerminator();
  for (auto [number, result] : llvm::enumerate(op->getResults())) {
    Value value = inner.lookupOrDefault(end->getOperand(number * pack));
    b = at(region, loc);
    for (int64_t i = 1; i < pack; ++i) {
      Value index = arith::ConstantIntOp::create(b, i, 32);
      Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, position, index);
      value =
          arith::SelectOp::create(b, here, inner.lookupOrDefault(end->getOperand(number * pack + i)), value);
    }
    define(result, region, value, {layout, 0});
  }
}

void Distributor::inlineBody(Builder &b, mlir::Block &body, IRMapping &map) {
  // What the body uses from outside are scalars of uniform code.
  for (auto &[from, to] : scalars.getValueMap())
    if (!map.contains(from))
      map.map(from, to);
  for (Operation &op : body.without_terminator())
    b.clone(op, map);
}

SmallVector<Value> Distributor::combine(Builder &b, mlir::Region &combiner, ValueRange lhs, ValueRange rhs) {
  IRMapping map;
  mlir::Block &body = combiner.front();
  unsigned argument = 0;
  for (ValueRange side : {lhs, rhs})
    for (Value value : side)
      map.map(body.getArgument(argument++), value);
  inlineBody(b, body, map);
  SmallVector<Value> results;
  for (Value result : body.getTerminator()->getOperands())
    results.push_back(map.lookupOrDefault(result));
  return results;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Structured control flow. Conditions and bounds are the same for all threads; blocks are passed on in tiles.
#include "Materialize.h"
#include "Pull.h"
#include "Rules.h"

#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tmetal {

using Builder = RegionBuilder::Builder;

static void eraseTerminator(Block *block) {
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
    block->back().erase();
}

// ---- blocks that control flow passes on ----

namespace {
struct TileOfValue {
  Value tile; // null for a scalar
  LinearLayout layout;
};
} // namespace

static SmallVector<TileOfValue> tilesFor(Distribution &d, ValueRange values, Location loc) {
  SmallVector<TileOfValue> tiles;
  for (Value value : values) {
    TileOfValue &each = tiles.emplace_back();
    if (!isBlock(value))
      continue;
    each.layout = d.plan.layoutOf(value);
    each.tile = newTile(d, elementOf(value), each.layout, loc);
  }
  return tiles;
}

/// Maps scalars to `from`, in order, and blocks to their tiles.
static void receive(Distribution &d, ValueRange values, ArrayRef<TileOfValue> tiles, ValueRange from) {
  unsigned position = 0;
  for (auto [value, each] : llvm::zip_equal(values, tiles)) {
    if (each.tile)
      d.blocks.keepTile(value, each.tile, {each.layout, 0});
    else
      d.scalars.map(value, from[position++]);
  }
}

/// Stores blocks into their tiles and returns the scalars.
static SmallVector<Value> passOn(Distribution &d, ValueRange values, ArrayRef<TileOfValue> tiles,
                                 Location loc) {
  SmallVector<Value> scalars;
  for (auto [value, each] : llvm::zip_equal(values, tiles)) {
    if (each.tile)
      putInto(d, value, each.tile, each.layout, loc);
    else
      scalars.push_back(d.scalar(value));
  }
  d.code.closeRegion();
  return scalars;
}

// ---- for ----

namespace {
/// A block that a loop carries.
struct Carried {
  unsigned index;
  Value tile, fragments; // one of them
  LinearLayout layout;
};
} // namespace

/// Keeps a block in matrix fragments for a whole loop, starting with its initial value.
static Value startAccumulator(Distribution &d, scf::ForOp loop, unsigned index, FragmentGrid grid) {
  Value init = loop.getInitArgs()[index];
  // Uses the location of the product that computes the value of the next trip.
  Location loc = loop.getBody()->getTerminator()->getOperand(index).getLoc();
  const KeptBlock *kept = d.blocks.find(init);
  Builder b = d.code.uniform(loc);
  Value matrix = newFragments(b, init, grid);
  if (kept && kept->fragments)
    tm::FragmentsCopyOp::create(b, kept->fragments, matrix);
  else
    fillWithZeros(b, matrix);
  return matrix;
}

static SmallVector<Carried> startCarriedBlocks(Distribution &d, scf::ForOp loop) {
  Location loc = loop.getLoc();
  SmallVector<Carried> carried;
  for (auto [index, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    if (!isBlock(argument))
      continue;
    Carried one{unsigned(index), {}, {}, d.plan.layoutOf(argument)};
    if (std::optional<FragmentGrid> grid = d.plan.fragmentsOf(argument)) {
      one.fragments = startAccumulator(d, loop, index, *grid);
    } else {
      one.tile = newTile(d, elementOf(argument), one.layout, loc);
      putInto(d, loop.getInitArgs()[index], one.tile, one.layout, loc);
    }
    carried.push_back(one);
  }
  d.code.closeRegion();
  return carried;
}

static void keepCarriedBlocks(Distribution &d, ValueRange values, ArrayRef<Carried> carried) {
  for (const Carried &one : carried) {
    if (one.fragments)
      d.blocks.keepFragments(values[one.index], one.fragments, one.layout);
    else
      d.blocks.keepTile(values[one.index], one.tile, {one.layout, 0});
  }
}

/// Whether computing `value` reads one of `tiles`, which are about to be overwritten.
static bool readsTiles(const Distribution &d, Value value, ArrayRef<Value> tiles) {
  if (!isBlock(value))
    return false;
  if (const KeptBlock *kept = d.blocks.find(value))
    return llvm::is_contained(tiles, kept->tile);
  Operation *op = value.getDefiningOp();
  return op && llvm::any_of(op->getOperands(), [&](Value operand) { return readsTiles(d, operand, tiles); });
}

/// Saves new values that depend on tiles about to be overwritten in tiles of their own, by loop index.
static llvm::DenseMap<unsigned, Value> saveOverwritten(Distribution &d, scf::ForOp loop,
                                                       ArrayRef<Carried> changed, ArrayRef<Value> tiles) {
  llvm::DenseMap<unsigned, Value> saved;
  for (const Carried &one : changed) {
    Value next = loop.getBody()->getTerminator()->getOperand(one.index);
    if (!readsTiles(d, next, tiles))
      continue;
    saved[one.index] = newTile(d, elementOf(next), one.layout, loop.getLoc());
    putInto(d, next, saved[one.index], one.layout, loop.getLoc());
  }
  if (!saved.empty())
    d.code.closeRegion();
  return saved;
}

static void copyTile(Distribution &d, Value from, const Carried &to, Location loc) {
  ThreadRegion *open = d.code.getOpen();
  ThreadRegion &region = open && open->getLayout() == to.layout ? *open : d.code.openRegion(to.layout, loc);
  Builder b = region.at(loc);
  putAll(b, getAll(b, from, region.registerIndex()), to.tile, region.registerIndex());
}

/// Whether a thread of the open region reads registers of the tile other than its current one.
static bool readsOtherRegisters(Distribution &d, Value tile) {
  ThreadRegion *open = d.code.getOpen();
  return open && llvm::any_of(tile.getUsers(), [&](Operation *user) {
           auto read = dyn_cast<tm::GetOp>(user);
           return read && open->getOp()->isProperAncestor(read) && read.getReg() != open->registerIndex();
         });
}

/// Passes blocks on to the next trip: computes all new values before it overwrites any old one.
static void passOnCarriedBlocks(Distribution &d, scf::ForOp loop, ArrayRef<Carried> carried) {
  Location loc = loop.getLoc();
  Operation *yield = loop.getBody()->getTerminator();
  SmallVector<Value> tiles;
  SmallVector<Carried> changed;
  for (const Carried &one : carried) {
    if (one.fragments)
      continue;
    tiles.push_back(one.tile);
    if (yield->getOperand(one.index) != loop.getRegionIterArgs()[one.index])
      changed.push_back(one);
  }
  llvm::DenseMap<unsigned, Value> saved = saveOverwritten(d, loop, changed, tiles);
  for (const Carried &one : changed) {
    if (Value from = saved.lookup(one.index)) {
      copyTile(d, from, one, loc);
      continue;
    }
    if (one.layout.numRegisters() > 1 && readsOtherRegisters(d, one.tile))
      d.code.closeRegion();
    putInto(d, yield->getOperand(one.index), one.tile, one.layout, loc);
  }
  d.code.closeRegion();
}

void lowerFor(Distribution &d, Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  SmallVector<unsigned> scalarIndices;
  SmallVector<Value> inits;
  for (auto [index, init] : llvm::enumerate(loop.getInitArgs()))
    if (!isBlock(init)) {
      scalarIndices.push_back(index);
      inits.push_back(d.scalar(init));
    }
  SmallVector<Carried> carried = startCarriedBlocks(d, loop);
  Builder outer = d.code.uniform(op->getLoc());
  auto copy = scf::ForOp::create(outer, d.scalar(loop.getLowerBound()), d.scalar(loop.getUpperBound()),
                                 d.scalar(loop.getStep()), inits);
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  if (loop.getUnsignedCmp())
    copy.setUnsignedCmp(true);
  d.scalars.map(loop.getInductionVar(), copy.getInductionVar());
  for (auto [position, index] : llvm::enumerate(scalarIndices)) {
    d.scalars.map(loop.getRegionIterArgs()[index], copy.getRegionIterArgs()[position]);
    d.scalars.map(loop.getResult(index), copy.getResult(position));
  }
  keepCarriedBlocks(d, loop.getRegionIterArgs(), carried);
  {
    eraseTerminator(copy.getBody());
    RegionBuilder::Inside inside(d.code, copy.getBody());
    lowerBlock(d, *loop.getBody());
    passOnCarriedBlocks(d, loop, carried);
    Operation *yield = loop.getBody()->getTerminator();
    SmallVector<Value> next;
    for (unsigned index : scalarIndices)
      next.push_back(d.scalar(yield->getOperand(index)));
    Builder end = d.code.uniform(yield->getLoc());
    scf::YieldOp::create(end, next);
  }
  keepCarriedBlocks(d, loop.getResults(), carried);
}

// ---- if, while ----

void lowerIf(Distribution &d, Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  Location loc = op->getLoc();
  d.code.closeRegion();
  SmallVector<TileOfValue> tiles = tilesFor(d, branch.getResults(), loc);
  SmallVector<Type> types;
  for (Type type : branch.getResultTypes())
    if (!isBlock(type))
      types.push_back(type);
  Builder outer = d.code.uniform(loc);
  bool hasElse = branch.elseBlock() != nullptr;
  auto copy = scf::IfOp::create(outer, types, d.scalar(branch.getCondition()), hasElse);
  auto lowerBranch = [&](Block *from, Block *to) {
    eraseTerminator(to);
    RegionBuilder::Inside inside(d.code, to);
    lowerBlock(d, *from);
    SmallVector<Value> results = passOn(d, from->getTerminator()->getOperands(), tiles, loc);
    Builder end = d.code.uniform(loc);
    scf::YieldOp::create(end, results);
  };
  lowerBranch(branch.thenBlock(), copy.thenBlock());
  if (hasElse)
    lowerBranch(branch.elseBlock(), copy.elseBlock());
  receive(d, branch.getResults(), tiles, copy.getResults());
}

/// The block of a loop region, created if missing, with arguments of these types.
static Block *enter(Region &region, TypeRange types, Location loc) {
  Block &block = region.empty() ? region.emplaceBlock() : region.front();
  block.clear();
  while (block.getNumArguments() < types.size())
    block.addArgument(types[block.getNumArguments()], loc);
  return &block;
}

void lowerWhile(Distribution &d, Operation *op) {
  auto loop = cast<scf::WhileOp>(op);
  Location loc = op->getLoc();
  d.code.closeRegion();
  SmallVector<TileOfValue> before = tilesFor(d, loop.getBeforeArguments(), loc);
  SmallVector<TileOfValue> after = tilesFor(d, loop.getAfterArguments(), loc);
  SmallVector<Value> inits = passOn(d, loop.getInits(), before, loc);
  SmallVector<Type> types;
  for (Type type : loop.getResultTypes())
    if (!isBlock(type))
      types.push_back(type);
  Builder outer = d.code.uniform(loc);
  auto copy = scf::WhileOp::create(outer, types, inits);
  {
    Block *block = enter(copy.getBefore(), ValueRange(inits).getTypes(), loc);
    RegionBuilder::Inside inside(d.code, block);
    receive(d, loop.getBeforeArguments(), before, block->getArguments());
    lowerBlock(d, *loop.getBeforeBody());
    auto condition = loop.getConditionOp();
    SmallVector<Value> passed = passOn(d, condition.getArgs(), after, loc);
    Builder end = d.code.uniform(condition.getLoc());
    scf::ConditionOp::create(end, d.scalar(condition.getCondition()), passed);
  }
  {
    Block *block = enter(copy.getAfter(), types, loc);
    RegionBuilder::Inside inside(d.code, block);
    receive(d, loop.getAfterArguments(), after, block->getArguments());
    lowerBlock(d, *loop.getAfterBody());
    SmallVector<Value> next = passOn(d, loop.getYieldOp().getOperands(), before, loc);
    Builder end = d.code.uniform(loc);
    scf::YieldOp::create(end, next);
  }
  receive(d, loop.getResults(), after, copy.getResults());
}

} // namespace tmetal

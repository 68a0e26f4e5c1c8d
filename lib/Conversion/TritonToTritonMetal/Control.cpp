// SPDX-License-Identifier: MIT
// Structured control flow: conditions and bounds are the same for all threads; blocks that are carried live
// in tiles.
#include "Distributor.h"

using namespace mlir;

namespace tmetal {

static bool isBlock(Type type) { return isa<RankedTensorType>(type); }
static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

static void eraseTerminator(mlir::Block *block) {
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
    block->back().erase();
}

/// Whether computing `value` reads one of `tiles` (those that are about to be overwritten).
static bool readsTiles(Value value, llvm::function_ref<Value(Value)> tileOf, ArrayRef<Value> tiles,
                       llvm::function_ref<bool(Value)> isKept) {
  if (!isBlock(value.getType()))
    return false;
  if (isKept(value))
    return llvm::is_contained(tiles, tileOf(value));
  Operation *op = value.getDefiningOp();
  return op && llvm::any_of(op->getOperands(),
                            [&](Value operand) { return readsTiles(operand, tileOf, tiles, isKept); });
}

void Distributor::lowerFor(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  Location loc = op->getLoc();
  struct Carried {
    unsigned index;
    Value tile, fragments;
    LinearLayout layout;
  };
  SmallVector<Carried> carried;
  SmallVector<Value> inits;
  SmallVector<unsigned> scalarIndices;
  for (auto [index, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    Value init = loop.getInitArgs()[index];
    if (!isBlock(argument.getType())) {
      inits.push_back(scalar(init));
      scalarIndices.push_back(index);
      continue;
    }
    Carried one{unsigned(index), {}, {}, {}};
    one.fragments = accumulatorOf(loop, index);
    if (!one.fragments) {
      one.layout = layoutFor(argument);
      one.tile = newTile(elementOf(argument), one.layout, loc);
      putInto(init, one.tile, one.layout, loc);
    }
    carried.push_back(one);
  }
  closeRegion();
  auto keep = [&](Value value, const Carried &one) {
    Block block;
    block.tile = one.tile;
    block.fragments = one.fragments;
    block.layout = one.fragments ? blocked(shapeOf(value)) : one.layout;
    blocks[value] = block;
  };
  Builder outer = uniform(loc);
  auto copy = scf::ForOp::create(outer, scalar(loop.getLowerBound()), scalar(loop.getUpperBound()),
                                 scalar(loop.getStep()), inits);
  copy->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  if (loop.getUnsignedCmp())
    copy.setUnsignedCmp(true);
  scalars.map(loop.getInductionVar(), copy.getInductionVar());
  for (auto [position, index] : llvm::enumerate(scalarIndices))
    scalars.map(loop.getRegionIterArgs()[index], copy.getRegionIterArgs()[position]);
  for (const Carried &one : carried)
    keep(loop.getRegionIterArgs()[one.index], one);
  {
    OpBuilder::InsertionGuard guard(builder);
    eraseTerminator(copy.getBody());
    builder.setInsertionPointToEnd(copy.getBody());
    lowerBlock(*loop.getBody());
    Operation *yield = loop.getBody()->getTerminator();
    SmallVector<Value> tiles;
    for (const Carried &one : carried)
      if (one.tile)
        tiles.push_back(one.tile);
    auto tileOf = [&](Value value) { return blocks.find(value)->second.tile; };
    auto isKept = [&](Value value) { return blocks.count(value) != 0; };
    // All new values before any old one goes.
    llvm::DenseMap<unsigned, Value> temporaries;
    for (const Carried &one : carried) {
      Value next = yield->getOperand(one.index);
      if (one.fragments || next == loop.getRegionIterArgs()[one.index] ||
          !readsTiles(next, tileOf, tiles, isKept))
        continue;
      Value temporary = newTile(elementOf(next), one.layout, loc);
      putInto(next, temporary, one.layout, loc);
      temporaries[one.index] = temporary;
    }
    if (!temporaries.empty())
      closeRegion();
    for (const Carried &one : carried) {
      Value next = yield->getOperand(one.index);
      if (one.fragments || next == loop.getRegionIterArgs()[one.index])
        continue;
      if (Value temporary = temporaries.lookup(one.index)) {
        Region &region = current && current->layout == one.layout ? *current : newRegion(one.layout, loc);
        Builder b = at(region, loc);
        Value value = tm::GetOp::create(b, elementOf(next), temporary, registerOf(region));
        tm::PutOp::create(b, value, one.tile, registerOf(region));
        continue;
      }
      // Where the region at hand reads the old value, it must be each register its own.
      if (current && one.layout.numRegisters() > 1 && llvm::any_of(one.tile.getUsers(), [&](Operation *user) {
            auto read = dyn_cast<tm::GetOp>(user);
            return read && current->op->isProperAncestor(read) && read.getReg() != registerOf(*current);
          }))
        closeRegion();
      putInto(next, one.tile, one.layout, loc);
    }
    closeRegion();
    SmallVector<Value> next;
    for (unsigned index : scalarIndices)
      next.push_back(scalar(yield->getOperand(index)));
    Builder end = uniform(yield->getLoc());
    scf::YieldOp::create(end, next);
  }
  for (auto [position, index] : llvm::enumerate(scalarIndices))
    scalars.map(loop.getResult(index), copy.getResult(position));
  for (const Carried &one : carried)
    keep(loop.getResult(one.index), one);
}

void Distributor::lowerIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  Location loc = op->getLoc();
  closeRegion();
  SmallVector<Value> tiles(branch.getNumResults());
  SmallVector<LinearLayout> layoutsOfTiles(branch.getNumResults());
  SmallVector<Type> types;
  for (auto [index, result] : llvm::enumerate(branch.getResults())) {
    if (!isBlock(result.getType())) {
      types.push_back(result.getType());
      continue;
    }
    layoutsOfTiles[index] = layoutFor(result);
    tiles[index] = newTile(elementOf(result), layoutsOfTiles[index], loc);
  }
  Builder outer = uniform(loc);
  bool hasElse = branch.elseBlock() != nullptr;
  auto copy = scf::IfOp::create(outer, types, scalar(branch.getCondition()), hasElse);
  auto lowerBranch = [&](mlir::Block *from, mlir::Block *to) {
    OpBuilder::InsertionGuard guard(builder);
    eraseTerminator(to);
    builder.setInsertionPointToEnd(to);
    lowerBlock(*from);
    SmallVector<Value> results;
    for (auto [index, value] : llvm::enumerate(from->getTerminator()->getOperands())) {
      if (tiles[index])
        putInto(value, tiles[index], layoutsOfTiles[index], loc);
      else
        results.push_back(scalar(value));
    }
    closeRegion();
    Builder end = uniform(loc);
    scf::YieldOp::create(end, results);
  };
  lowerBranch(branch.thenBlock(), copy.thenBlock());
  if (hasElse)
    lowerBranch(branch.elseBlock(), copy.elseBlock());
  unsigned position = 0;
  for (auto [index, result] : llvm::enumerate(branch.getResults())) {
    if (!tiles[index]) {
      scalars.map(result, copy.getResult(position++));
      continue;
    }
    Block block;
    block.tile = tiles[index];
    block.layout = layoutsOfTiles[index];
    blocks[result] = block;
  }
}

void Distributor::lowerWhile(Operation *op) {
  auto loop = cast<scf::WhileOp>(op);
  Location loc = op->getLoc();
  struct Kept {
    Value tile;
    LinearLayout layout;
  };
  auto tilesFor = [&](ValueRange values) {
    SmallVector<Kept> result;
    for (Value value : values) {
      Kept one;
      if (isBlock(value.getType())) {
        one.layout = layoutFor(value);
        one.tile = newTile(elementOf(value), one.layout, loc);
      }
      result.push_back(one);
    }
    return result;
  };
  auto keep = [&](ValueRange values, ArrayRef<Kept> tiles) {
    for (auto [value, one] : llvm::zip_equal(values, tiles))
      if (one.tile) {
        Block block;
        block.tile = one.tile;
        block.layout = one.layout;
        blocks[value] = block;
      }
  };
  // Puts blocks into their tiles and returns the scalars.
  auto pass = [&](ValueRange values, ArrayRef<Kept> tiles) {
    SmallVector<Value> result;
    for (auto [value, one] : llvm::zip_equal(values, tiles)) {
      if (one.tile)
        putInto(value, one.tile, one.layout, loc);
      else
        result.push_back(scalar(value));
    }
    closeRegion();
    return result;
  };
  closeRegion();
  SmallVector<Kept> before = tilesFor(loop.getBeforeArguments()), after = tilesFor(loop.getAfterArguments());
  SmallVector<Value> inits = pass(loop.getInits(), before);
  SmallVector<Type> types;
  for (auto [value, one] : llvm::zip_equal(loop.getAfterArguments(), after))
    if (!one.tile)
      types.push_back(value.getType());
  Builder outer = uniform(loc);
  auto copy = scf::WhileOp::create(outer, types, inits);
  auto enter = [&](mlir::Region &region, TypeRange argumentTypes, ValueRange from, ArrayRef<Kept> tiles) {
    mlir::Block &block = region.empty() ? region.emplaceBlock() : region.front();
    block.clear();
    while (block.getNumArguments() < argumentTypes.size())
      block.addArgument(argumentTypes[block.getNumArguments()], loc);
    unsigned position = 0;
    for (auto [value, one] : llvm::zip_equal(from, tiles))
      if (!one.tile)
        scalars.map(value, block.getArgument(position++));
    keep(from, tiles);
    builder.setInsertionPointToEnd(&block);
  };
  {
    OpBuilder::InsertionGuard guard(builder);
    enter(copy.getBefore(), ValueRange(inits).getTypes(), loop.getBeforeArguments(), before);
    lowerBlock(*loop.getBeforeBody());
    auto condition = loop.getConditionOp();
    SmallVector<Value> passed = pass(condition.getArgs(), after);
    Builder end = uniform(condition.getLoc());
    scf::ConditionOp::create(end, scalar(condition.getCondition()), passed);
    enter(copy.getAfter(), types, loop.getAfterArguments(), after);
    lowerBlock(*loop.getAfterBody());
    SmallVector<Value> next = pass(loop.getYieldOp().getOperands(), before);
    end = uniform(loc);
    scf::YieldOp::create(end, next);
  }
  unsigned position = 0;
  for (auto [result, one] : llvm::zip_equal(loop.getResults(), after))
    if (!one.tile)
      scalars.map(result, copy.getResult(position++));
  keep(loop.getResults(), after);
}

} // namespace tmetal

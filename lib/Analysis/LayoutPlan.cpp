// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/LayoutPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

#include <cassert>

using namespace mlir;

namespace tmetal {

// ---- making a plan ----

static bool isSource(Operation *op) { return isa<tt::MakeRangeOp, tt::SplatOp, arith::ConstantOp>(op); }

static bool isCheap(Operation *op) {
  if (isa<arith::DivFOp, arith::RemFOp>(op))
    return false;
  return isa<arith::ArithDialect>(op->getDialect()) || isa<tt::AddPtrOp, tt::BitcastOp>(op);
}

/// The values that a block argument of a loop, or a result of a loop or branch, may come from.
static SmallVector<Value> originsOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      unsigned index = argument.getArgNumber() - 1;
      return {loop.getInitArgs()[index], loop.getBody()->getTerminator()->getOperand(index)};
    }
    if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
      unsigned index = argument.getArgNumber();
      if (argument.getOwner() == loop.getBeforeBody())
        return {loop.getInits()[index], loop.getYieldOp().getOperand(index)};
      return {loop.getConditionOp().getArgs()[index]};
    }
    return {};
  }
  auto result = cast<OpResult>(value);
  unsigned index = result.getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    return {loop.getRegionIterArgs()[index]};
  if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner()))
    return {loop.getAfterArguments()[index]};
  if (auto branch = dyn_cast<scf::IfOp>(result.getOwner())) {
    SmallVector<Value> origins{branch.thenYield().getOperand(index)};
    if (branch.elseBlock())
      origins.push_back(branch.elseYield().getOperand(index));
    return origins;
  }
  return {};
}

/// Visits the blocks of a function in program order, with the results of an operation
/// after the values inside of it.
static void forEachBlockValue(Operation *root, llvm::function_ref<void(Value)> visit) {
  auto visitAll = [&](ValueRange values) {
    for (Value value : values)
      if (isBlock(value))
        visit(value);
  };
  for (Region &region : root->getRegions())
    for (Block &block : region) {
      visitAll(block.getArguments());
      for (Operation &op : block) {
        forEachBlockValue(&op, visit);
        visitAll(op.getResults());
      }
    }
}

/// Goes through the kernel once, in program order. An operation works in the layout that its operands have or
/// that its users prefer; without such a preference, blocks are row-major.
class LayoutPlanner {
public:
  explicit LayoutPlanner(LayoutPlan &plan) : plan(plan) {}

  void run() {
    forEachBlockValue(plan.function, [&](Value value) {
      if (recomputingCost(value) <= kMaxCost)
        plan.recomputed.insert(value);
    });
    visit(plan.function.getBody().front());
    // Blocks that are not kept have a layout too, for copies that may be needed.
    forEachBlockValue(plan.function, [&](Value value) {
      if (plan.blocks.contains(value))
        return;
      BlockPlan rest = layoutFor(value);
      rest.home = plan.recomputed.contains(value) ? LayoutPlan::Home::Recomputed : LayoutPlan::Home::View;
      inferred[value] = rest;
    });
    for (auto &[value, rest] : inferred)
      plan.blocks.insert({value, rest});
  }

private:
  using BlockPlan = LayoutPlan::BlockPlan;
  using Reason = LayoutPlan::Reason;
  static constexpr int kMaxCost = 40;

  int recomputingCost(Value value) {
    if (!isBlock(value))
      return 0;
    if (auto known = costs.find(value); known != costs.end())
      return known->second;
    int cost = kMaxCost + 1;
    if (Operation *op = value.getDefiningOp()) {
      if (isSource(op)) {
        cost = 1;
      } else if (tt::isView(op) || isCheap(op)) {
        cost = 1;
        for (Value operand : op->getOperands())
          cost = std::min(cost + recomputingCost(operand), kMaxCost + 1);
      }
    }
    return costs[value] = cost;
  }

  // ---- preferred layouts ----

  static BlockPlan decidedBy(Reason reason, Value like, const LinearLayout &layout) {
    BlockPlan plan;
    plan.layout = layout;
    plan.reason = reason;
    plan.like = like;
    return plan;
  }

  BlockPlan rowMajor(Value value) const {
    return decidedBy(Reason::RowMajor, {}, plan.blocked(shapeOf(value)));
  }

  BlockPlan layoutFor(Value value) { return preferred(value).value_or(rowMajor(value)); }

  /// The layout of the first of `values` that has a preference, else row-major in the shape of the first.
  BlockPlan layoutForAny(ValueRange values) {
    for (Value value : values)
      if (std::optional<BlockPlan> found = preferred(value))
        return as(*found, Reason::Operand, value);
    return rowMajor(values.front());
  }

  /// The layout of another block, for another reason.
  static BlockPlan as(const BlockPlan &plan, Reason reason, Value like) {
    return decidedBy(reason, like, plan.layout);
  }

  /// The preferred layout of a block; none for a block that is computed wherever it is needed.
  std::optional<BlockPlan> preferred(Value value) {
    if (!isBlock(value))
      return std::nullopt;
    if (auto decided = plan.blocks.find(value); decided != plan.blocks.end())
      return decided->second;
    if (auto known = wishes.find(value); known != wishes.end())
      return known->second;
    if (!inWork.insert(value).second)
      return std::nullopt; // a cycle through a loop: leave the decision to other values
    std::optional<BlockPlan> result = infer(value);
    inWork.erase(value);
    // While a value in a cycle is being decided, the failure to find a layout is not final.
    if (inWork.empty() || result)
      wishes[value] = result;
    return result;
  }

  std::optional<BlockPlan> fromSameShape(ValueRange values, ArrayRef<int64_t> shape, Reason reason) {
    for (Value value : values)
      if (ArrayRef<int64_t>(shapeOf(value)) == shape)
        if (std::optional<BlockPlan> found = preferred(value))
          return as(*found, reason, value);
    return std::nullopt;
  }

  std::optional<BlockPlan> infer(Value value) {
    std::vector<int64_t> shape = shapeOf(value);
    if (SmallVector<Value> origins = originsOf(value); !origins.empty())
      return fromSameShape(origins, shape, Reason::Origin);
    Operation *op = value.getDefiningOp();
    if (!op || isSource(op))
      return std::nullopt;
    if (isa<tt::ReshapeOp, tt::ExpandDimsOp>(op)) {
      std::optional<BlockPlan> result = preferred(op->getOperand(0));
      if (!result)
        return std::nullopt;
      result->layout.shape = shape;
      return as(*result, Reason::Reshaped, op->getOperand(0));
    }
    if (tt::isView(op))
      return std::nullopt;
    if (auto reduce = dyn_cast<tt::ReduceOp>(op))
      return sliced(reduce, layoutFor(reduce.getSrcs()[0]).layout);
    if (auto scan = dyn_cast<tt::ScanOp>(op))
      return along(scan);
    if (isa<tt::DotOp, tt::HistogramOp>(op))
      return rowMajor(value);
    std::optional<BlockPlan> result = fromSameShape(op->getOperands(), shape, Reason::Operand);
    if (!result && !plan.recomputed.contains(value))
      return rowMajor(value);
    return result;
  }

  static BlockPlan sliced(tt::ReduceOp reduce, const LinearLayout &layout) {
    return decidedBy(Reason::Slice, reduce.getSrcs()[0], layout.sliced(reduce.getAxis()));
  }

  BlockPlan along(tt::ScanOp scan) const {
    std::vector<int64_t> shape = shapeOf(scan.getSrcs()[0]);
    return decidedBy(Reason::Scan, {},
                     LinearLayout::blockedAlong(shape, scan.getAxis(), plan.getOptions().simdgroups));
  }

  // ---- what operations determine ----

  void visit(Block &block) {
    for (Operation &op : block.without_terminator())
      visit(&op);
  }

  void keep(Value value, BlockPlan choice) { plan.blocks[value] = std::move(choice); }

  BlockPlan inFragments(Value value, FragmentGrid grid) const {
    BlockPlan choice = rowMajor(value); // its layout after it leaves the fragments
    choice.home = LayoutPlan::Home::Fragments;
    choice.grid = grid;
    return choice;
  }

  std::optional<FragmentGrid> fragmentsOf(Value value) const {
    auto decided = plan.blocks.find(value);
    return decided == plan.blocks.end() ? std::nullopt : decided->second.grid;
  }

  /// Sets the layout in which the operation works and which its results have.
  void work(Operation *op, const BlockPlan &choice) {
    plan.work[op] = choice.layout;
    for (Value result : op->getResults())
      if (isBlock(result))
        keep(result, choice);
  }

  void visit(Operation *op) {
    auto touchesBlocks = [](ValueRange values) {
      return llvm::any_of(values, [](Value value) { return isBlock(value); });
    };
    llvm::TypeSwitch<Operation *>(op)
        .Case<scf::ForOp, scf::IfOp, scf::WhileOp, tt::ReduceOp, tt::HistogramOp, tt::DotOp>(
            [&](auto each) { decide(each); })
        .Case([&](tt::ScanOp scan) { work(op, along(scan)); })
        .Case([&](tt::GatherOp gather) {
          Value indices = gather.getIndices();
          work(op, as(layoutFor(indices), Reason::Operand, indices));
        })
        .Case([&](tt::StoreOp store) {
          if (isBlock(store.getValue()))
            work(op, layoutForAny(storedOperands(store)));
        })
        .Case<tt::AtomicRMWOp, tt::AtomicCASOp, tt::AtomicLoadOp, tt::AtomicStoreOp, tt::AtomicPollOp>(
            [&](auto atomic) {
              if (isBlock(atomic.getPtr()))
                decideAtomic(op, atomic.getPtr());
            })
        .Case([&](tt::PrintOp print) {
          for (Value argument : llvm::reverse(print.getArgs()))
            if (isBlock(argument)) {
              plan.work[op] = layoutFor(argument).layout;
              break;
            }
        })
        .Case([&](tt::AssertOp assertion) {
          if (isBlock(assertion.getCondition()))
            plan.work[op] = layoutFor(assertion.getCondition()).layout;
        })
        .Default([&](Operation *) {
          if (tt::isView(op) || isSource(op) || !touchesBlocks(op->getResults()))
            return;
          if (!llvm::all_of(op->getResults(), [&](Value result) { return plan.isRecomputed(result); }))
            work(op, layoutFor(op->getResult(0)));
        });
  }

  static SmallVector<Value> storedOperands(tt::StoreOp store) {
    SmallVector<Value> operands{store.getValue(), store.getPtr()};
    if (store.getMask())
      operands.push_back(store.getMask());
    return operands;
  }

  void decideAtomic(Operation *op, Value pointers) {
    for (Value operand : op->getOperands())
      if (std::optional<BlockPlan> found = preferred(operand))
        return work(op, as(*found, Reason::Operand, operand));
    work(op, rowMajor(pointers));
  }

  void decide(tt::ReduceOp reduce) {
    LinearLayout layout = layoutFor(reduce.getSrcs()[0]).layout;
    for (Value result : reduce->getResults())
      if (isBlock(result))
        keep(result, sliced(reduce, layout));
    plan.work[reduce] = std::move(layout);
  }

  void decide(tt::HistogramOp histogram) {
    plan.work[histogram] = layoutFor(histogram.getSrc()).layout;
    keep(histogram->getResult(0), rowMajor(histogram->getResult(0)));
  }

  void decide(tt::DotOp dot) {
    ProductPlan product;
    product.grid = gridOf(dot);
    product.zeroAddend = isZeroBlock(dot.getC());
    bool staysInFragments = product.grid && !isRounded(dot);
    product.accumulates = staysInFragments && fragmentsOf(dot.getC()) && dot.getC().hasOneUse() &&
                          (isa<BlockArgument>(dot.getC()) || dot.getC().getDefiningOp<tt::DotOp>());
    product.slices = slicesOf(dot, product.grid.has_value(), plan.getOptions().operandBytes);
    // Operands that pass in slices wait in registers.
    if (product.slices > 1)
      for (Value operand : {dot.getA(), dot.getB()}) {
        Value sent = plan.slicedOperand(operand);
        if (!plan.blocks.contains(sent))
          keep(sent, layoutFor(sent));
      }
    work(dot, rowMajor(dot.getD()));
    if (staysInFragments && (product.accumulates || product.zeroAddend))
      keep(dot.getD(), inFragments(dot.getD(), *product.grid));
    plan.products[dot] = product;
  }

  std::optional<FragmentGrid> gridOf(tt::DotOp dot) const {
    const LayoutPlanOptions &options = plan.getOptions();
    return fragmentGridOf(dot, options.simdgroups, options.operandBytes);
  }

  /// Whether the result is rounded after it leaves the fragments.
  static bool isRounded(tt::DotOp dot) { return elementOf(dot.getD()) != sumTypeOf(dot); }

  /// The fragments that can keep a loop-carried value for the whole loop. There are some if the loop
  /// only accumulates products in it.
  std::optional<FragmentGrid> accumulatorOf(scf::ForOp loop, unsigned index) const {
    BlockArgument argument = loop.getRegionIterArgs()[index];
    if (!argument.hasOneUse())
      return std::nullopt;
    std::optional<FragmentGrid> grid;
    // Follows the products of a trip to the value of the next trip.
    Value sum = argument;
    Operation *end = loop.getBody()->getTerminator(), *user = *argument.user_begin();
    do {
      auto dot = dyn_cast<tt::DotOp>(user);
      if (!dot || dot.getC() != sum || dot->getBlock() != loop.getBody() || !dot.getD().hasOneUse())
        return std::nullopt;
      grid = gridOf(dot);
      if (!grid || isRounded(dot))
        return std::nullopt;
      sum = dot.getD();
      user = *sum.user_begin();
    } while (user != end);
    if (end->getOperand(index) != sum)
      return std::nullopt;
    Value init = loop.getInitArgs()[index];
    std::optional<FragmentGrid> before = fragmentsOf(init);
    assert((!before || *before == *grid) && "the grid depends on the shape of the result only");
    return before || isZeroBlock(init) ? grid : std::nullopt;
  }

  void decide(scf::ForOp loop) {
    SmallVector<std::pair<unsigned, BlockPlan>> carried;
    for (auto [index, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
      if (!isBlock(argument))
        continue;
      if (std::optional<FragmentGrid> grid = accumulatorOf(loop, index)) {
        carried.push_back({index, inFragments(argument, *grid)});
      } else {
        carried.push_back({index, layoutFor(argument)});
      }
    }
    for (auto &[index, choice] : carried)
      keep(loop.getRegionIterArgs()[index], choice);
    visit(*loop.getBody());
    for (auto &[index, choice] : carried)
      keep(loop.getResult(index), choice);
  }

  void decide(scf::IfOp branch) {
    SmallVector<std::pair<Value, BlockPlan>> results = layoutsFor(branch.getResults());
    visit(*branch.thenBlock());
    if (branch.elseBlock())
      visit(*branch.elseBlock());
    keepAll(results);
  }

  void decide(scf::WhileOp loop) {
    auto before = layoutsFor(loop.getBeforeArguments()), after = layoutsFor(loop.getAfterArguments());
    keepAll(before);
    visit(*loop.getBeforeBody());
    keepAll(after);
    visit(*loop.getAfterBody());
    for (auto [result, argument] : llvm::zip_equal(loop.getResults(), loop.getAfterArguments()))
      if (isBlock(result))
        keep(result, plan.blocks.find(argument)->second);
  }

  SmallVector<std::pair<Value, BlockPlan>> layoutsFor(ValueRange values) {
    SmallVector<std::pair<Value, BlockPlan>> layouts;
    for (Value value : values)
      if (isBlock(value))
        layouts.push_back({value, layoutFor(value)});
    return layouts;
  }

  void keepAll(ArrayRef<std::pair<Value, BlockPlan>> layouts) {
    for (auto &[value, layout] : layouts)
      keep(value, layout);
  }

  LayoutPlan &plan;
  llvm::DenseMap<Value, int> costs;
  llvm::DenseMap<Value, std::optional<BlockPlan>> wishes;
  llvm::DenseMap<Value, BlockPlan> inferred;
  llvm::DenseSet<Value> inWork;
};

LayoutPlan::LayoutPlan(tt::FuncOp function, const LayoutPlanOptions &options)
    : function(function), options(options) {
  LayoutPlanner(*this).run();
}

// ---- queries ----

const LayoutPlan::BlockPlan &LayoutPlan::operator[](Value block) const {
  auto found = blocks.find(block);
  assert(found != blocks.end() && "not a block of this kernel");
  return found->second;
}

const LinearLayout &LayoutPlan::layoutOf(Operation *op) const {
  auto found = work.find(op);
  assert(found != work.end() && "the operation does not work on blocks");
  return found->second;
}

const ProductPlan &LayoutPlan::productOf(Operation *dot) const {
  auto found = products.find(dot);
  assert(found != products.end() && "not a product of this kernel");
  return found->second;
}

bool LayoutPlan::hasSameSlices(const LayoutPlan &other) const {
  return llvm::all_of(products, [&](auto &product) {
    const ProductPlan &same = other.productOf(product.first);
    return same.slices == product.second.slices && same.grid == product.second.grid;
  });
}

Value LayoutPlan::slicedOperand(Value operand) const {
  auto trans = operand.getDefiningOp<tt::TransOp>();
  return trans && !isRecomputed(trans.getSrc()) ? trans.getSrc() : operand;
}

// ---- threadgroup memory ----

/// The block that is stored for a whole operand: for a transposed one, the source of the transposition.
static Value storedOperand(Value operand, const ProductPlan &product, const LayoutPlan &plan) {
  tt::TransOp trans = transpositionOf(operand);
  bool isTransposed = product.grid && trans && !plan.isRecomputed(trans.getSrc());
  return isTransposed ? trans.getSrc() : operand;
}

bool LayoutPlan::isCopiedWhereComputed(Value block) const {
  Operation *op = block.getDefiningOp();
  return op && (*this)[block].home == Home::Registers && !isRecomputed(block) &&
         !isa<scf::ForOp, scf::IfOp, scf::WhileOp, tt::ScanOp, tt::DotOp>(op);
}

int64_t LayoutPlan::leastThreadgroupBytes() const {
  // Copies that are made in front of a loop and read inside of it live as long as the loop runs.
  llvm::DenseMap<Operation *, llvm::SmallSetVector<Value, 4>> throughout;
  auto wholeOperands = [&](Operation *op, const ProductPlan &product) {
    llvm::SmallSetVector<Value, 4> values;
    if (product.slices == 1)
      for (Value operand : op->getOperands().take_front(2))
        values.insert(storedOperand(operand, product, *this));
    return values;
  };
  for (auto &[op, product] : products)
    for (Value value : wholeOperands(op, product))
      if (isCopiedWhereComputed(value))
        for (Operation *loop = op->getParentOp(); !loop->isAncestor(value.getParentBlock()->getParentOp());
             loop = loop->getParentOp())
          throughout[loop].insert(value);
  auto bytesOf = [](Value value, int64_t slices) {
    return threadgroupArrayBytes(numElements(shapeOf(value)) / slices, elementOf(value));
  };
  int64_t most = 0;
  for (auto &[op, product] : products) {
    llvm::SmallSetVector<Value, 4> values = wholeOperands(op, product);
    for (Operation *loop = op->getParentOp(); loop != function; loop = loop->getParentOp())
      if (auto around = throughout.find(loop); around != throughout.end())
        values.insert_range(around->second);
    int64_t bytes = 0;
    for (Value value : values)
      bytes += bytesOf(value, 1);
    if (product.slices > 1)
      for (Value operand : op->getOperands().take_front(2))
        bytes += bytesOf(operand, product.slices);
    most = std::max(most, bytes);
  }
  return most;
}

// ---- printing ----

static StringRef nameOf(LayoutPlan::Home home) {
  switch (home) {
  case LayoutPlan::Home::Recomputed:
    return "recomputed";
  case LayoutPlan::Home::View:
    return "view";
  case LayoutPlan::Home::Registers:
    return "registers";
  case LayoutPlan::Home::Fragments:
    return "fragments";
  }
  llvm_unreachable("no such home");
}

static StringRef nameOf(LayoutPlan::Reason reason) {
  switch (reason) {
  case LayoutPlan::Reason::RowMajor:
    return "row-major";
  case LayoutPlan::Reason::Operand:
    return "as its operand";
  case LayoutPlan::Reason::Origin:
    return "as it is passed on from";
  case LayoutPlan::Reason::Reshaped:
    return "reshaped from";
  case LayoutPlan::Reason::Slice:
    return "a slice of";
  case LayoutPlan::Reason::Scan:
    return "along the scan";
  }
  llvm_unreachable("no such reason");
}

static void print(llvm::raw_ostream &out, const LinearLayout &layout) {
  auto list = [&](StringRef name, ArrayRef<int64_t> bases) {
    out << name << " [";
    llvm::interleaveComma(bases, out);
    out << "]";
  };
  list("registers", layout.registers);
  list(", lanes", layout.lanes);
  list(", simdgroups", layout.simdgroups);
}

static void print(llvm::raw_ostream &out, FragmentGrid grid) {
  out << "fragments " << grid.rows << " by " << grid.columns;
}

void LayoutPlan::print(llvm::raw_ostream &out) const {
  tt::FuncOp kernel = function;
  AsmState names(kernel);
  auto printValue = [&](Value value) { value.printAsOperand(out, names); };
  out << "layout plan of @" << kernel.getSymName() << " for " << options.simdgroups << " SIMD groups\n";
  auto printBlock = [&](Value value) {
    const BlockPlan &entry = (*this)[value];
    out << "  ";
    printValue(value);
    out << " : " << value.getType() << ": ";
    if (entry.grid)
      tmetal::print(out, *entry.grid);
    else
      out << nameOf(entry.home);
    out << "; " << nameOf(entry.reason);
    if (entry.like) {
      out << " ";
      printValue(entry.like);
    }
    out << ": ";
    tmetal::print(out, entry.layout);
    out << "\n";
  };
  auto printWork = [&](Operation *op) {
    if (auto product = products.find(op); product != products.end()) {
      out << "  product: ";
      if (product->second.grid)
        tmetal::print(out, *product->second.grid);
      else
        out << "step by step";
      out << (product->second.accumulates ? ", accumulates" : "") << ", " << product->second.slices
          << (product->second.slices == 1 ? " slice" : " slices") << "\n";
    } else if (auto layout = work.find(op); layout != work.end() && op->getNumResults() == 0) {
      out << "  " << op->getName() << ": ";
      tmetal::print(out, layout->second);
      out << "\n";
    }
  };
  auto visit = [&](auto &self, Block &block) -> void {
    for (Value argument : block.getArguments())
      if (isBlock(argument))
        printBlock(argument);
    for (Operation &op : block) {
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          self(self, inner);
      printWork(&op);
      for (Value result : op.getResults())
        if (isBlock(result))
          printBlock(result);
    }
  };
  visit(visit, kernel.getBody().front());
}

} // namespace tmetal

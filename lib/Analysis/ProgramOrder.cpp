// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/ProgramOrder.h"
#include "triton-metal/Analysis/ValueFlow.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tmetal {

// ---- order ----

namespace {
struct Access {
  Operation *op;
  Value address;
  Roots roots;
  bool reads, writes, atomic;
  std::optional<tt::MemSemantic> order; // of an atomic
  SmallVector<Operation *> loops;       // around it

  bool releases() const {
    return writes && order &&
           (*order == tt::MemSemantic::RELEASE || *order == tt::MemSemantic::ACQUIRE_RELEASE);
  }
  /// A program whose atomic returns nothing that it looks at does not know what it has acquired.
  bool acquires() const {
    return reads && order &&
           (*order == tt::MemSemantic::ACQUIRE || *order == tt::MemSemantic::ACQUIRE_RELEASE) &&
           (isa<tt::AtomicPollOp>(op) || !op->use_empty());
  }
};
} // namespace

static std::optional<tt::MemSemantic> orderOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<tt::MemSemantic>>(op)
      .Case<tt::AtomicRMWOp, tt::AtomicCASOp, tt::AtomicLoadOp, tt::AtomicStoreOp, tt::AtomicPollOp>(
          [](auto atomic) { return atomic.getSem(); })
      .Default([](Operation *) { return std::nullopt; });
}

static SmallVector<Access> accessesOf(Operation *kernel, PointerRoots &roots) {
  SmallVector<Access> accesses;
  kernel->walk<WalkOrder::PreOrder>([&](DeviceAccessOpInterface op) {
    Access access{op,
                  op.getAddress(),
                  roots.of(op.getAddress()),
                  op.readsMemory(),
                  op.writesMemory(),
                  op.isAtomic(),
                  orderOf(op),
                  {}};
    for (Operation *parent = op->getParentOp(); parent != kernel; parent = parent->getParentOp())
      if (isa<scf::ForOp, scf::WhileOp>(parent))
        access.loops.push_back(parent);
    accesses.push_back(std::move(access));
  });
  return accesses;
}

/// Atomics that leave the same in any order and whose results nobody sees.
static bool commute(Operation *a, Operation *b) {
  auto left = dyn_cast<tt::AtomicRMWOp>(a), right = dyn_cast<tt::AtomicRMWOp>(b);
  return left && right && left.getAtomicRmwOp() == right.getAtomicRmwOp() &&
         left.getAtomicRmwOp() != tt::RMWOp::XCHG && left->use_empty() && right->use_empty();
}

/// Whether the address is computed from what an atomic sum was before: a place that the program has drawn for
/// itself, so that no other one stores there.
static bool isDrawn(Value value, llvm::DenseSet<Value> &seen) {
  if (!seen.insert(value).second)
    return true; // around a loop, which the other values decide
  if (auto rmw = value.getDefiningOp<tt::AtomicRMWOp>())
    return rmw.getAtomicRmwOp() == tt::RMWOp::ADD && !matchPattern(rmw.getVal(), m_Zero());
  SmallVector<Value> passedOn;
  if (appendPassedOn(value, passedOn))
    return llvm::all_of(passedOn, [&](Value source) { return isDrawn(source, seen); });
  Operation *op = value.getDefiningOp();
  if (!op || !isPure(op) || op->getNumRegions() > 0 || isa<arith::SelectOp>(op))
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return isDrawn(operand, seen); });
}
static bool isDrawn(Value address) {
  llvm::DenseSet<Value> seen;
  return isDrawn(address, seen);
}

ProgramOrder::ProgramOrder(Operation *kernel, const AliasGroups &groups) {
  PointerRoots roots(kernel);
  SmallVector<Access> accesses = accessesOf(kernel, roots);
  if (llvm::none_of(accesses, [](const Access &access) { return access.acquires(); }))
    return;
  auto mayPrecede = [&](const Access &a, const Access &b) {
    return &a < &b ||
           llvm::any_of(a.loops, [&](Operation *loop) { return llvm::is_contained(b.loops, loop); });
  };
  auto matters = [&](const Access &first, const Access &second) {
    if ((!first.writes && !second.writes) || !groups.mayOverlap(first.roots, second.roots) ||
        commute(first.op, second.op))
      return false;
    bool onlyStores = !first.reads && !second.reads;
    return !(onlyStores && isDrawn(first.address) && isDrawn(second.address));
  };
  for (const Access &release : accesses)
    for (const Access &acquire : accesses) {
      if (!release.releases() || !acquire.acquires() || !groups.mayOverlap(release.roots, acquire.roots))
        continue;
      // All threads agree on the order of what happens to one element by atomics, and on what a thread reads
      // of it before its own.
      auto isThatElement = [&](const Access &access, bool isFirst) {
        return (access.atomic || (isFirst && !access.writes)) && access.address == release.address &&
               access.address == acquire.address &&
               (access.loops.empty() ||
                Value(access.address).getParentBlock() == &kernel->getRegion(0).front());
      };
      for (const Access &first : accesses)
        for (const Access &second : accesses)
          if (mayPrecede(first, release) && mayPrecede(acquire, second) && matters(first, second) &&
              !(isThatElement(first, true) && isThatElement(second, false))) {
            // An atomic is not in front of itself, other than in an earlier trip.
            if ((first.op == release.op && first.loops.empty()) ||
                (second.op == acquire.op && second.loops.empty()))
              continue;
            releases.insert(release.op);
            acquires.insert(acquire.op);
            if (!found)
              found = Ordered{first.op, release.op, acquire.op, second.op};
          }
    }
}

// ---- waiting ----

namespace {
class LoopWaits {
public:
  LoopWaits(scf::WhileOp loop, PointerRoots &roots, const AliasGroups &groups)
      : loop(loop), roots(roots), groups(groups) {}

  std::optional<Wait> find(Value condition) {
    Operation *op = condition.getDefiningOp();
    // A loop that also ends for another reason waits for nobody in the end.
    if (isa_and_present<arith::AndIOp>(op)) {
      std::optional<Wait> left = find(op->getOperand(0));
      return left ? find(op->getOperand(1)) : std::nullopt;
    }
    if (isa_and_present<arith::OrIOp>(op)) {
      std::optional<Wait> left = find(op->getOperand(0));
      return left ? left : find(op->getOperand(1));
    }
    Operation *waitsFor = nullptr, *sameEachTime = nullptr;
    bool changes = false; // by the loop itself
    for (Value value : sliceInLoop(condition)) {
      if (!isInLoop(value))
        continue;
      if (auto access = dyn_cast_if_present<DeviceAccessOpInterface>(value.getDefiningOp())) {
        if (needsOthers(access))
          waitsFor = access;
        else if (!isAtomicOrVolatile(access) && isTheSameEachTime(access))
          sameEachTime = access;
        else
          changes = true;
      } else if (isa<BlockArgument>(value)) {
        changes |= !passesOn(value);
      }
    }
    if (waitsFor)
      return Wait{waitsFor, false};
    if (changes)
      return std::nullopt;
    if (!sameEachTime) // it may have been moved out of the loop
      for (Value value : backwardSlice(condition, [](Value value) {
             return !isa_and_present<DeviceAccessOpInterface>(value.getDefiningOp());
           }))
        if (value.getDefiningOp<tt::LoadOp>())
          sameEachTime = value.getDefiningOp();
    return sameEachTime ? std::optional<Wait>(Wait{sameEachTime, true}) : std::nullopt;
  }

private:
  bool isInLoop(Value value) const { return loop->isAncestor(value.getParentBlock()->getParentOp()); }

  llvm::SetVector<Value> sliceInLoop(Value root) const {
    return backwardSlice(root, [&](Value value) {
      return isInLoop(value) && !isa_and_present<DeviceAccessOpInterface>(value.getDefiningOp());
    });
  }

  /// Whether a variable of the loop only holds what was there before or what an access has read.
  bool passesOn(Value variable) const {
    SmallVector<Value> sources;
    return appendPassedOn(variable, sources) && llvm::all_of(sources, [&](Value source) {
             return !isInLoop(source) || isa<BlockArgument>(source) ||
                    isa<DeviceAccessOpInterface>(source.getDefiningOp());
           });
  }

  static bool isAtomicOrVolatile(DeviceAccessOpInterface access) {
    return access.isAtomic() || access.getIsVolatile();
  }

  bool isTheSameEachTime(DeviceAccessOpInterface load) {
    for (Value value : sliceInLoop(load.getAddress()))
      if (isInLoop(value) &&
          (isa<BlockArgument>(value) || isa_and_present<DeviceAccessOpInterface>(value.getDefiningOp())))
        return false;
    Roots read = roots.of(load.getAddress());
    WalkResult stores = loop->walk([&](DeviceAccessOpInterface other) {
      return other.writesMemory() && groups.mayOverlap(read, roots.of(other.getAddress()))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return !stores.wasInterrupted();
  }

  /// Whether a compare-and-swap expects what was there a moment ago, so that it fails only when another
  /// program has succeeded.
  bool expectsWhatWasThere(tt::AtomicCASOp swap) {
    Roots memory = roots.of(swap.getPtr());
    return llvm::any_of(sliceInLoop(swap.getCmp()), [&](Value value) {
      auto access = dyn_cast_if_present<DeviceAccessOpInterface>(value.getDefiningOp());
      return access && isInLoop(value) && groups.mayOverlap(memory, roots.of(access.getAddress()));
    });
  }

  /// Whether only other programs can make the access read something else.
  bool needsOthers(DeviceAccessOpInterface access) {
    if (auto swap = dyn_cast<tt::AtomicCASOp>(access.getOperation()))
      return !expectsWhatWasThere(swap);
    if (auto rmw = dyn_cast<tt::AtomicRMWOp>(access.getOperation()))
      return !(rmw.getAtomicRmwOp() == tt::RMWOp::FADD ||
               (rmw.getAtomicRmwOp() == tt::RMWOp::ADD && !matchPattern(rmw.getVal(), m_Zero())));
    if (!isAtomicOrVolatile(access))
      return false;
    // Read again for a compare-and-swap that expects it.
    WalkResult swaps = loop->walk([&](tt::AtomicCASOp swap) {
      return expectsWhatWasThere(swap) &&
                     groups.mayOverlap(roots.of(swap.getPtr()), roots.of(access.getAddress()))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    return !swaps.wasInterrupted();
  }

  scf::WhileOp loop;
  PointerRoots &roots;
  const AliasGroups &groups;
};
} // namespace

std::optional<Wait> findWait(Operation *kernel, const AliasGroups &groups) {
  PointerRoots roots(kernel);
  std::optional<Wait> wait;
  kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<tt::AtomicPollOp>(op))
      wait = Wait{op, false};
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      wait = LoopWaits(loop, roots, groups).find(loop.getConditionOp().getCondition());
    return wait ? WalkResult::interrupt() : WalkResult::advance();
  });
  return wait;
}

} // namespace tmetal

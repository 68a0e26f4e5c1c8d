// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

#include <set>
#include <tuple>

using namespace mlir;

namespace tmetal::tm {

#define GEN_PASS_DEF_PLACEBARRIERS
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h.inc"

namespace {

enum Kind { Read, Write, Atomic };

/// Memory that a statement touches: bytes of threadgroup memory, or what a parameter points to.
struct Access {
  bool shared;
  int64_t begin, end; // bytes; for device memory the parameter's number, -1 when it is not known
  Kind kind;
  bool operator<(const Access &other) const {
    return std::tie(shared, begin, end, kind) < std::tie(other.shared, other.begin, other.end, other.kind);
  }
};
using State = std::set<Access>; // since the last barrier that orders them

class Placer {
public:
  explicit Placer(KernelOp kernel) : kernel(kernel) {
    if (auto attribute = kernel->getAttrOfType<DenseI64ArrayAttr>("aliasGroups"))
      groups.assign(attribute.asArrayRef().begin(), attribute.asArrayRef().end());
    // Memory that nothing writes needs no order.
    kernel.walk([&](Operation *op) {
      for (const Access &access : accessesOf(op))
        if (!access.shared && access.kind != Read)
          written.insert(access.begin);
    });
  }

  /// One barrier at a time, until no pair of accesses is left without one.
  void run() {
    while (true) {
      conflict = nullptr;
      State state;
      visit(kernel.getBody().front(), state);
      if (!conflict)
        return;
      OpBuilder builder(conflict);
      BarrierOp::create(builder, conflict->getLoc(), MemoryFence(fence));
    }
  }

private:
  int64_t rootOf(Value pointer) {
    while (Operation *op = pointer.getDefiningOp()) {
      if (!isa<tt::AddPtrOp, tt::BitcastOp>(op))
        return -1;
      pointer = op->getOperand(0);
    }
    auto argument = cast<BlockArgument>(pointer);
    return argument.getOwner() == &kernel.getBody().front() ? int64_t(argument.getArgNumber()) : -1;
  }

  SmallVector<Access, 2> accessesOf(Operation *op) {
    SmallVector<Access, 2> result;
    auto device = [&](Value pointer, Kind kind) {
      int64_t root = rootOf(pointer);
      result.push_back({false, root, root + 1, kind});
    };
    auto shared = [&](Value array, Kind kind) {
      auto declaration = array.getDefiningOp<SharedOp>();
      SharedType type = declaration.getType();
      Type element = type.getElementType();
      int64_t width = isa<tt::PointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
      int64_t begin = declaration.getOffset().value_or(0);
      result.push_back({true, begin, begin + type.getNumElements() * width, kind});
    };
    if (auto load = dyn_cast<LoadOp>(op))
      device(load.getPtr(), Read);
    else if (auto store = dyn_cast<StoreOp>(op))
      device(store.getPtr(), Write);
    else if (auto rmw = dyn_cast<AtomicRMWOp>(op))
      device(rmw.getPtr(), Atomic);
    else if (auto cas = dyn_cast<AtomicCASOp>(op))
      device(cas.getPtr(), Atomic);
    else if (auto load = dyn_cast<AtomicLoadOp>(op))
      device(load.getPtr(), Atomic);
    else if (auto store = dyn_cast<AtomicStoreOp>(op))
      device(store.getPtr(), Atomic);
    else if (auto load = dyn_cast<SharedLoadOp>(op))
      shared(load.getArray(), Read);
    else if (auto store = dyn_cast<SharedStoreOp>(op))
      shared(store.getArray(), Write);
    else if (auto add = dyn_cast<SharedAtomicAddOp>(op))
      shared(add.getArray(), Atomic);
    else if (auto load = dyn_cast<FragmentsLoadOp>(op))
      shared(load.getArray(), Read);
    else if (auto store = dyn_cast<FragmentsStoreOp>(op))
      shared(store.getArray(), Write);
    else if (auto multiply = dyn_cast<MultiplyAccumulateOp>(op)) {
      shared(multiply.getA(), Read);
      shared(multiply.getB(), Read);
    }
    return result;
  }

  bool overlap(const Access &a, const Access &b) const {
    if (a.shared != b.shared)
      return false;
    if (a.shared)
      return a.begin < b.end && b.begin < a.end;
    if (a.begin < 0 || b.begin < 0 || a.begin == b.begin)
      return true;
    auto group = [&](int64_t parameter) {
      return size_t(parameter) < groups.size() ? groups[parameter] : -1;
    };
    return group(a.begin) >= 0 && group(a.begin) == group(b.begin);
  }
  bool isReadOnly(const Access &access) const {
    if (access.shared || access.kind != Read)
      return false;
    return llvm::none_of(written,
                         [&](int64_t root) { return overlap(access, {false, root, root + 1, Write}); });
  }

  /// A statement of uniform code as a whole: inside of it, threads do not wait for one another.
  void statement(Operation *op, State &state) {
    SmallVector<Access> accesses;
    op->walk([&](Operation *inner) {
      for (const Access &access : accessesOf(inner))
        if (!isReadOnly(access))
          accesses.push_back(access);
    });
    if (accesses.empty())
      return;
    if (!conflict) {
      uint32_t spaces = 0;
      for (const Access &access : accesses)
        for (const Access &before : state) {
          bool ordered = (access.kind == Read && before.kind == Read) ||
                         (access.kind == Atomic && before.kind == Atomic);
          if (!ordered && overlap(access, before))
            spaces |= access.shared ? uint32_t(MemoryFence::Threadgroup) : uint32_t(MemoryFence::Device);
        }
      if (spaces) {
        conflict = op;
        fence = spaces;
      }
    }
    state.insert(accesses.begin(), accesses.end());
  }

  void visit(Block &block, State &state) {
    for (Operation &op : block) {
      if (auto barrier = dyn_cast<BarrierOp>(op)) {
        uint32_t ordered = uint32_t(barrier.getFence());
        for (auto access = state.begin(); access != state.end();) {
          uint32_t space = uint32_t(access->shared ? MemoryFence::Threadgroup : MemoryFence::Device);
          access = ordered & space ? state.erase(access) : std::next(access);
        }
      } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
        around(state, [&](State &inner) { visit(*loop.getBody(), inner); });
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        State other = state;
        visit(*branch.thenBlock(), state);
        if (branch.elseBlock())
          visit(*branch.elseBlock(), other);
        state.insert(other.begin(), other.end());
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        State exit;
        around(state, [&](State &inner) {
          visit(*loop.getBeforeBody(), inner);
          exit = inner;
          visit(*loop.getAfterBody(), inner);
        });
        state = exit;
      } else {
        statement(&op, state);
      }
    }
  }

  /// The body on what reaches it from before the loop and from the trip before.
  void around(State &state, llvm::function_ref<void(State &)> body) {
    while (true) {
      State inner = state;
      body(inner);
      size_t before = state.size();
      state.insert(inner.begin(), inner.end());
      if (state.size() == before)
        return;
    }
  }

  KernelOp kernel;
  SmallVector<int64_t> groups;
  llvm::SmallSetVector<int64_t, 8> written;
  Operation *conflict = nullptr;
  uint32_t fence = 0;
};

struct PlaceBarriersPass : impl::PlaceBarriersBase<PlaceBarriersPass> {
  void runOnOperation() final {
    for (KernelOp kernel : getOperation().getOps<KernelOp>())
      Placer(kernel).run();
  }
};

} // namespace
} // namespace tmetal::tm

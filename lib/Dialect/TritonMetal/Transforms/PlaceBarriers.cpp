// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"
#include "triton-metal/Support/Types.h"

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

/// Memory that a statement accesses: bytes of threadgroup memory, or the memory behind a parameter.
struct Access {
  bool shared;
  int64_t begin, end; // bytes; for device memory the number of the parameter, or -1 if unknown
  AccessKind kind;
  bool operator<(const Access &other) const {
    return std::tie(shared, begin, end, kind) < std::tie(other.shared, other.begin, other.end, other.kind);
  }
};
using State = std::set<Access>; // since the last barrier that orders them

class Placer {
public:
  explicit Placer(KernelOp kernel) : kernel(kernel), roots(kernel) {
    if (auto attribute = kernel->getAttrOfType<DenseI64ArrayAttr>("aliasGroups"))
      groups = AliasGroups(attribute.asArrayRef());
    // Memory that is never written needs no order.
    kernel.walk([&](Operation *op) {
      for (const Access &access : accessesOf(op))
        if (!access.shared && access.kind != AccessKind::Read)
          written.insert(access.begin);
    });
  }

  /// Adds one barrier at a time, until every pair of conflicting accesses has one in between.
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
  SmallVector<Access, 2> accessesOf(Operation *op) {
    SmallVector<Access, 2> result;
    if (auto access = dyn_cast<DeviceAccessOpInterface>(op)) {
      Roots places = roots.of(access.getAddress());
      if (places.isUnknown || places.parameters.empty())
        result.push_back({false, -1, 0, access.getKind()});
      else
        for (int64_t parameter : places.parameters)
          result.push_back({false, parameter, parameter + 1, access.getKind()});
    }
    if (auto access = dyn_cast<ThreadgroupAccessOpInterface>(op))
      for (ArrayAccess part : access.getArrayAccesses()) {
        auto declaration = part.array.getDefiningOp<SharedOp>();
        SharedType type = declaration.getType();
        int64_t begin = declaration.getOffset().value_or(0);
        int64_t bytes = type.getNumElements() * byteWidth(type.getElementType());
        result.push_back({true, begin, begin + bytes, part.kind});
      }
    return result;
  }

  bool overlap(const Access &a, const Access &b) const {
    if (a.shared != b.shared)
      return false;
    if (a.shared)
      return a.begin < b.end && b.begin < a.end;
    return a.begin < 0 || b.begin < 0 || groups.mayOverlap(unsigned(a.begin), unsigned(b.begin));
  }
  bool isReadOnly(const Access &access) const {
    if (access.shared || access.kind != AccessKind::Read)
      return false;
    return llvm::none_of(
        written, [&](int64_t root) { return overlap(access, {false, root, root + 1, AccessKind::Write}); });
  }

  /// Treats a statement of uniform code as a whole, because threads do not wait for each other inside of it.
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
          bool commute = access.kind == before.kind && access.kind != AccessKind::Write;
          if (!commute && overlap(access, before))
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

  /// Runs the body on the accesses that reach it, both from before the loop and from the previous trip.
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
  PointerRoots roots;
  AliasGroups groups;
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

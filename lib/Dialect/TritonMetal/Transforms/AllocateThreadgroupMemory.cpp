// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"
#include "triton-metal/Support/Types.h"

using namespace mlir;

namespace tmetal::tm {

#define GEN_PASS_DEF_ALLOCATETHREADGROUPMEMORY
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h.inc"

namespace {

struct Array {
  SharedOp op;
  int64_t bytes, begin, end; // lifetime, in positions of the program
  int64_t offset = 0;
};

int64_t bytesOf(SharedType type) {
  return threadgroupArrayBytes(type.getNumElements(), type.getElementType());
}

struct AllocateThreadgroupMemoryPass : impl::AllocateThreadgroupMemoryBase<AllocateThreadgroupMemoryPass> {
  using AllocateThreadgroupMemoryBase::AllocateThreadgroupMemoryBase;

  void runOnOperation() final {
    for (KernelOp kernel : getOperation().getOps<KernelOp>())
      allocate(kernel);
  }

  void allocate(KernelOp kernel) {
    // The positions that each operation covers, including those of the operations inside of it.
    llvm::DenseMap<Operation *, std::pair<int64_t, int64_t>> position;
    int64_t next = 0;
    auto number = [&](auto &self, Operation *op) -> void {
      int64_t begin = next++;
      for (Region &region : op->getRegions())
        for (Operation &inner : region.getOps())
          self(self, &inner);
      position[op] = {begin, next};
    };
    number(number, kernel);

    std::vector<Array> arrays;
    kernel.walk([&](SharedOp op) {
      Array array{op, bytesOf(op.getType()), position[op].first, position[op].second};
      for (Operation *user : op->getUsers())
        array.end = std::max(array.end, position[op->getBlock()->findAncestorOpInBlock(*user)].second);
      arrays.push_back(array);
    });
    // Places large arrays first, each at the lowest address that is free during its whole lifetime.
    llvm::stable_sort(arrays, [](const Array &a, const Array &b) { return a.bytes > b.bytes; });
    int64_t total = 0;
    for (size_t i = 0; i < arrays.size(); ++i) {
      std::vector<const Array *> around;
      for (size_t j = 0; j < i; ++j)
        if (arrays[j].begin < arrays[i].end && arrays[i].begin < arrays[j].end)
          around.push_back(&arrays[j]);
      llvm::sort(around, [](const Array *a, const Array *b) { return a->offset < b->offset; });
      for (const Array *other : around)
        if (arrays[i].offset + arrays[i].bytes > other->offset)
          arrays[i].offset = std::max(arrays[i].offset, other->offset + other->bytes);
      arrays[i].op.setOffset(arrays[i].offset);
      total = std::max(total, arrays[i].offset + arrays[i].bytes);
    }
    kernel.setThreadgroupBytes(total);
    if (total > limit) {
      kernel.emitError() << "OutOfResources: threadgroup memory: " << total << " bytes needed, "
                         << int64_t(limit) << " available";
      signalPassFailure();
    }
  }
};

} // namespace
} // namespace tmetal::tm

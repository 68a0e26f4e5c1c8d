// SPDX-License-Identifier: MIT
// Distributes the operations of a kernel over the threads of a threadgroup.
//
// Scalars become scalars of uniform code. Blocks are pulled, not pushed: a region that needs a block requests
// the element that a thread works on (Pull.h), and the request passes through views as a linear map of bits.
// Where it ends, the element is computed on the spot (ranges, splats and cheap arithmetic on them), or read:
// from the current region, from a tile if the thread holds the element, or else from threadgroup memory
// (Materialize.h). Each operation has a rule (Rules.h).
#pragma once

#include "BlockStore.h"
#include "DeviceMemory.h"
#include "RegionBuilder.h"

#include "triton-metal/Analysis/LayoutPlan.h"
#include "triton-metal/Analysis/ProgramOrder.h"

#include "mlir/IR/IRMapping.h"

namespace tmetal {

/// The state that the rules share while one kernel is distributed.
struct Distribution {
  using Builder = RegionBuilder::Builder;

  const LayoutPlan &plan;
  const DeviceMemory &memory;
  const ProgramOrder &order;
  RegionBuilder code;
  BlockStore blocks;
  mlir::IRMapping scalars; // from the `tt` kernel to uniform code

  mlir::Value scalar(mlir::Value value) const { return scalars.lookupOrDefault(value); }
  mlir::MLIRContext *getContext() const { return code.getContext(); }
};

/// Writes the operations of a block by their rules, without its terminator.
void lowerBlock(Distribution &d, mlir::Block &block);

/// Writes the kernel of `function` at the insertion point of `builder`. Throws Error.
tm::KernelOp distribute(tt::FuncOp function, const LayoutPlan &plan, llvm::ArrayRef<int> aliasGroups,
                        mlir::OpBuilder &builder);

[[noreturn]] void refuse(mlir::Operation *op, const std::string &reason);

} // namespace tmetal

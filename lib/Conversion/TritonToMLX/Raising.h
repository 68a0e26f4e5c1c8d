// SPDX-License-Identifier: MIT
// Raises one launch by abstract interpretation of the kernel for all programs at once.
#pragma once

#include "Emitter.h"
#include "Memory.h"
#include "ProgramBox.h"
#include "Values.h"

#include "triton-metal/Conversion/TritonToMLX.h"

namespace tmetal::raising {

/// The state that all rules work on.
struct Raising {
  Raising(mlir::MLIRContext *context, const LaunchSignature &signature, const ProgramBox &box, bool onGpu)
      : signature(signature), box(box), emitter(context), values(emitter, box.extents),
        memory(emitter, values, onGpu) {}

  const LaunchSignature &signature;
  const ProgramBox &box;
  Emitter emitter;
  Values values;
  Memory memory;
};

/// Raises the operations of a block in order, without its terminator.
void raiseBlock(Raising &r, mlir::Block &block);
void raiseOperation(Raising &r, mlir::Operation *op);

/// The graph of all programs of the box.
RaisedGraph raisePrograms(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box,
                          bool onGpu);

} // namespace tmetal::raising

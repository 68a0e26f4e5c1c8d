// SPDX-License-Identifier: MIT
// Passes on the `tt` dialect that every engine shares.
#ifndef TRITON_METAL_TRITON_PASSES
#define TRITON_METAL_TRITON_PASSES

include "mlir/Pass/PassBase.td"

def LiftControlFlow : Pass<"tt-lift-control-flow", "::mlir::ModuleOp"> {
  let summary = "branches between blocks become structured control flow";
  let description = [{
    An early return in a function reaches us as `cf.br` and `cf.cond_br`. After this pass each function and each
    region of `tt.map_elementwise` is one block with `scf.if` and, where the blocks form a loop, `scf.while`.
    Several-way choices that arise become chains of `scf.if`, never `scf.index_switch`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect"];
}

def InlineCalls : Pass<"tt-inline-calls", "::mlir::ModuleOp"> {
  let summary = "every call becomes the body of its function";
  let description = [{
    Inlines calls, those of functions marked `noinline` too, since no engine has a stack, and drops the private
    functions that are left over. Recursion and calls of functions without a body are errors at the call.
    Functions must be structured (`tt-lift-control-flow`), because a loop body cannot hold more than one block.
  }];
}

def CountUnsignedLoops : Pass<"tt-count-unsigned-loops", "::mlir::ModuleOp"> {
  let summary = "loops with unsigned bounds become loops over a counter of trips";
  let description = [{
    Triton's front end compares bounds as signed numbers, whatever their type; `scf.for unsigned` comes from text that
    was written or rewritten by hand. No engine need know it after this pass. The counter is an i64.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def LowerDescriptors : Pass<"tt-lower-descriptors", "::mlir::ModuleOp"> {
  let summary = "tensor descriptors become pointers, bounds and masks";
  let description = [{
    A descriptor is replaced by its parts: base pointer, sizes (i64), strides (i64), whether it pads with NaN (i1), and
    whether loads of f32 round to the TF32 format (i1). A descriptor argument of a kernel becomes these arguments in
    this order, which is how Triton's launch protocol takes descriptors apart; the arguments that follow stay as
    they are. Loads, stores, gathers, scatters and reductions become `tt.load`, `tt.store` and `tt.atomic_rmw` with
    a mask that holds inside of the tensor; lanes outside yield the padding.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tt::TritonDialect"];
}

def SimplifyInduction : Pass<"tt-simplify-induction", "::mlir::ModuleOp"> {
  let summary = "blocks that a loop moves by a fixed step become functions of a counter";
  let description = [{
    A block of integers or pointers that a loop carries, and that each trip moves by the same step, becomes the first
    one plus the step times a scalar counter of trips. Integers wrap alike in both forms; offsets of pointers are
    widened to 64 bits before they are multiplied, as the additions would have done.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tt::TritonDialect"];
}

def FuseMultiplyAdd : Pass<"tt-fuse-multiply-add", "::mlir::ModuleOp"> {
  let summary = "a product and the sum that alone reads it become one operation, rounded once";
  let description = [{
    `a * b + c`, `a * b - c` and `c - a * b` of f16, f32 and f64 become `math.fma`, where the product is in the block
    of the sum. Of two products the left one is taken. This is what `enable_fp_fusion` permits; the text's compiler
    is told to contract nothing by itself, so that every device rounds alike.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def CheckKernel : Pass<"tt-check-kernel", "::mlir::ModuleOp"> {
  let summary = "the module is what the engines take";
  let description = [{
    Exactly one function, public, of a single block and without results; no calls, branches or descriptors. Anything
    else is an error that names the operation.
  }];
}

#endif

// SPDX-License-Identifier: MIT
// Passes on the `tt` dialect that every engine shares.
#ifndef TRITON_METAL_TRITON_PASSES
#define TRITON_METAL_TRITON_PASSES

include "mlir/Pass/PassBase.td"

def LiftControlFlow : Pass<"tt-lift-control-flow", "::mlir::ModuleOp"> {
  let summary = "turns branches between blocks into structured control flow";
  let description = [{
    An early return in a function reaches us as `cf.br` and `cf.cond_br`. After this pass each function and each
    region of `tt.map_elementwise` is one block with `scf.if` and, where the blocks form a loop, `scf.while`.
    Choices with more than two ways become chains of `scf.if`, never `scf.index_switch`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect"];
}

def InlineCalls : Pass<"tt-inline-calls", "::mlir::ModuleOp"> {
  let summary = "replaces every call by the body of its function";
  let description = [{
    Inlines all calls, even of functions marked `noinline`, because no engine has a stack, and then drops the private
    functions. Recursion and calls of functions without a body are errors at the call. Functions must be structured
    (`tt-lift-control-flow`), because a loop body cannot hold more than one block.
  }];
}

def WidenStorageArithmetic : Pass<"tt-widen-storage-arithmetic", "::mlir::ModuleOp"> {
  let summary = "computes arithmetic on 8-bit floats in float32";
  let description = [{
    Operands of a storage type are converted to f32 and results back, to nearest even. Finite results beyond the range
    become the largest finite number, as in conversions; infinities stay infinities where the format has them. Minima,
    maxima, absolute values, negations, comparisons and remainders are exact. A reduction or scan whose combiner computes
    carries f32 and rounds its results once. The registry of operations says which operations this concerns.

    Runs before anything folds constants: folders compute in the format itself, where overflow gives infinity or NaN.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tmetal::tt::TritonDialect"];
}

def CountUnsignedLoops : Pass<"tt-count-unsigned-loops", "::mlir::ModuleOp"> {
  let summary = "turns loops with unsigned bounds into loops over a trip counter";
  let description = [{
    Triton's front end compares bounds as signed numbers, whatever their type; `scf.for unsigned` only occurs in text
    that was written or rewritten by hand. After this pass, engines need not handle it. The counter is an i64.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def LowerDescriptors : Pass<"tt-lower-descriptors", "::mlir::ModuleOp"> {
  let summary = "turns tensor descriptors into pointers, bounds and masks";
  let description = [{
    A descriptor is replaced by its parts: base pointer, sizes (i64), strides (i64), whether it pads with NaN (i1), and
    whether loads of f32 round to the TF32 format (i1). A descriptor argument of a kernel becomes these arguments in
    this order, as in Triton's launch protocol; the arguments that follow do not change. Loads, stores, gathers,
    scatters and reductions become `tt.load`, `tt.store` and `tt.atomic_rmw` with a mask that holds inside of the
    tensor; lanes outside of it load the padding.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tt::TritonDialect"];
}

def LowerScaledDots : Pass<"tt-lower-scaled-dots", "::mlir::ModuleOp"> {
  let summary = "turns products of operands in microscaling formats into plain matrix products";
  let description = [{
    The operands of `tt.dot_scaled` are unpacked, converted and multiplied by their scales, all of it exactly unless a
    number leaves the range of f32. Scaled operands become f32; others become f16 or bf16 if that holds the values of
    both. A scale of e8m0 with all bits set is NaN, with or without `fastMath`. A type that cannot be lowered exactly
    is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tmetal::tt::TritonDialect"];
}

def SimplifyInduction : Pass<"tt-simplify-induction", "::mlir::ModuleOp"> {
  let summary = "turns blocks that a loop moves by a fixed step into functions of a counter";
  let description = [{
    A loop-carried block of integers or pointers that each trip moves by the same step becomes its first value plus the
    step times a scalar trip counter. Integers wrap alike in both forms. Offsets of pointers are widened to 64 bits
    before the multiplication, because the additions do so too.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tt::TritonDialect"];
}

def FuseMultiplyAdd : Pass<"tt-fuse-multiply-add", "::mlir::ModuleOp"> {
  let summary = "turns a product and its only use, a sum, into one operation that rounds once";
  let description = [{
    `a * b + c`, `a * b - c` and `c - a * b` of f16, f32 and f64 become `math.fma` if the product is in the same block
    as the sum. Of two products, the left one is taken. `enable_fp_fusion` permits this; the compiler of the Metal text
    is told not to contract by itself, so that all devices round in the same places.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def CheckKernel : Pass<"tt-check-kernel", "::mlir::ModuleOp"> {
  let summary = "checks that the module has the form that the engines take";
  let description = [{
    This is exactly one function, public, with a single block and without results; no calls, branches or descriptors.
    Anything else is an error that names the operation.
  }];
}

#endif

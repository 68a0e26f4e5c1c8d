// SPDX-License-Identifier: MIT
// Passes from one dialect to another.
#ifndef TRITON_METAL_CONVERSION_PASSES
#define TRITON_METAL_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def Distribute : Pass<"tt-distribute", "::mlir::ModuleOp"> {
  let summary = "distribute the blocks of a kernel over the threads of a threadgroup";
  let description = [{
    Replaces the only `tt.func` of the module by a `tm.kernel`, operation by operation with the rules of the
    registry. Blocks become registers of threads according to linear layouts. Data that crosses threads goes
    through shuffles, fragments and threadgroup memory. An operation that has no rule or that Metal cannot run
    correctly is an error, which names the source line, the operation and the reason.
  }];
  let options = [
    Option<"simdgroups", "simdgroups", "int", "4", "SIMD groups of a threadgroup">,
    Option<"operandBytes", "operand-bytes", "int64_t", "32768",
           "threadgroup memory for the operands of a matrix product; larger ones pass in slices">,
    ListOption<"aliasGroups", "alias-groups", "int",
               "for each pointer parameter: those of one group (0 or more) may overlap">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tm::TMDialect",
                           "::tmetal::tt::TritonDialect"];
}

def PrintLayoutPlan : Pass<"tt-print-layout-plan", "::mlir::ModuleOp"> {
  let summary = "print which layout each block of a kernel would get, and why";
  let description = [{
    Prints to stdout the plan that `tt-distribute` follows. For each block: where its elements are
    (recomputed, a view, registers, fragments), what determined the layout, and the layout. For each
    product: its fragments and slices. For operations without results: the layout in which they
    work. The module is not changed.
  }];
  let options = [
    Option<"simdgroups", "simdgroups", "int", "4", "SIMD groups of a threadgroup">,
    Option<"operandBytes", "operand-bytes", "int64_t", "32768",
           "threadgroup memory for the operands of a matrix product">,
  ];
}

def RaiseToMLX : Pass<"raise-to-mlx", "::mlir::ModuleOp"> {
  let summary = "turn a kernel launch into a graph of MLX operations";
  let description = [{
    Replaces the contents of the module by a function of `mlx` operations that does what the kernel does for
    all programs of the grid, or by several if the memory budget cuts the grid into slabs. Each argument is
    `ptr:BYTES` (a storage of its own), `same:I:OFFSET` (into the storage of argument I), `int:VALUE`, or
    `dynamic`. An operation that cannot be shown to have the same meaning in MLX is an error, which names the
    source line, the operation and the reason.
  }];
  let options = [
    ListOption<"grid", "grid", "int64_t", "programs along x, y, z">,
    ListOption<"args", "args", "std::string", "ptr:BYTES, same:I:OFFSET, int:VALUE or dynamic">,
    Option<"budget", "budget", "int64_t", "int64_t(1) << 29", "bytes alive at once before the grid is cut">,
    Option<"gpu", "gpu", "bool", "false", "refuse what MLX cannot do on a GPU">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::tmetal::mlxir::MLXDialect"];
}

#endif

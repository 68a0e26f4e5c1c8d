// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_TRITON_DIALECT
#define TRITON_METAL_TRITON_DIALECT

include "mlir/IR/OpBase.td"

def Triton_Dialect : Dialect {
  let name = "tt";
  let cppNamespace = "::tmetal::tt";
  let summary = "Block programs as Triton's front end writes them";
  let description = [{
    The operations, types and attributes of Triton 3.9 that may occur in TTIR. The assembly is the one that
    Triton prints and reads; arithmetic, math and structured control flow come from the `arith`, `math`, `scf`
    and `cf` dialects. Every tensor has a static shape with a power of two of elements, and no layout.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::ub::UBDialect"
  ];
  let hasConstantMaterializer = 1;
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif

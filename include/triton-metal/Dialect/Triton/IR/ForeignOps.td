// SPDX-License-Identifier: MIT
// The few operations of Triton's GPU and LLVM dialects that may occur in TTIR before a target is chosen. Any
// other operation with these prefixes is unknown.
#ifndef TRITON_METAL_FOREIGN_OPS
#define TRITON_METAL_FOREIGN_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LLVM_Dialect : Dialect {
  let name = "llvm";
  let cppNamespace = "::tmetal::llvmir";
  let summary = "The operations of MLIR's `llvm` dialect that TTIR uses";
  let useDefaultAttributePrinterParser = 1;
}

def LLVM_AssumeOp : Op<LLVM_Dialect, "intr.assume", [MemoryEffects<[MemWrite]>]> {
  let summary = "a condition that the author guarantees";
  let arguments = (ins I1:$cond);
  let assemblyFormat = "$cond attr-dict `:` type($cond)";
}

def LLVM_LoopLICMAttr : AttrDef<LLVM_Dialect, "LoopLICM"> {
  let mnemonic = "loop_licm";
  let summary = "whether invariant code may leave a loop";
  let parameters = (ins OptionalParameter<"::mlir::BoolAttr">:$disable,
                        OptionalParameter<"::mlir::BoolAttr">:$versioningDisable);
  let assemblyFormat = "`<` struct(params) `>`";
}

def LLVM_LoopAnnotationAttr : AttrDef<LLVM_Dialect, "LoopAnnotation"> {
  let mnemonic = "loop_annotation";
  let summary = "hints of the author for a loop";
  let parameters = (ins OptionalParameter<"::tmetal::llvmir::LoopLICMAttr">:$licm);
  let assemblyFormat = "`<` struct(params) `>`";
}

def TTG_Dialect : Dialect {
  let name = "ttg";
  let cppNamespace = "::tmetal::ttg";
  let summary = "The operations of Triton's GPU dialect that TTIR uses";
}

def TTG_BarrierOp : Op<TTG_Dialect, "barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until all threads of a program have arrived";
  let description = [{
    Orders the program's accesses to the given memory: `local` (shared by its threads), `global_read`,
    `global_write`, several of these joined by `|`, `all`, or `none`.
  }];
  let arguments = (ins I32Attr:$addrSpace);
  let hasCustomAssemblyFormat = 1;
}

#endif

// SPDX-License-Identifier: MIT
// Loads, stores, atomics and tensor descriptors.
#ifndef TRITON_METAL_TRITON_MEMORY_OPS
#define TRITON_METAL_TRITON_MEMORY_OPS

include "triton-metal/Dialect/Triton/IR/MemoryAccessInterfaces.td"
include "triton-metal/Dialect/Triton/IR/TritonOpBase.td"

// ---- pointers ----

def TT_LoadOp : TT_Op<"load", [AttrSizedOperandSegments, TM_ReadsDevice,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    TT_ValueOf<"ptr", "result">, TT_MaskOf<"ptr", 1>,
    TypesMatchWith<"'other' has the pointee type and shape of 'ptr'", "ptr", "other", "pointeeTypeFor($_self)",
                   "($_op.getNumOperands() <= 2) || std::equal_to<>()">]> {
  let summary = "read of memory";
  let description = [{
    Elements that are masked off are not read; they yield `other`, or an arbitrary value without it. A
    volatile load is never merged, moved or dropped.
  }];
  let arguments = (ins TT_PtrLike:$ptr, Optional<TT_BoolLike>:$mask, Optional<TT_Type>:$other,
                       OptionalAttr<TT_CachePolicyAttr>:$cachePolicy,
                       DefaultValuedAttr<BoolAttr, "false">:$isVolatile);
  let results = (outs TT_Type:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Value":$ptr, CArg<"::mlir::Value", "{}">:$mask, CArg<"::mlir::Value", "{}">:$other,
                   CArg<"::tmetal::tt::CachePolicyAttr", "{}">:$cachePolicy, CArg<"bool", "false">:$isVolatile)>
  ];
  let assemblyFormat = "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($ptr)";
  let hasCanonicalizeMethod = 1;
}

def TT_StoreOp : TT_Op<"store", [TM_WritesDevice, MemoryEffects<[MemWrite]>, TT_ValueOf<"ptr", "value">,
    TT_MaskOf<"ptr", 2>]> {
  let summary = "write to memory";
  let description = [{
    Elements that are masked off are not written.
  }];
  let arguments = (ins TT_PtrLike:$ptr, TT_Type:$value, Optional<TT_BoolLike>:$mask,
                       OptionalAttr<TT_CachePolicyAttr>:$cachePolicy, UnitAttr:$ignore_cta);
  let builders = [
    OpBuilder<(ins "::mlir::Value":$ptr, "::mlir::Value":$value, CArg<"::mlir::Value", "{}">:$mask), [{
      build($_builder, $_state, ptr, value, mask, /*cachePolicy=*/CachePolicyAttr());
    }]>
  ];
  let assemblyFormat = "$ptr `,` $value (`,` $mask^)? attr-dict `:` type($ptr)";
  let hasCanonicalizeMethod = 1;
}

// ---- atomics ----

def TT_AtomicLoadOp : TT_Op<"atomic_load", [TM_ReadsDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>,
    TT_ValueOf<"ptr", "result">, TT_MaskOf<"ptr", 1>]> {
  let summary = "atomic read of memory";
  let arguments = (ins TT_PtrLike:$ptr, Optional<TT_BoolLike>:$mask, TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs TT_Type:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr (`,` $mask^)? attr-dict `:` functional-type(operands, $result)
  }];
}

def TT_AtomicStoreOp : TT_Op<"atomic_store", [TM_WritesDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>,
    TT_ValueOf<"ptr", "value">, TT_MaskOf<"ptr", 2>]> {
  let summary = "atomic write to memory";
  let arguments = (ins TT_PtrLike:$ptr, TT_Type:$value, Optional<TT_BoolLike>:$mask, TT_MemSemantic:$sem,
                       TT_MemSyncScope:$scope);
  let assemblyFormat = "$sem `,` $scope `,` $ptr `,` $value (`,` $mask^)? attr-dict `:` type($ptr)";
}

def TT_AtomicPollOp : TT_Op<"atomic_poll", [TM_ReadsDeviceAtomically, InferTypeOpAdaptor,
                                     MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until memory has a given value";
  let description = [{
    Reads until the element equals `expected`, and returns true. With a timeout in nanoseconds, returns false
    if the element has not reached its value in time.
  }];
  let arguments = (ins TT_PtrLike:$ptr, TT_IntLike:$expected, Optional<I64>:$timeout, TT_MemSemantic:$sem,
                       TT_MemSyncScope:$scope);
  let results = (outs TT_BoolLike:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr `,` $expected (`timeout` $timeout^)? attr-dict `:`
    type($ptr) `,` type($expected) `->` type($result)
  }];
  let hasVerifier = 1;
}

def TT_AtomicRMWOp : TT_Op<"atomic_rmw", [TM_UpdatesDeviceAtomically, SameOperandsAndResultShape,
    MemoryEffects<[MemRead, MemWrite]>,
    TT_ValueOf<"ptr", "val">, TT_ValueOf<"ptr", "result">, TT_MaskOf<"ptr", 2>]> {
  let summary = "atomic update of memory that yields the old value";
  let arguments = (ins TT_RMWOp:$atomic_rmw_op, TT_PtrLike:$ptr, TT_Type:$val, Optional<TT_BoolLike>:$mask,
                       TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs TT_Type:$result);
  let assemblyFormat = [{
    $atomic_rmw_op `,` $sem `,` $scope `,` $ptr `,` $val (`,` $mask^)? attr-dict `:`
    functional-type(operands, $result)
  }];
  let hasVerifier = 1;
}

def TT_AtomicCASOp : TT_Op<"atomic_cas", [TM_UpdatesDeviceAtomically, SameOperandsAndResultShape,
    MemoryEffects<[MemRead, MemWrite]>,
    TT_ValueOf<"ptr", "cmp">, TT_ValueOf<"ptr", "val">, TT_ValueOf<"ptr", "result">]> {
  let summary = "atomic compare and swap that yields the old value";
  let arguments = (ins TT_PtrLike:$ptr, TT_Type:$cmp, TT_Type:$val, TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs TT_Type:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr `,` $cmp `,` $val attr-dict `:` functional-type(operands, $result)
  }];
}

// ---- descriptors ----

def TT_MakeTensorDescOp : TT_Op<"make_tensor_descriptor", [Pure, SameVariadicOperandSize]> {
  let summary = "descriptor of a strided tensor in memory";
  let description = [{
    The tensor begins at `base` and has the given sizes and strides, in elements. Reads outside of it give zeros, or
    NaN with `PAD_NAN`; writes outside of it are dropped.
  }];
  let arguments = (ins TT_PointerType:$base, Variadic<I32>:$shape, Variadic<I64>:$strides,
                       DefaultValuedAttr<TT_PaddingOption, "::tmetal::tt::PaddingOption::PAD_ZERO">:$padding);
  let results = (outs TT_TensorDescType:$result);
  let assemblyFormat = [{
    $base `,` `[` $shape `]` `,` `[` $strides `]` attr-dict `:` type($base) `,` type($result)
  }];
  let hasVerifier = 1;
}

// An access through a descriptor, which determines the addresses and which elements are inside.
class TT_DescriptorAccess<string mnemonic, list<Trait> traits> : TT_Op<mnemonic, traits> {
  let extraClassDeclaration = "::mlir::Value getAddress() { return getDesc(); }";
  let hasVerifier = 1;
}

def TT_DescriptorLoadOp : TT_DescriptorAccess<"descriptor_load", [TM_ReadsDevice, MemoryEffects<[MemRead]>]> {
  let summary = "block read through a descriptor";
  let arguments = (ins TT_TensorDescType:$desc, Variadic<I32>:$indices,
                       OptionalAttr<TT_CachePolicyAttr>:$cachePolicy);
  let results = (outs TT_FpIntTensor:$result);
  let assemblyFormat = "$desc `[` $indices `]` attr-dict `:` qualified(type($desc)) `->` type($result)";
}

def TT_DescriptorStoreOp : TT_DescriptorAccess<"descriptor_store", [TM_WritesDevice, MemoryEffects<[MemWrite]>]> {
  let summary = "block written through a descriptor";
  let arguments = (ins TT_TensorDescType:$desc, TT_FpIntTensor:$src, Variadic<I32>:$indices);
  let assemblyFormat = "$desc `[` $indices `]` `,` $src attr-dict `:` qualified(type($desc)) `,` type($src)";
}

def TT_DescriptorReduceOp : TT_DescriptorAccess<"descriptor_reduce", [TM_UpdatesDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "block combined atomically with memory through a descriptor";
  let arguments = (ins TT_DescriptorReduceKind:$kind, TT_TensorDescType:$desc, TT_FpIntTensor:$src,
                       Variadic<I32>:$indices);
  let assemblyFormat = [{
    $kind `,` $desc `[` $indices `]` `,` $src attr-dict `:` qualified(type($desc)) `,` type($src)
  }];
}

def TT_DescriptorGatherOp : TT_DescriptorAccess<"descriptor_gather", [TM_ReadsDevice, MemoryEffects<[MemRead]>]> {
  let summary = "rows read through a descriptor";
  let description = [{
    The descriptor has blocks of one row. Row `i` of the result is row `x_offsets[i]` of the tensor, from column
    `y_offset` on.
  }];
  let arguments = (ins TT_TensorDescType:$desc, RankedTensorOf<[I32]>:$x_offsets, I32:$y_offset);
  let results = (outs TT_FpIntTensor:$result);
  let assemblyFormat = [{
    $desc `[` $x_offsets `,` $y_offset `]` attr-dict `:` functional-type(operands, results)
  }];
}

def TT_DescriptorScatterOp : TT_DescriptorAccess<"descriptor_scatter", [TM_WritesDevice, MemoryEffects<[MemWrite]>]> {
  let summary = "rows written through a descriptor";
  let arguments = (ins TT_TensorDescType:$desc, RankedTensorOf<[I32]>:$x_offsets, I32:$y_offset,
                       TT_FpIntTensor:$src);
  let assemblyFormat = "$desc `[` $x_offsets `,` $y_offset `]` `,` $src attr-dict `:` type(operands)";
}

#endif

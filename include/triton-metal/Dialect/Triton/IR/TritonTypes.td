// SPDX-License-Identifier: MIT
// Types of the `tt` dialect and the constraints that its operations use.
#ifndef TRITON_METAL_TRITON_TYPES
#define TRITON_METAL_TRITON_TYPES

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "triton-metal/Dialect/Triton/IR/TritonAttrs.td"

def TT_PointerType : TypeDef<Triton_Dialect, "Pointer"> {
  let mnemonic = "ptr";
  let summary = "address of an element in memory";
  let description = [{
    `!tt.ptr<f32>` points into global memory, `!tt.ptr<f32, "constant">` into memory that the kernel only
    reads. The pointee type is an integer or a float. A block of addresses is a tensor of pointers.
  }];
  let parameters = (ins "::mlir::Type":$pointeeType, "::tmetal::tt::AddressSpace":$addressSpace);
  let builders = [
    TypeBuilderWithInferredContext<(ins "::mlir::Type":$pointeeType,
      CArg<"::tmetal::tt::AddressSpace", "::tmetal::tt::AddressSpace::Global">:$addressSpace), [{
      return $_get(pointeeType.getContext(), pointeeType, addressSpace);
    }]>
  ];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def TT_TensorDescType : TypeDef<Triton_Dialect, "TensorDesc"> {
  let mnemonic = "tensordesc";
  let summary = "descriptor of a strided tensor in memory, accessed in blocks of a fixed shape";
  let description = [{
    `!tt.tensordesc<16x32xf16>` reads and writes blocks of 16x32 elements. The element type keeps its
    signedness (`si8`, `ui8`), which matters for `descriptor_reduce min|max`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let builders = [
    TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType), [{
      return $_get(elementType.getContext(), shape, elementType);
    }]>
  ];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The element type of tensors: integers without a sign.
    ::mlir::Type getSignlessElementType() const;
    /// The tensor that a load of this descriptor yields.
    ::mlir::RankedTensorType getBlockType() const;
  }];
}

def TT_Float : AnyTypeOf<[F8E4M3FN, F8E4M3FNUZ, F8E4M3B11FNUZ, F8E5M2, F8E5M2FNUZ, F16, BF16, F32, F64],
                         "floating-point">;
def TT_Int : AnyTypeOf<[I1, I8, I16, I32, I64], "integer">;

def TT_FloatTensor : RankedTensorOf<[TT_Float]>;
def TT_IntTensor : RankedTensorOf<[TT_Int]>;
def TT_PtrTensor : RankedTensorOf<[TT_PointerType]>;
def TT_FpIntTensor : RankedTensorOf<[TT_Float, TT_Int]>;
def TT_Tensor : RankedTensorOf<[TT_Float, TT_Int, TT_PointerType]>;

def TT_FloatLike : AnyTypeOf<[TT_Float, TT_FloatTensor]>;
def TT_IntLike : AnyTypeOf<[TT_Int, TT_IntTensor]>;
def TT_BoolLike : AnyTypeOf<[I1, RankedTensorOf<[I1]>]>;
def TT_I64Like : AnyTypeOf<[I64, RankedTensorOf<[I64]>]>;
def TT_PtrLike : AnyTypeOf<[TT_PointerType, TT_PtrTensor]>;
def TT_Type : AnyTypeOf<[TT_FloatLike, TT_IntLike, TT_PtrLike]>;

#endif

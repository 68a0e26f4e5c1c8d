// SPDX-License-Identifier: MIT
// Ranges, shapes, reductions, scans and matrix products.
#ifndef TRITON_METAL_TRITON_SHAPE_OPS
#define TRITON_METAL_TRITON_SHAPE_OPS

include "triton-metal/Dialect/Triton/IR/TritonOpBase.td"

// ---- the launch grid and ranges ----

class TT_GridQuery<string mnemonic> : TT_Op<mnemonic, [Pure]> {
  let arguments = (ins TT_ProgramIDDim:$axis);
  let results = (outs I32:$result);
  let assemblyFormat = "$axis attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    int32_t getAxisAsInt() { return static_cast<int32_t>(getAxis()); }
  }];
}

def TT_GetProgramIdOp : TT_GridQuery<"get_program_id"> {
  let summary = "position of this program along an axis of the grid";
}

def TT_GetNumProgramsOp : TT_GridQuery<"get_num_programs"> {
  let summary = "extent of the grid along an axis";
}

def TT_MakeRangeOp : TT_Op<"make_range", [Pure]> {
  let summary = "consecutive integers from `start` up to, not including, `end`";
  let arguments = (ins I32Attr:$start, I32Attr:$end);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

// ---- shapes ----

def TT_SplatOp : TT_Op<"splat", [Pure, SameOperandsAndResultElementType]> {
  let summary = "tensor with one value in every element";
  let arguments = (ins TT_Type:$src);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TT_UnsplatOp : TT_Op<"unsplat", [Pure, InferTypeOpAdaptor]> {
  let summary = "the only element of a tensor";
  let arguments = (ins TT_Tensor:$src);
  let results = (outs TT_Type:$result);
  let assemblyFormat = "$src attr-dict `:` type($src)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TT_ExpandDimsOp : TT_Op<"expand_dims", [Pure, TT_View, InferTypeOpAdaptor, SameOperandsAndResultElementType]> {
  let summary = "tensor with one more dimension, of size 1";
  let arguments = (ins TT_Tensor:$src, I32Attr:$axis);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($result)";
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def TT_ReshapeOp : TT_Op<"reshape", [Pure, TT_View, SameOperandsAndResultElementType]> {
  let summary = "same elements under another shape";
  let description = [{
    Elements keep their row-major order unless `allow_reorder` is set, which lets a compiler choose any order.
    `efficient_layout` is a hint about registers and means nothing here.
  }];
  let arguments = (ins TT_Tensor:$src, UnitAttr:$allow_reorder, UnitAttr:$efficient_layout);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = [{
    $src (`allow_reorder` $allow_reorder^)? (`efficient_layout` $efficient_layout^)? attr-dict `:`
    type($src) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def TT_BroadcastOp : TT_Op<"broadcast", [Pure, TT_View, SameOperandsAndResultElementType]> {
  let summary = "dimensions of size 1 repeated to a larger size";
  let arguments = (ins TT_Tensor:$src);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def TT_CatOp : TT_Op<"cat", [Pure, TT_View, SameTypeOperands, SameOperandsAndResultElementType]> {
  let summary = "two tensors put together, in an order that the compiler may choose";
  let arguments = (ins TT_Tensor:$lhs, TT_Tensor:$rhs);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)";
  let hasVerifier = 1;
}

def TT_JoinOp : TT_Op<"join", [Pure, TT_View, SameTypeOperands, InferTypeOpAdaptor]> {
  let summary = "two tensors side by side along a new last dimension of size 2";
  let arguments = (ins TT_Tensor:$lhs, TT_Tensor:$rhs);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)";
}

def TT_SplitOp : TT_Op<"split", [Pure, TT_View, InferTypeOpAdaptor,
    TypesMatchWith<"both halves have one type", "outLHS", "outRHS", "$_self">]> {
  let summary = "the two slices of a tensor whose last dimension has size 2";
  let arguments = (ins TT_Tensor:$src);
  let results = (outs TT_Tensor:$outLHS, TT_Tensor:$outRHS);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($outLHS)";
  let hasFolder = 1;
}

def TT_TransOp : TT_Op<"trans", [Pure, TT_View, InferTypeOpAdaptor, SameOperandsAndResultElementType]> {
  let summary = "dimensions in another order";
  let description = [{
    Dimension `i` of the result is dimension `order[i]` of the source.
  }];
  let arguments = (ins TT_Tensor:$src, DenseI32ArrayAttr:$order);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($result)";
  let hasFolder = 1;
}

def TT_GatherOp : TT_Op<"gather", [Pure, InferTypeOpAdaptor]> {
  let summary = "elements of a tensor picked by index along one axis";
  let description = [{
    `result[.., i, ..] = src[.., indices[.., i, ..], ..]`, where `i` runs along `axis`. Along every other axis source
    and indices have the same size.
  }];
  let arguments = (ins TT_Tensor:$src, TT_IntTensor:$indices, I32Attr:$axis, UnitAttr:$efficient_layout);
  let results = (outs TT_Tensor:$result);
  let assemblyFormat = "$src `[` $indices `]` attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def TT_HistogramOp : TT_Op<"histogram", [Pure,
    TypesMatchWith<"mask has the shape of 'src'", "src", "mask", "maskTypeFor($_self)",
                   "($_op.getNumOperands() <= 1) || std::equal_to<>()">]> {
  let summary = "counts of the integers from 0 on";
  let description = [{
    Each element of the result is a bin of width 1. Elements that are masked off are not counted.
  }];
  let arguments = (ins TT_IntTensor:$src, Optional<RankedTensorOf<[I1]>>:$mask);
  let results = (outs TT_IntTensor:$result);
  let assemblyFormat = "$src (`,` $mask^)? attr-dict `:` type($src) `->` type($result)";
  let hasVerifier = 1;
}

// ---- reductions ----

def TT_ReduceOp : TT_Op<"reduce", [SingleBlock, InferTypeOpAdaptor, RecursiveMemoryEffects,
                                   RecursivelySpeculatable]> {
  let summary = "reduction of tensors along an axis by any combining function";
  let description = [{
    The region takes the left values of all operands, then the right ones, and returns the
    combined values. It is assumed to be associative; the order of combination is not specified. A
    reduction of rank 1 gives scalars.
  }];
  let arguments = (ins Variadic<TT_Tensor>:$srcs, I32Attr:$axis);
  let results = (outs Variadic<TT_Type>:$result);
  let regions = (region SizedRegion<1>:$combineOp);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$srcs, "int":$axis)>];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The only operation of the region besides the terminator, or null.
    ::mlir::Operation *getSingleCombiner();
  }];
}

def TT_ReduceReturnOp : TT_Op<"reduce.return", [HasParent<"ReduceOp">, Pure, Terminator, ReturnLike]> {
  let summary = "end of the region of `tt.reduce`";
  let arguments = (ins Variadic<AnyType>:$result);
  let assemblyFormat = "$result attr-dict `:` type($result)";
}

def TT_ScanOp : TT_Op<"scan", [SingleBlock, InferTypeOpAdaptor, RecursiveMemoryEffects, RecursivelySpeculatable]> {
  let summary = "running combination of tensors along an axis";
  let description = [{
    Inclusive: each element of the result combines the elements of the source from the beginning of the axis
    (with `reverse`, from its end) up to its own position. The region is like that of `tt.reduce`.
  }];
  let arguments = (ins Variadic<TT_Tensor>:$srcs, I32Attr:$axis, BoolAttr:$reverse);
  let results = (outs Variadic<TT_Tensor>:$result);
  let regions = (region SizedRegion<1>:$combineOp);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$srcs, "int":$axis, "bool":$reverse)>];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The only operation of the region besides the terminator, or null.
    ::mlir::Operation *getSingleCombiner();
  }];
}

def TT_ScanReturnOp : TT_Op<"scan.return", [HasParent<"ScanOp">, Pure, Terminator, ReturnLike]> {
  let summary = "end of the region of `tt.scan`";
  let arguments = (ins Variadic<AnyType>:$result);
  let assemblyFormat = "$result attr-dict `:` type($result)";
}

// ---- matrix products ----

def TT_DotOp : TT_Op<"dot", [Pure,
    AllTypesMatch<["d", "c"]>]> {
  let summary = "matrix product added to an accumulator";
  let description = [{
    `d = a x b + c` for matrices or batches of matrices. `inputPrecision` says how f32 operands may be rounded
    first; `maxNumImpreciseAcc` limits how many products of 8-bit floats may be summed at reduced precision.
  }];
  let arguments = (ins TT_FpIntTensor:$a, TT_FpIntTensor:$b, TT_FpIntTensor:$c,
    DefaultValuedAttr<TT_InputPrecision, "::tmetal::tt::InputPrecision::IEEE">:$inputPrecision,
    DefaultValuedAttr<I32Attr, "0">:$maxNumImpreciseAcc);
  let results = (outs TT_FpIntTensor:$d);
  let assemblyFormat = [{
    $a `,` $b `,` $c (`,` `inputPrecision` `=` $inputPrecision^)? attr-dict `:`
    type($a) `*` type($b) `->` type($d)
  }];
  let hasVerifier = 1;
}

def TT_DotScaledOp : TT_Op<"dot_scaled", [Pure, AttrSizedOperandSegments,
    AllTypesMatch<["d", "c"]>]> {
  let summary = "matrix product of operands with a scale per group of elements";
  let description = [{
    Groups along the inner dimension share a scale (microscaling formats). Operands in `e2m1` are
    bytes with two elements each, packed along the inner dimension, or along the outer one if
    `lhs_k_pack` (`rhs_k_pack`) is false.
  }];
  let arguments = (ins
    RankedTensorOf<[TT_Float, I8]>:$a, RankedTensorOf<[TT_Float, I8]>:$b, TT_FloatTensor:$c,
    Optional<RankedTensorOf<[TT_Float, I8]>>:$a_scale, Optional<RankedTensorOf<[TT_Float, I8]>>:$b_scale,
    TT_ScaleDotElemType:$a_elem_type, TT_ScaleDotElemType:$b_elem_type, BoolAttr:$fastMath,
    DefaultValuedAttr<BoolAttr, "true">:$lhs_k_pack, DefaultValuedAttr<BoolAttr, "true">:$rhs_k_pack);
  let results = (outs TT_FloatTensor:$d);
  let assemblyFormat = [{
    $a (`scale` $a_scale^)? `,` $b (`scale` $b_scale^)? `,` $c `lhs` `=` $a_elem_type `rhs` `=` $b_elem_type attr-dict
    `:` type($a) (`,` type($a_scale)^)? `*` type($b) (`,` type($b_scale)^)? `->` type($d)
  }];
  let hasVerifier = 1;
}

#endif

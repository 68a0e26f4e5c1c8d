// SPDX-License-Identifier: MIT
// Conversions and arithmetic on each element, and code from outside of the language.
#ifndef TRITON_METAL_TRITON_ELEMENTWISE_OPS
#define TRITON_METAL_TRITON_ELEMENTWISE_OPS

include "triton-metal/Dialect/Triton/IR/TritonOpBase.td"

// ---- conversions ----

class TT_Conversion<string mnemonic, Type from, Type to> : TT_Op<mnemonic, [SameOperandsAndResultShape, Pure]> {
  let arguments = (ins from:$src);
  let results = (outs to:$result);
  let assemblyFormat = "$src attr-dict `:` type($src) `->` type($result)";
}

def TT_IntToPtrOp : TT_Conversion<"int_to_ptr", TT_I64Like, TT_PtrLike> {
  let summary = "pointer with a given address";
}

def TT_PtrToIntOp : TT_Conversion<"ptr_to_int", TT_PtrLike, TT_I64Like> {
  let summary = "address of a pointer";
}

def TT_BitcastOp : TT_Conversion<"bitcast", TT_Type, TT_Type> {
  let summary = "same bits under another type";
  let description = [{
    Source and result have elements of the same width. A pointer, which counts as 64 bits, may
    change its pointee type. A cast to the same type folds to its source; of two casts in a
    row only the outer one remains.
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def TT_FpToFpOp : TT_Op<"fp_to_fp", [SameOperandsAndResultShape, Pure]> {
  let summary = "float conversion with an explicit rounding mode";
  let description = [{
    Used where `arith.extf` and `arith.truncf` do not suffice: 8-bit floats and rounding toward zero. The rounding
    mode is required exactly when the conversion narrows.
  }];
  let arguments = (ins TT_FloatLike:$src, OptionalAttr<TT_RoundingMode>:$rounding);
  let results = (outs TT_FloatLike:$result);
  let assemblyFormat = "$src attr-dict (`,` `rounding` `=` $rounding^)? `:` type($src) `->` type($result)";
  let hasVerifier = 1;
}

// ---- arithmetic ----

def TT_ClampFOp : TT_Op<"clampf", [SameOperandsAndResultType, Pure]> {
  let summary = "float clamp between two bounds";
  let description = [{
    `min(max(x, lower), upper)`. With `propagateNan = all` a NaN in `x` gives NaN, with `none` it gives a bound.
  }];
  let arguments = (ins TT_FloatLike:$x, TT_FloatLike:$min, TT_FloatLike:$max, TT_PropagateNan:$propagateNan);
  let results = (outs TT_FloatLike:$result);
  let assemblyFormat = [{
    $x `,` $min `,` $max `,` `propagateNan` `=` $propagateNan attr-dict `:` type($result)
  }];
}

class TT_Binary<string mnemonic, Type type, list<Trait> traits = []>
    : TT_Op<mnemonic, !listconcat([SameOperandsAndResultType, Pure], traits)> {
  let arguments = (ins type:$x, type:$y);
  let results = (outs type:$result);
  let assemblyFormat = "$x `,` $y attr-dict `:` type($x)";
}

def TT_PreciseDivFOp : TT_Binary<"precise_divf", TT_FloatLike> {
  let summary = "correctly rounded float division";
}

def TT_ApproxDivFOp : TT_Binary<"approx_divf", TT_FloatLike> {
  let summary = "float division that may be off by a few units in the last place";
}

def TT_MulhiUIOp : TT_Binary<"mulhiui", TT_IntLike, [Commutative]> {
  let summary = "upper half of an unsigned product";
}

def TT_PreciseSqrtOp : TT_Op<"precise_sqrt", [SameOperandsAndResultType, Pure]> {
  let summary = "correctly rounded square root";
  let arguments = (ins TT_FloatLike:$x);
  let results = (outs TT_FloatLike:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def TT_AddPtrOp : TT_Op<"addptr", [SameOperandsAndResultShape, Pure,
    AllTypesMatch<["result", "ptr"]>]> {
  let summary = "pointer moved by a number of elements";
  let description = [{
    The offset counts elements of the pointee type. It is signed and may have any integer width. An offset of
    zero gives the pointer itself.
  }];
  let arguments = (ins TT_PtrLike:$ptr, TT_IntLike:$offset);
  let results = (outs TT_PtrLike:$result);
  let assemblyFormat = "$ptr `,` $offset attr-dict `:` type($result) `,` type($offset)";
  let hasFolder = 1;
}

// ---- code from outside of the language ----

def TT_ExternElementwiseOp : TT_Op<"extern_elementwise", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "call of a library function on each element";
  let arguments = (ins Variadic<TT_Type>:$srcs, StrAttr:$libname, StrAttr:$libpath, StrAttr:$symbol,
                       BoolAttr:$pure);
  let results = (outs TT_Type:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def TT_ElementwiseInlineAsmOp : TT_Op<"elementwise_inline_asm", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "assembly text applied to groups of elements";
  let arguments = (ins StrAttr:$asm_string, StrAttr:$constraints, BoolAttr:$pure, I32Attr:$packed_element,
                       Variadic<TT_Type>:$args);
  let results = (outs Variadic<TT_Type>:$result);
  let assemblyFormat = "$asm_string attr-dict ($args^ `:` type($args))? `->` type($result)";
  let hasVerifier = 1;
}

def TT_MapElementwiseOp : TT_Op<"map_elementwise", [SameOperandsAndResultShape, RecursiveMemoryEffects,
                                                    RecursivelySpeculatable]> {
  let summary = "scalar function applied to groups of elements";
  let description = [{
    The region computes `pack` consecutive elements at a time: it takes `pack` scalars for each operand and
    returns `pack` scalars for each result, those of the first operand (result) first. It may branch.
  }];
  let arguments = (ins Variadic<TT_Tensor>:$srcs, I32Attr:$pack);
  let results = (outs Variadic<TT_Tensor>:$result);
  let regions = (region AnyRegion:$scalarOp);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def TT_MapElementwiseReturnOp : TT_Op<"map_elementwise.return", [HasParent<"MapElementwiseOp">, Pure, Terminator,
                                                                 ReturnLike]> {
  let summary = "end of the region of `tt.map_elementwise`";
  let arguments = (ins Variadic<AnyType>:$result);
  let assemblyFormat = "attr-dict ($result^ `:` type($result))?";
}

#endif

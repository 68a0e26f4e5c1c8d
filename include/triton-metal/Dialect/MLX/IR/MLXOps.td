// SPDX-License-Identifier: MIT
// The `mlx` dialect: one operation per MLX array operation in use (mlx/ops.h), on static shapes.
// Element types: i1 = bool_, iN = intN, uiN = uintN, f16, bf16, f32, f64. Shapes broadcast as in MLX (NumPy rules).
#ifndef TRITON_METAL_MLX_OPS
#define TRITON_METAL_MLX_OPS

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def MLX_Dialect : Dialect {
  let name = "mlx";
  let cppNamespace = "::tmetal::mlxir";
  let summary = "Operations of the MLX array framework";
}

def MLX_Array : RankedTensorOf<[AnyInteger, AnyFloat]>;

class MLX_Op<string mnemonic, list<Trait> traits = []> : Op<MLX_Dialect, mnemonic, traits>;

// ---- elementwise ----

class MLX_Unary<string mnemonic> : MLX_Op<mnemonic, [Pure]> {
  let arguments = (ins MLX_Array:$a);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyBroadcast(getOperation()); }
  }];
}
class MLX_Binary<string mnemonic> : MLX_Op<mnemonic, [Pure]> {
  let arguments = (ins MLX_Array:$a, MLX_Array:$b);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyBroadcast(getOperation()); }
  }];
}

def MLX_AbsOp : MLX_Unary<"abs">;
def MLX_NegativeOp : MLX_Unary<"negative">;
def MLX_ExpOp : MLX_Unary<"exp">;
def MLX_Expm1Op : MLX_Unary<"expm1">;
def MLX_LogOp : MLX_Unary<"log">;
def MLX_Log2Op : MLX_Unary<"log2">;
def MLX_Log10Op : MLX_Unary<"log10">;
def MLX_Log1pOp : MLX_Unary<"log1p">;
def MLX_SinOp : MLX_Unary<"sin">;
def MLX_CosOp : MLX_Unary<"cos">;
def MLX_TanOp : MLX_Unary<"tan">;
def MLX_SinhOp : MLX_Unary<"sinh">;
def MLX_CoshOp : MLX_Unary<"cosh">;
def MLX_TanhOp : MLX_Unary<"tanh">;
def MLX_ArcsinOp : MLX_Unary<"arcsin">;
def MLX_ArccosOp : MLX_Unary<"arccos">;
def MLX_ArctanOp : MLX_Unary<"arctan">;
def MLX_ArcsinhOp : MLX_Unary<"arcsinh">;
def MLX_ArccoshOp : MLX_Unary<"arccosh">;
def MLX_ArctanhOp : MLX_Unary<"arctanh">;
def MLX_SqrtOp : MLX_Unary<"sqrt">;
def MLX_RsqrtOp : MLX_Unary<"rsqrt">;
def MLX_ErfOp : MLX_Unary<"erf">;
def MLX_ErfinvOp : MLX_Unary<"erfinv">;
def MLX_FloorOp : MLX_Unary<"floor">;
def MLX_CeilOp : MLX_Unary<"ceil">;
def MLX_RoundOp : MLX_Unary<"round">;
def MLX_IsnanOp : MLX_Unary<"isnan">;
def MLX_IsinfOp : MLX_Unary<"isinf">;
def MLX_LogicalNotOp : MLX_Unary<"logical_not">;
def MLX_BitwiseInvertOp : MLX_Unary<"bitwise_invert">;

def MLX_AddOp : MLX_Binary<"add">;
def MLX_SubtractOp : MLX_Binary<"subtract">;
def MLX_MultiplyOp : MLX_Binary<"multiply">;
def MLX_DivideOp : MLX_Binary<"divide">;
def MLX_FloorDivideOp : MLX_Binary<"floor_divide">;
def MLX_RemainderOp : MLX_Binary<"remainder">;
def MLX_MaximumOp : MLX_Binary<"maximum">;
def MLX_MinimumOp : MLX_Binary<"minimum">;
def MLX_PowerOp : MLX_Binary<"power">;
def MLX_Arctan2Op : MLX_Binary<"arctan2">;
def MLX_EqualOp : MLX_Binary<"equal">;
def MLX_NotEqualOp : MLX_Binary<"not_equal">;
def MLX_LessOp : MLX_Binary<"less">;
def MLX_LessEqualOp : MLX_Binary<"less_equal">;
def MLX_GreaterOp : MLX_Binary<"greater">;
def MLX_GreaterEqualOp : MLX_Binary<"greater_equal">;
def MLX_LogicalAndOp : MLX_Binary<"logical_and">;
def MLX_LogicalOrOp : MLX_Binary<"logical_or">;
def MLX_BitwiseAndOp : MLX_Binary<"bitwise_and">;
def MLX_BitwiseOrOp : MLX_Binary<"bitwise_or">;
def MLX_BitwiseXorOp : MLX_Binary<"bitwise_xor">;
def MLX_LeftShiftOp : MLX_Binary<"left_shift">;
def MLX_RightShiftOp : MLX_Binary<"right_shift">;

def MLX_WhereOp : MLX_Op<"where", [Pure]> {
  let summary = "a where the condition holds, else b";
  let arguments = (ins MLX_Array:$condition, MLX_Array:$a, MLX_Array:$b);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = [{
    $condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a) `,` type($b) `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyBroadcast(getOperation()); }
  }];
}

// Conversions keep the shape. `astype` converts values as C does; `view` keeps the bits.
class MLX_Conversion<string mnemonic> : MLX_Op<mnemonic, [Pure, SameOperandsAndResultShape]> {
  let arguments = (ins MLX_Array:$a);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
}
def MLX_AstypeOp : MLX_Conversion<"astype">;

def MLX_ViewOp : MLX_Op<"view", [Pure]> {
  let summary = "The same bits under another dtype; the last axis changes its extent with the width";
  let arguments = (ins MLX_Array:$a);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
}

// ---- creation ----

def MLX_ConstantOp : MLX_Op<"constant", [Pure]> {
  let arguments = (ins ElementsAttr:$value);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def MLX_ArangeOp : MLX_Op<"arange", [Pure]> {
  let summary = "start + step * i along the one axis whose extent is not 1";
  let arguments = (ins I64Attr:$start, I64Attr:$step);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$start `,` $step attr-dict `:` type($result)";
}

// ---- shape ----

class MLX_Shape<string mnemonic, dag attributes> : MLX_Op<mnemonic, [Pure]> {
  let arguments = !con((ins MLX_Array:$a), attributes);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
}
def MLX_ReshapeOp : MLX_Shape<"reshape", (ins)> {
  let hasVerifier = 1;
  let hasFolder = 1;
}
def MLX_BroadcastToOp : MLX_Shape<"broadcast_to", (ins)> {
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyBroadcast(getOperation()); }
  }];
}
def MLX_TransposeOp : MLX_Shape<"transpose", (ins DenseI64ArrayAttr:$axes)> {
  let hasVerifier = 1;
}
def MLX_SliceOp : MLX_Shape<"slice",
    (ins DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$stop, DenseI64ArrayAttr:$strides)>;
def MLX_AsStridedOp : MLX_Shape<"as_strided", (ins DenseI64ArrayAttr:$strides, I64Attr:$offset)> {
  let summary = "A view of a flat array: result[i...] = a[offset + sum strides * i]";
  let hasVerifier = 1;
}

def MLX_PadOp : MLX_Op<"pad", [Pure]> {
  let arguments = (ins MLX_Array:$a, MLX_Array:$value, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $value attr-dict `:` type($a) `,` type($value) `->` type($result)";
}

def MLX_ConcatenateOp : MLX_Op<"concatenate", [Pure]> {
  let arguments = (ins Variadic<MLX_Array>:$arrays, I64Attr:$axis);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$arrays attr-dict `:` type($arrays) `->` type($result)";
}

def MLX_SliceUpdateOp : MLX_Op<"slice_update", [Pure]> {
  let summary = "a with a[start:stop] replaced";
  let arguments = (ins MLX_Array:$a, MLX_Array:$update, DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$stop);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $update attr-dict `:` type($a) `,` type($update) `->` type($result)";
}

// ---- indexing ----

def MLX_TakeOp : MLX_Op<"take", [Pure]> {
  let summary = "a[indices] along the axis";
  let arguments = (ins MLX_Array:$a, MLX_Array:$indices, I64Attr:$axis);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $indices attr-dict `:` type($a) `,` type($indices) `->` type($result)";
}
def MLX_TakeAlongAxisOp : MLX_Op<"take_along_axis", [Pure]> {
  let arguments = (ins MLX_Array:$a, MLX_Array:$indices, I64Attr:$axis);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $indices attr-dict `:` type($a) `,` type($indices) `->` type($result)";
}
def MLX_ScatterOp : MLX_Op<"scatter", [Pure]> {
  let summary = "A flat array with updates[i] written, added, multiplied, maximised or minimised at indices[i]";
  let arguments = (ins MLX_Array:$a, MLX_Array:$indices, MLX_Array:$updates, StrAttr:$reduction);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = [{
    $a `,` $indices `,` $updates attr-dict `:` type($a) `,` type($indices) `,` type($updates) `->` type($result)
  }];
}

// ---- reductions and scans ----

class MLX_Reduction<string mnemonic> : MLX_Shape<mnemonic, (ins DenseI64ArrayAttr:$axes)> {
  let summary = "Reduces the axes, which stay with extent 1";
}
foreach m = ["Sum", "Prod", "Max", "Min", "All", "Any"] in
  def MLX_#m#Op : MLX_Reduction<!tolower(m)>;

class MLX_Scan<string mnemonic> : MLX_Shape<mnemonic, (ins I64Attr:$axis, BoolAttr:$reverse)>;
foreach m = ["Cumsum", "Cumprod", "Cummax", "Cummin"] in
  def MLX_#m#Op : MLX_Scan<!tolower(m)>;

def MLX_MatmulOp : MLX_Op<"matmul", [Pure]> {
  let arguments = (ins MLX_Array:$a, MLX_Array:$b);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($result)";
}

// ---- control ----

def MLX_WhileOp : MLX_Op<"while", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "Runs the body on the carried arrays as long as any element of the first one holds";
  let description = [{
    The first carried array is a condition of element type i1. MLX has no control flow: the executor evaluates
    the condition on the host before each step.
  }];
  let arguments = (ins Variadic<MLX_Array>:$inits);
  let results = (outs Variadic<MLX_Array>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "$inits attr-dict `:` functional-type($inits, $results) $body";
}

def MLX_YieldOp : MLX_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["WhileOp"]>]> {
  let arguments = (ins Variadic<MLX_Array>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif

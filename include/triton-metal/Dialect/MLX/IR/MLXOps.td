// SPDX-License-Identifier: MIT
// The `mlx` dialect: one operation for each MLX array operation in use (mlx/ops.h), on static shapes.
// Element types: i1 = bool_, iN = intN, uiN = uintN, f16, bf16, f32, f64. MLX holds the formats of 8-bit floats as
// uint8; here they keep their types, so that only operations that move elements accept them.
// Shapes broadcast as in MLX (NumPy rules).
#ifndef TRITON_METAL_MLX_OPS
#define TRITON_METAL_MLX_OPS

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def MLX_Dialect : Dialect {
  let name = "mlx";
  let cppNamespace = "::tmetal::mlxir";
  let summary = "Operations of the MLX array framework";
}

// The sizes of arrays are computed in 64 bits.
def MLX_Addressable : CPred<"::tmetal::mlxir::isAddressable(::llvm::cast<::mlir::RankedTensorType>($_self))">;
class MLX_ArrayOf<list<Type> elements> : RankedTensorOf<elements, [MLX_Addressable]>;
def MLX_Array : MLX_ArrayOf<[AnyInteger, AnyFloat]>;
def MLX_Number : MLX_ArrayOf<[AnyInteger, F16, BF16, F32, F64]>;
def MLX_Truth : MLX_ArrayOf<[I1]>;
def MLX_Float : MLX_ArrayOf<[F16, BF16, F32, F64]>;
def MLX_Integer : MLX_ArrayOf<[AnyInteger]>;
def MLX_Index : MLX_ArrayOf<[I32, I64]>;

// ---- traits, by which passes and tools classify operations ----

class MLX_Trait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::tmetal::mlxir::trait";
}
def MLX_View : MLX_Trait<"View">;               // the result shares the elements of the operand: no copy
def MLX_Elementwise : MLX_Trait<"Elementwise">; // one element of each operand gives one of the result
def MLX_Reduces : MLX_Trait<"Reduces">;
def MLX_Scans : MLX_Trait<"Scans">;
def MLX_Gathers : MLX_Trait<"Gathers">;
def MLX_Creates : MLX_Trait<"Creates">; // from attributes alone

class MLX_Op<string mnemonic, list<Trait> traits = []> : Op<MLX_Dialect, mnemonic, !listconcat([Pure], traits)>;

/// The result type follows from operands and attributes: builders take no type, and the verifier compares the
/// type in the text with the inferred one.
class MLX_Inferred<string mnemonic, list<Trait> traits = []>
    : MLX_Op<mnemonic, !listconcat([InferTypeOpAdaptor], traits)> {
  let results = (outs MLX_Array:$result);
}

// ---- elementwise ----

/// Operands broadcast. `element` is C++ code that computes the element type of the result from `adaptor`.
class MLX_Broadcasting<string mnemonic, string element, list<Trait> traits = []>
    : MLX_Inferred<mnemonic, !listconcat([MLX_Elementwise], traits)> {
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyBroadcast(getOperation()); }
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context,
        std::optional<::mlir::Location> location, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(broadcastType(adaptor.getOperands(), }] # element # [{));
      return ::mlir::success();
    }
  }];
}

defvar ElementOfA = "::mlir::getElementTypeOrSelf(adaptor.getA())";
defvar ElementTruth = "::mlir::IntegerType::get(context, 1)";

class MLX_Unary<string mnemonic, Type operand = MLX_Number, string element = ElementOfA>
    : MLX_Broadcasting<mnemonic, element> {
  let arguments = (ins operand:$a);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
}
class MLX_Binary<string mnemonic, Type operand = MLX_Number, string element = ElementOfA>
    : MLX_Broadcasting<mnemonic, element, [AllElementTypesMatch<["a", "b"]>]> {
  let arguments = (ins operand:$a, operand:$b);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($result)";
}
class MLX_UnaryFloat<string mnemonic> : MLX_Unary<mnemonic, MLX_Float>;
class MLX_BinaryFloat<string mnemonic> : MLX_Binary<mnemonic, MLX_Float>;
class MLX_BinaryInteger<string mnemonic> : MLX_Binary<mnemonic, MLX_Integer>;
class MLX_TestFloat<string mnemonic> : MLX_Unary<mnemonic, MLX_Float, ElementTruth>;
class MLX_Comparison<string mnemonic> : MLX_Binary<mnemonic, MLX_Number, ElementTruth>;

def MLX_AbsOp : MLX_Unary<"abs">;
def MLX_NegativeOp : MLX_Unary<"negative">;
def MLX_ExpOp : MLX_UnaryFloat<"exp">;
def MLX_Expm1Op : MLX_UnaryFloat<"expm1">;
def MLX_LogOp : MLX_UnaryFloat<"log">;
def MLX_Log2Op : MLX_UnaryFloat<"log2">;
def MLX_Log10Op : MLX_UnaryFloat<"log10">;
def MLX_Log1pOp : MLX_UnaryFloat<"log1p">;
def MLX_SinOp : MLX_UnaryFloat<"sin">;
def MLX_CosOp : MLX_UnaryFloat<"cos">;
def MLX_TanOp : MLX_UnaryFloat<"tan">;
def MLX_SinhOp : MLX_UnaryFloat<"sinh">;
def MLX_CoshOp : MLX_UnaryFloat<"cosh">;
def MLX_TanhOp : MLX_UnaryFloat<"tanh">;
def MLX_ArcsinOp : MLX_UnaryFloat<"arcsin">;
def MLX_ArccosOp : MLX_UnaryFloat<"arccos">;
def MLX_ArctanOp : MLX_UnaryFloat<"arctan">;
def MLX_ArcsinhOp : MLX_UnaryFloat<"arcsinh">;
def MLX_ArccoshOp : MLX_UnaryFloat<"arccosh">;
def MLX_ArctanhOp : MLX_UnaryFloat<"arctanh">;
def MLX_SqrtOp : MLX_UnaryFloat<"sqrt">;
def MLX_RsqrtOp : MLX_UnaryFloat<"rsqrt">;
def MLX_ErfOp : MLX_UnaryFloat<"erf">;
def MLX_ErfinvOp : MLX_UnaryFloat<"erfinv">;
def MLX_FloorOp : MLX_UnaryFloat<"floor">;
def MLX_CeilOp : MLX_UnaryFloat<"ceil">;
def MLX_RoundOp : MLX_UnaryFloat<"round">;
def MLX_IsnanOp : MLX_TestFloat<"isnan">;
def MLX_IsinfOp : MLX_TestFloat<"isinf">;
def MLX_LogicalNotOp : MLX_Unary<"logical_not", MLX_Truth>;
def MLX_BitwiseInvertOp : MLX_Unary<"bitwise_invert", MLX_Integer>;

def MLX_AddOp : MLX_Binary<"add">;
def MLX_SubtractOp : MLX_Binary<"subtract">;
def MLX_MultiplyOp : MLX_Binary<"multiply">;
def MLX_DivideOp : MLX_BinaryFloat<"divide">;
def MLX_FloorDivideOp : MLX_BinaryInteger<"floor_divide">;
def MLX_RemainderOp : MLX_BinaryFloat<"remainder">;
def MLX_MaximumOp : MLX_Binary<"maximum">;
def MLX_MinimumOp : MLX_Binary<"minimum">;
def MLX_PowerOp : MLX_BinaryFloat<"power">;
def MLX_Arctan2Op : MLX_BinaryFloat<"arctan2">;
def MLX_EqualOp : MLX_Comparison<"equal">;
def MLX_NotEqualOp : MLX_Comparison<"not_equal">;
def MLX_LessOp : MLX_Comparison<"less">;
def MLX_LessEqualOp : MLX_Comparison<"less_equal">;
def MLX_GreaterOp : MLX_Comparison<"greater">;
def MLX_GreaterEqualOp : MLX_Comparison<"greater_equal">;
def MLX_LogicalAndOp : MLX_Binary<"logical_and", MLX_Truth>;
def MLX_LogicalOrOp : MLX_Binary<"logical_or", MLX_Truth>;
def MLX_BitwiseAndOp : MLX_BinaryInteger<"bitwise_and">;
def MLX_BitwiseOrOp : MLX_BinaryInteger<"bitwise_or">;
def MLX_BitwiseXorOp : MLX_BinaryInteger<"bitwise_xor">;
def MLX_LeftShiftOp : MLX_BinaryInteger<"left_shift">;
def MLX_RightShiftOp : MLX_BinaryInteger<"right_shift">;

def MLX_WhereOp : MLX_Broadcasting<"where", ElementOfA, [AllElementTypesMatch<["a", "b"]>]> {
  let summary = "a where the condition holds, else b";
  let arguments = (ins MLX_Truth:$condition, MLX_Array:$a, MLX_Array:$b);
  let assemblyFormat = [{
    $condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a) `,` type($b) `->` type($result)
  }];
}

// Conversions: `astype` converts values as C does; `view` keeps the bits.
class MLX_Conversion<string mnemonic, Type arrays, list<Trait> traits> : MLX_Op<mnemonic, traits> {
  let arguments = (ins arrays:$a);
  let results = (outs arrays:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Type":$elementType)>];
}
def MLX_AstypeOp : MLX_Conversion<"astype", MLX_Number, [MLX_Elementwise, SameOperandsAndResultShape]>;
def MLX_ViewOp : MLX_Conversion<"view", MLX_Array, [MLX_View]> {
  let summary = "The same bits under another dtype; the last axis changes its extent with the width";
  let hasVerifier = 1;
}

// ---- creation ----

def MLX_ConstantOp : MLX_Inferred<"constant", [MLX_Creates]> {
  let arguments = (ins ElementsAttr:$value);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def MLX_ArangeOp : MLX_Op<"arange", [MLX_Creates]> {
  let summary = "start + step * i along the one axis whose extent is not 1";
  let arguments = (ins I64Attr:$start, I64Attr:$step);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$start `,` $step attr-dict `:` type($result)";
  let hasVerifier = 1;
}

// ---- shape ----

/// The operation specifies the shape of its result; the element type is that of the operand.
class MLX_Shaped<string mnemonic, dag attributes, list<Trait> traits>
    : MLX_Op<mnemonic, !listconcat([AllElementTypesMatch<["a", "result"]>], traits)> {
  let arguments = !con((ins MLX_Array:$a), attributes);
  let results = (outs MLX_Array:$result);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let hasVerifier = 1;
}
def MLX_ReshapeOp : MLX_Shaped<"reshape", (ins), [MLX_View]> {
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::llvm::ArrayRef<int64_t>":$shape)>];
  let hasFolder = 1;
}
def MLX_BroadcastToOp : MLX_Shaped<"broadcast_to", (ins), [MLX_View]> {
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::llvm::ArrayRef<int64_t>":$shape)>];
}
def MLX_AsStridedOp : MLX_Shaped<"as_strided", (ins DenseI64ArrayAttr:$strides, I64Attr:$offset), [MLX_View]> {
  let summary = "A view of a flat array: result[i...] = a[offset + sum strides * i]";
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::llvm::ArrayRef<int64_t>":$shape,
                             "::llvm::ArrayRef<int64_t>":$strides, "int64_t":$offset)>];
}

/// The result type follows from the operand and the attributes.
class MLX_Shaping<string mnemonic, dag attributes, list<Trait> traits = []> : MLX_Inferred<mnemonic, traits> {
  let arguments = !con((ins MLX_Array:$a), attributes);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let hasVerifier = 1;
}
def MLX_TransposeOp : MLX_Shaping<"transpose", (ins DenseI64ArrayAttr:$axes), [MLX_View]>;
def MLX_SliceOp : MLX_Shaping<"slice",
    (ins DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$stop, DenseI64ArrayAttr:$strides), [MLX_View]> {
  let summary = "a[start:stop:stride] along each axis; with a negative stride, a negative stop counts from the end";
}

def MLX_PadOp : MLX_Inferred<"pad", [AllElementTypesMatch<["a", "value"]>]> {
  let arguments = (ins MLX_Array:$a, MLX_Array:$value, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let assemblyFormat = "$a `,` $value attr-dict `:` type($a) `,` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def MLX_ConcatenateOp : MLX_Inferred<"concatenate"> {
  let arguments = (ins Variadic<MLX_Array>:$arrays, I64Attr:$axis);
  let assemblyFormat = "$arrays attr-dict `:` type($arrays) `->` type($result)";
  let hasVerifier = 1;
}

def MLX_SliceUpdateOp : MLX_Inferred<"slice_update", [AllElementTypesMatch<["a", "update"]>]> {
  let summary = "a with a[start:stop] replaced";
  let arguments = (ins MLX_Array:$a, MLX_Array:$update, DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$stop);
  let assemblyFormat = "$a `,` $update attr-dict `:` type($a) `,` type($update) `->` type($result)";
  let hasVerifier = 1;
}

// ---- indexing ----

class MLX_Gather<string mnemonic> : MLX_Inferred<mnemonic, [MLX_Gathers]> {
  let arguments = (ins MLX_Array:$a, MLX_Integer:$indices, I64Attr:$axis);
  let assemblyFormat = "$a `,` $indices attr-dict `:` type($a) `,` type($indices) `->` type($result)";
  let hasVerifier = 1;
}
def MLX_TakeOp : MLX_Gather<"take"> {
  let summary = "a[indices] along the axis";
}
def MLX_TakeAlongAxisOp : MLX_Gather<"take_along_axis"> {
  let summary = "The element of a at each index along the axis; the other axes are equal";
}

def MLX_ScatterReduction : I32EnumAttr<"ScatterReduction", "what becomes of the old element", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Add", 1, "add">, I32EnumAttrCase<"Max", 2, "max">,
  I32EnumAttrCase<"Min", 3, "min">
]> {
  let cppNamespace = "::tmetal::mlxir";
  let genSpecializedAttr = 0;
}
def MLX_ScatterReductionAttr : Attr<
    CPred<"::llvm::isa<::mlir::StringAttr>($_self) && ::tmetal::mlxir::symbolizeScatterReduction("
          "::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
    "none, add, max or min"> {
  let storageType = "::mlir::StringAttr";
  let returnType = "::tmetal::mlxir::ScatterReduction";
  let valueType = NoneType;
  let convertFromStorage = "*::tmetal::mlxir::symbolizeScatterReduction($_self.getValue())";
  let constBuilderCall = "$_builder.getStringAttr(::tmetal::mlxir::stringifyScatterReduction($0))";
}
def MLX_ScatterOp : MLX_Inferred<"scatter", [AllElementTypesMatch<["a", "updates"]>]> {
  let summary = "A flat array with updates[i] written, added, maximised or minimised at indices[i]";
  let arguments = (ins MLX_Array:$a, MLX_Index:$indices, MLX_Array:$updates, MLX_ScatterReductionAttr:$reduction);
  let assemblyFormat = [{
    $a `,` $indices `,` $updates attr-dict `:` type($a) `,` type($indices) `,` type($updates) `->` type($result)
  }];
  let hasVerifier = 1;
}

// ---- reductions and scans ----

class MLX_Reduction<string mnemonic, Type operand = MLX_Number>
    : MLX_Inferred<mnemonic, [MLX_Reduces]> {
  let summary = "Reduces the axes, which stay with extent 1";
  let arguments = (ins operand:$a, DenseI64ArrayAttr:$axes);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyAxes(getOperation(), getA(), getAxes()); }
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(reducedType(adaptor.getA(), adaptor.getAxes()));
      return ::mlir::success();
    }
  }];
}
foreach m = ["Sum", "Prod", "Max", "Min"] in
  def MLX_#m#Op : MLX_Reduction<!tolower(m)>;
foreach m = ["All", "Any"] in
  def MLX_#m#Op : MLX_Reduction<!tolower(m), MLX_Truth>;

class MLX_Scan<string mnemonic> : MLX_Inferred<mnemonic, [MLX_Scans]> {
  let arguments = (ins MLX_Number:$a, I64Attr:$axis, BoolAttr:$reverse);
  let assemblyFormat = "$a attr-dict `:` type($a) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() {
      return verifyAxes(getOperation(), getA(), static_cast<int64_t>(getAxis()));
    }
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(adaptor.getA().getType());
      return ::mlir::success();
    }
  }];
}
foreach m = ["Cumsum", "Cumprod", "Cummax", "Cummin"] in
  def MLX_#m#Op : MLX_Scan<!tolower(m)>;

def MLX_MatmulOp : MLX_Inferred<"matmul", [AllElementTypesMatch<["a", "b"]>]> {
  let arguments = (ins MLX_Float:$a, MLX_Float:$b);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($result)";
  let hasVerifier = 1;
}

// ---- control ----

def MLX_WhileOp : Op<MLX_Dialect, "while", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "Runs the body on the carried arrays while any element of the first one holds";
  let description = [{
    The first carried array is a condition of element type i1. MLX has no control flow, so the executor
    evaluates the condition on the host before each step.
  }];
  let arguments = (ins Variadic<MLX_Array>:$inits);
  let results = (outs Variadic<MLX_Array>:$results);
  let regions = (region SizedRegion<1>:$body);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$inits)>]; // the body is one empty block with arguments
  let hasVerifier = 1;
  let assemblyFormat = "$inits attr-dict `:` functional-type($inits, $results) $body";
}

def MLX_YieldOp : MLX_Op<"yield", [Terminator, ReturnLike, ParentOneOf<["WhileOp"]>]> {
  let arguments = (ins Variadic<MLX_Array>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif

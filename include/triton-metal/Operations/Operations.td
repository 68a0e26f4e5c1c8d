// SPDX-License-Identifier: MIT
// The registry of operations: one record for each operation that a kernel can hold. `triton-metal ops` prints it.
#ifndef TRITON_METAL_OPERATIONS
#define TRITON_METAL_OPERATIONS

include "triton-metal/Operations/OperationBase.td"

// ---- programs and ranges ----

let spelling = "programId(use)" in
def : Operation<"tt.get_program_id", Elementwise, [I32],
    Metal<"lowerScalar", "threadgroup_position_in_grid">,
    MLX<"raiseProgramId", "program axis", "known when raised">>;
let spelling = "programCount(use)" in
def : Operation<"tt.get_num_programs", Elementwise, [I32],
    Metal<"lowerScalar", "threadgroups_per_grid">,
    MLX<"raiseNumPrograms", "constant", "known when raised">>;
def : Operation<"tt.make_range", View, [I32],
    Metal<"lowerNothing", "index of the thread and register", "computed where it is needed">,
    MLX<"raiseMakeRange", "arange", "known when raised">>;
def : Operation<"tt.func", Structure, Everything, Within, MLX<"raiseNothing", "func.func">>;
def : Operation<"tt.return", Structure, [], Within, MLX<"raiseNothing", "return">>;
defvar CallLeft = Before<"inlined before", "Calls are inlined before; what is left cannot be.">;
def : Operation<"tt.call", Structure, Everything, CallLeft, CallLeft>;

// ---- shapes ----

defvar PointerInMLX = Refused<[Ptr], "needs a kernel engine: pointers cannot be moved in MLX.">;

def : Operation<"tt.splat", View, Everything,
    Metal<"lowerNothing", "scalar", "computed where it is needed">, MLX<"raiseSplat", "reshape">>;
def : Operation<"tt.unsplat", View, Everything, Metal<"lowerUnsplat", "scalar">, MLX<"raiseUnsplat", "reshape">>;
def : Operation<"tt.expand_dims", View, Everything,
    Metal<"lowerShape", "map of bits">, MLX<"raiseExpandDims", "reshape">>;
def : Operation<"tt.broadcast", View, Everything,
    Metal<"lowerShape", "map of bits">,
    MLX<"raiseBroadcast", "broadcast_to", "implicit: an axis of extent 1">>;
def : Operation<"tt.reshape", View, Everything, Metal<"lowerShape", "map of bits">, MLX<"raiseReshape", "reshape">>;
def : Operation<"tt.trans", View, Everything,
    Metal<"lowerShape", "map of bits", "through threadgroup memory when threads differ">,
    MLX<"raiseTranspose", "transpose">>;
def : Operation<"tt.cat", View, Everything,
    Metal<"lowerShape", "select">, MLX<"raiseConcatenate", "concatenate", "", [PointerInMLX]>>;
def : Operation<"tt.join", View, Everything,
    Metal<"lowerShape", "select">, MLX<"raiseJoin", "concatenate", "", [PointerInMLX]>>;
def : Operation<"tt.split", View, Everything, Metal<"lowerShape", "map of bits">, MLX<"raiseSplit", "slice">>;
def : Operation<"tt.gather", View, Everything,
    Metal<"lowerGather", "threadgroup memory", "an index out of range reads some element">,
    MLX<"raiseGather", "take_along_axis", "", [PointerInMLX]>, [], FirstOperand>;
def : Operation<"tt.histogram", Combination, AllInts,
    Metal<"lowerHistogram", "threadgroup atomics">, MLX<"raiseHistogram", "equal, sum">, [], FirstOperand>;

// ---- memory ----

let spelling = "infix(use, \"+\")" in
def : Operation<"tt.addptr", Elementwise, AllInts # [Ptr],
    Metal<"lowerElementwise", "index">, MLX<"raiseAddPointer", "add", "part of the address">>;
def : Operation<"tt.load", Memory, Numbers,
    Metal<"lowerLoad", "device memory">,
    MLX<"raiseLoad", "as_strided, take", "a view where the address is affine, else a gather">, [], Results>;
def : Operation<"tt.store", Memory, Numbers,
    Metal<"lowerStore", "device memory">,
    MLX<"raiseStore", "slice_update, scatter", "a region where the address is affine, else a scatter">, [],
    SecondOperand>;

defvar WideFloatAtomic = CpuOnly<[F64], "is on the CPU device only: Metal has no 64-bit compare-and-exchange.">;
defvar WideAtomics = [CpuOnly<[I64], "is on the CPU device only: Metal has no such 64-bit atomic.">, WideFloatAtomic];
def : Operation<"tt.atomic_rmw", Memory, Numbers,
    Metal<"lowerAtomic", "atomic_fetch_*, compare-exchange",
          "i64 on chips only without a result: add, and, or, xor in halves; unsigned max, min from M2 on",
          [WideFloatAtomic]>,
    MLX<"raiseAtomic", "slice_update, scatter", "its result must not be used">,
    [Refused<[I1], "is kept as a byte: combining it with memory would combine the bytes.",
             "cast<tt::AtomicRMWOp>(op).getAtomicRmwOp() == tt::RMWOp::XCHG">,
     Refused<Storage8, StorageOnly.reason, "cast<tt::AtomicRMWOp>(op).getAtomicRmwOp() == tt::RMWOp::XCHG">],
    SecondOperand>;
def : Operation<"tt.atomic_cas", Memory, Numbers,
    Metal<"lowerAtomic", "compare-exchange", "64 bits on the CPU only", WideAtomics>,
    Refuses<"Compare-and-swap needs an order of the programs: not in the mlx engine.">, [], SecondOperand>;
def : Operation<"tt.atomic_poll", Memory, AllInts,
    Metal<"lowerPoll", "a loop around atomic_load", "on the CPU device and NVIDIA GPUs",
          [CpuOnly<[I16, I32, I64], "is polled on the CPU device only: Metal does not promise that the program goes on "
                                    "which others wait for.">,
           Refused<[I1, I8], "is not polled: Triton polls 16, 32 and 64 bits.">]>,
    Refuses<"Waiting for another program deadlocks when all programs run in step.">, [], SecondOperand>;
def : Operation<"tt.atomic_load", Memory, Numbers,
    Metal<"lowerAtomic", "atomic_load", "64 bits on the CPU only", WideAtomics>,
    Refuses<"An atomic load needs an order of the programs: not in the mlx engine.">, [], Results>;
def : Operation<"tt.atomic_store", Memory, Numbers,
    Metal<"lowerAtomic", "atomic_store", "64 bits on the CPU only", WideAtomics>,
    Refuses<"An atomic store needs an order of the programs: not in the mlx engine.">, [], SecondOperand>;
defvar NoAddress = Refuses<"An address made from an integer belongs to no argument.">;
def : Operation<"tt.int_to_ptr", Elementwise, [I64, Ptr], NoAddress, NoAddress>;
let spelling = "\"long(\" + use.operand(0) + \")\"" in
def : Operation<"tt.ptr_to_int", Elementwise, [I64, Ptr],
    Metal<"lowerElementwise", "cast">,
    Refuses<"MLX arrays have no address that a kernel could compute with.">>;

defvar DescriptorLeft = Before<"loads and stores", "Descriptors are taken apart before; what is left cannot be.">;
foreach access = ["tt.make_tensor_descriptor", "tt.descriptor_load", "tt.descriptor_store",
                  "tt.descriptor_gather", "tt.descriptor_scatter"] in
  def : Operation<access, Memory, Numbers, DescriptorLeft, DescriptorLeft>;

def : Operation<"tt.descriptor_reduce", Memory, Numbers, DescriptorLeft, DescriptorLeft,
    [Refused<[I1], "is kept as a byte: combining it with memory would combine the bytes.">,
     Refused<Storage8, StorageOnly.reason>], SecondOperand>;

// ---- reductions, scans, products ----

let handlesStorage = true in {
def : Operation<"tt.reduce", Combination, Everything,
    Metal<"lowerReduce", "registers, simd_shuffle_xor, threadgroup memory", "any combiner">,
    MLX<"raiseReduce", "sum, prod, max, min, all, any", "any other combiner as a tree of its operations",
        [PointerInMLX]>>;
def : Operation<"tt.scan", Combination, Everything,
    Metal<"lowerScan", "simd_shuffle_up, threadgroup memory", "any combiner">,
    MLX<"raiseScan", "cumsum, cumprod, cummax, cummin", "any other combiner in log2(n) steps", [PointerInMLX]>>;
def : Operation<"tt.dot", Combination, Numbers,
    Metal<"lowerDot", "simdgroup_matrix", "f16, bf16, f32 from 8x8x8; else multiply and add; rounds once">,
    MLX<"raiseDot", "matmul", "in f32 (f64 for f64); int8 exact in chunks of 1024",
        [Refused<[I16, I32, I64], "is too wide: products of integers are exact for int8 only.">]>, [],
    FirstOperand>;
}
defvar ScaledDotLeft = Before<"a dot product", "Scaled products become plain ones before; what is left cannot.">;
def : Operation<"tt.dot_scaled", Combination, [I8, F16, BF16, F32, E5M2, E4M3FN], ScaledDotLeft, ScaledDotLeft>;
let handlesStorage = true in
def : Operation<"tt.map_elementwise", Combination, Everything,
    Metal<"lowerMapElementwise", "the region's operations">,
    MLX<"raiseMapElementwise", "the region's operations", "packs of one element", [PointerInMLX]>>;

// ---- control ----

def : Operation<"scf.for", Control, Everything,
    Metal<"lowerFor", "for">,
    MLX<"raiseFor", "unrolled, lifted or while", "lifted to an axis when it only accumulates">>;
def : Operation<"scf.if", Control, Everything,
    Metal<"lowerIf", "if">, MLX<"raiseIf", "where", "both branches under masks">>;
def : Operation<"scf.while", Control, Everything,
    Metal<"lowerWhile", "while">,
    MLX<"raiseWhile", "while", "the condition must not depend on memory that the launch stores to">>;
foreach terminator = ["scf.yield", "scf.condition", "tt.reduce.return", "tt.scan.return",
                      "tt.map_elementwise.return"] in
  def : Operation<terminator, Structure, Everything, Within, MLX<"raiseNothing", "">>;
let spelling = "undefined(use)", handlesStorage = true in
def : Operation<"ub.poison", Elementwise, Everything,
    Metal<"lowerElementwise", "zero", "any value">,
    MLX<"raisePoison", "constant", "any value", [Refused<[Ptr], "has no undefined value in MLX.">]>>;
def : Operation<"llvm.intr.assume", Control, [I1], Metal<"lowerNothing", "none">, MLX<"raiseNothing", "none">>;
foreach dependency = ["tt.grid_dependency_wait", "tt.grid_dependency_launch_dependents"] in
  def : Operation<dependency, Control, [], Metal<"lowerNothing", "none", "launches run in order">,
                  MLX<"raiseNothing", "none", "launches run in order">>;
def : Operation<"ttg.barrier", Control, [],
    Metal<"lowerBarrier", "threadgroup_barrier">, MLX<"raiseNothing", "none", "programs run in step">>;
def : Operation<"tt.print", Message, Everything,
    Metal<"lowerPrint", "record for the host", "a bounded buffer; overflow is reported">,
    Refuses<"Printing from a kernel is not possible in the mlx engine.">,
    [WidenedUnless<"cast<tt::PrintOp>(op).getHex()">]>; // in hexadecimal, the byte is printed
def : Operation<"tt.assert", Message, [I1],
    Metal<"lowerAssert", "record for the host", "an error after the launch">,
    Refuses<"Assertions in a kernel are not possible in the mlx engine.">>;
defvar OtherAssembly = Refuses<"Inline assembly is for another instruction set.">;
def : Operation<"tt.elementwise_inline_asm", Elementwise, Everything, OtherAssembly, OtherAssembly>;
let spelling = "libraryFunction(use)" in
def : Operation<"tt.extern_elementwise", Elementwise, Everything,
    Metal<"lowerElementwise", "see libdevice", "by the function's name">,
    MLX<"raiseExternElementwise", "see libdevice", "by the function's name">,
    [StorageOnly, Refused<[Ptr], "is no argument of a library function.">]>;

// ---- integers ----

let handlesStorage = true in
def : Operation<"arith.constant", Elementwise, Numbers,
    Metal<"lowerElementwise", "constant">, MLX<"raiseConstant", "constant">>;

defvar NotOnI1 = Refused<[I1], "is not supported by this operation.">;

/// An integer function: in Metal spelled by `spell`, in MLX raised by a rule of that name.
class Integer<string op, string metalForm, string mlxForm, string spell, string note = "",
              list<Limit> mlxLimits = []>
    : Operation<"arith." # op, Elementwise, AllInts, Metal<"lowerElementwise", metalForm, note>,
                MLX<"raiseInteger", mlxForm, note, mlxLimits>> {
  let spelling = spell;
}
def : Integer<"addi", "+", "add", "wrapping(use, \"+\", \"add\")", "wraps">;
def : Integer<"subi", "-", "subtract", "wrapping(use, \"-\", \"sub\")", "wraps">;
def : Integer<"muli", "*", "multiply", "wrapping(use, \"*\", \"mul\")", "wraps">;
def : Integer<"divsi", "/", "floor_divide of magnitudes", "divide(use, \"tm::div\", true, false)", "truncates",
              [NotOnI1]>;
def : Integer<"remsi", "%", "floor_divide of magnitudes", "divide(use, \"tm::rem\", true, true)",
              "sign of the dividend", [NotOnI1]>;
def : Integer<"divui", "/", "floor_divide", "divide(use, \"tm::udiv\", false, false)", "", [NotOnI1]>;
def : Integer<"remui", "%", "floor_divide", "divide(use, \"tm::urem\", false, true)", "", [NotOnI1]>;
def : Integer<"floordivsi", "/", "floor_divide", Call<"floor_div">.text, "", [NotOnI1]>;
def : Integer<"ceildivsi", "/", "floor_divide", Call<"ceil_div">.text, "", [NotOnI1]>;
let spelling = Call<"uceil_div">.text in
def : Operation<"arith.ceildivui", Elementwise, AllInts, Metal<"lowerElementwise", "/">, NotInMLX>;
def : Integer<"andi", "&", "bitwise_and", "bitwise(use, \"&\")">;
def : Integer<"ori", "|", "bitwise_or", "bitwise(use, \"|\")">;
def : Integer<"xori", "^", "bitwise_xor", "bitwise(use, \"^\")">;
def : Integer<"shli", "<<", "left_shift", Call<"shl">.text, "", [NotOnI1]>;
def : Integer<"shrsi", ">>", "right_shift", "shiftRight(use, \"tm::shr\")", "", [NotOnI1]>;
let spelling = "shiftRight(use, \"tm::ushr\")" in
def : Operation<"arith.shrui", Elementwise, AllInts, Metal<"lowerElementwise", ">>">,
                MLX<"raiseInteger", "right_shift", "as unsigned", [NotOnI1]>>;
def : Integer<"maxsi", "max", "maximum", Call<"imax">.text>;
def : Integer<"minsi", "min", "minimum", Call<"imin">.text>;
let spelling = Call<"umax">.text in
def : Operation<"arith.maxui", Elementwise, AllInts, Metal<"lowerElementwise", "max">,
                MLX<"raiseInteger", "maximum", "as unsigned">>;
let spelling = Call<"umin">.text in
def : Operation<"arith.minui", Elementwise, AllInts, Metal<"lowerElementwise", "min">,
                MLX<"raiseInteger", "minimum", "as unsigned">>;
let spelling = Call<"mulhi_unsigned">.text in
def : Operation<"tt.mulhiui", Elementwise, AllInts, Metal<"lowerElementwise", "mulhi">,
                MLX<"raiseInteger", "multiply, right_shift", "64 bits from halves">, [NotOnI1]>;
def : Operation<"arith.mulsi_extended", Elementwise, AllInts, Metal<"lowerElementwise", "*, mulhi">,
                MLX<"raiseExtendedMultiply", "multiply, right_shift">>;
def : Operation<"arith.mului_extended", Elementwise, AllInts, Metal<"lowerElementwise", "*, mulhi">,
                MLX<"raiseExtendedMultiply", "multiply, right_shift">>;

/// A function of one integer: tm::NAME.
class IntegerFunction<string op, string metalForm, string mlxForm, string function>
    : Operation<"math." # op, Elementwise, AllInts, Metal<"lowerElementwise", metalForm>,
                MLX<"raiseInteger", mlxForm>, [NotOnI1]> {
  let spelling = Call<function>.text;
}
def : IntegerFunction<"absi", "abs", "abs", "iabs">;
def : IntegerFunction<"ctpop", "popcount", "shifts and adds", "ctpop">;
def : IntegerFunction<"ctlz", "clz", "shifts and adds", "ctlz">;
def : IntegerFunction<"cttz", "ctz", "shifts and adds", "cttz">;

let spelling = "compareInteger(use)" in
def : Operation<"arith.cmpi", Elementwise, AllInts, Metal<"lowerElementwise", "<, ==, ...">,
                MLX<"raiseCompareInteger", "less, equal, ...">, [], FirstOperand>;
let spelling = "select(use)", handlesStorage = true in
def : Operation<"arith.select", Elementwise, Everything, Metal<"lowerElementwise", "?:">,
                MLX<"raiseSelect", "where">, [], Results>;

// ---- floating point ----

/// The C++ class of an operation of MLX.
class MLXClass<string mnemonic> {
  string text = "mlxir::" # !toupper(!substr(mnemonic, 0, 1)) # !substr(mnemonic, 1) # "Op";
}

/// A function of floats: in Metal spelled by `spell`, in MLX raised by `rule`.
class FloatOperation<string op, string metalForm, string spell, string mlxForm, string rule, string note = "",
                     string mlxNote = note>
    : Operation<op, Elementwise, AllFloats, Metal<"lowerElementwise", metalForm, note>,
                MLX<rule, mlxForm, mlxNote>, [StorageOnly]> {
  let spelling = spell;
}
/// tm::METAL(x) and mlx.ROW(x): enough for a function of one float that both engines have.
class FloatFunction<string op, string metal, string mlx, string mlxNote = "">
    : FloatOperation<op, metal, FloatCall<metal>.text, mlx, "raiseUnaryFloat<" # MLXClass<mlx>.text # ">", "", mlxNote>;
/// The same for two floats.
class FloatFunction2<string op, string metal, string mlx>
    : FloatOperation<op, metal, FloatCall<metal>.text, mlx, "raiseBinaryFloat<" # MLXClass<mlx>.text # ">">;
/// An operator that rounds after each operation, and is a single operation of MLX.
class FloatArithmetic<string op, string sign, string mlx>
    : FloatOperation<op, sign, FloatSign<sign>.text, mlx, "raiseBinaryFloat<" # MLXClass<mlx>.text # ">">;
/// tm::METAL(x, ...) in Metal, our own form in MLX.
class FloatMath<string op, string metal, string mlxForm, string note = "", string mlxNote = note>
    : FloatOperation<op, metal, FloatCall<metal>.text, mlxForm, "raiseFloatMath", note, mlxNote>;
/// tm::METAL(x) in Metal only.
class FloatInMetal<string op, string function>
    : Operation<op, Elementwise, AllFloats, Metal<"lowerElementwise", function>, NotInMLX, [StorageOnly]> {
  let spelling = FloatCall<function>.text;
}

let limits = [InFloat32] in {
def : FloatArithmetic<"arith.addf", "+", "add">;
def : FloatArithmetic<"arith.subf", "-", "subtract">;
def : FloatArithmetic<"arith.mulf", "*", "multiply">;
def : FloatArithmetic<"arith.divf", "/", "divide">;
def : FloatArithmetic<"tt.approx_divf", "/", "divide">;
def : FloatArithmetic<"tt.precise_divf", "/", "divide">;
def : FloatOperation<"arith.remf", "fmod", FloatCall<"fmod">.text, "remainder", "raiseFloatMath",
                     "sign of the dividend">;
def : FloatOperation<"arith.negf", "-", "negate(use)", "negative", "raiseUnaryFloat<mlxir::NegativeOp>">;
def : FloatOperation<"arith.maximumf", "max", Call<"maximum">.text, "maximum", "raiseBinaryFloat<mlxir::MaximumOp>",
                     "propagates NaN">;
def : FloatOperation<"arith.minimumf", "min", Call<"minimum">.text, "minimum", "raiseBinaryFloat<mlxir::MinimumOp>",
                     "propagates NaN">;
def : FloatOperation<"arith.maxnumf", "fmax", Call<"maxnum">.text, "maximum, where", "raiseFloatMath",
                     "the other operand for NaN">;
def : FloatOperation<"arith.minnumf", "fmin", Call<"minnum">.text, "minimum, where", "raiseFloatMath",
                     "the other operand for NaN">;
let spelling = "compareFloat(use)" in
def : Operation<"arith.cmpf", Elementwise, AllFloats, Metal<"lowerElementwise", "<, ==, ...">,
                MLX<"raiseCompareFloat", "less, equal, ...">, [], FirstOperand>;
def : FloatOperation<"tt.clampf", "fmin, fmax", "clamp(use)", "minimum, maximum", "raiseFloatMath">;
def : FloatOperation<"math.fma", "fma", Call<"fma">.text, "multiply, add, subtract", "raiseFloatMath", "",
                     "rounded once, by error-free transformations">;
def : FloatOperation<"math.absf", "fabs", FloatCall<"abs">.text, "abs", "raiseUnaryFloat<mlxir::AbsOp>">;
}
def : FloatFunction<"math.ceil", "ceil", "ceil">;
def : FloatFunction<"math.floor", "floor", "floor">;
def : FloatInMetal<"math.round", "round">;
def : FloatFunction<"math.roundeven", "rint", "round">;
def : FloatMath<"math.trunc", "trunc", "floor, ceil, where">;
def : FloatFunction<"math.sqrt", "sqrt", "sqrt">;
def : FloatFunction<"tt.precise_sqrt", "sqrt", "sqrt">;
def : FloatFunction<"math.rsqrt", "rsqrt", "rsqrt">;
def : FloatInMetal<"math.cbrt", "cbrt">;
def : FloatFunction<"math.exp", "exp", "exp">;
def : FloatMath<"math.exp2", "exp2", "power">;
def : FloatFunction<"math.expm1", "expm1", "expm1">;
def : FloatFunction<"math.log", "log", "log">;
def : FloatFunction<"math.log2", "log2", "log2">;
def : FloatFunction<"math.log10", "log10", "log10">;
def : FloatFunction<"math.log1p", "log1p", "log1p">;
def : FloatFunction<"math.sin", "sin", "sin">;
def : FloatFunction<"math.cos", "cos", "cos">;
def : FloatFunction<"math.tan", "tan", "tan">;
def : FloatFunction<"math.asin", "asin", "arcsin">;
def : FloatFunction<"math.acos", "acos", "arccos">;
def : FloatFunction<"math.atan", "atan", "arctan">;
def : FloatFunction<"math.sinh", "sinh", "sinh">;
def : FloatFunction<"math.cosh", "cosh", "cosh">;
def : FloatFunction<"math.tanh", "tanh", "tanh">;
def : FloatFunction<"math.asinh", "asinh", "arcsinh">;
def : FloatFunction<"math.acosh", "acosh", "arccosh">;
def : FloatFunction<"math.atanh", "atanh", "arctanh">;
def : FloatFunction<"math.erf", "erf", "erf", "series near zero and for f64">;
def : FloatInMetal<"math.erfc", "erfc">;
def : FloatFunction2<"math.atan2", "atan2", "arctan2">;
def : FloatFunction2<"math.powf", "pow", "power">;
def : FloatMath<"math.copysign", "copysign", "view, bitwise_and">;

// ---- conversions ----

/// The record describes both source and result. `limits` apply to the values that are computed with.
class Conversion<string op, list<ElementType> types, string metalForm, string mlxForm, string spell,
                 string note = "", string mlxNote = note, list<Limit> limits = [], list<Limit> mlxLimits = []>
    : Operation<op, Elementwise, types, Metal<"lowerElementwise", metalForm, note>,
                MLX<"raiseConversion", mlxForm, mlxNote, mlxLimits>, limits> {
  let spelling = spell;
  let handlesStorage = true;
}
def : Conversion<"arith.extsi", AllInts, "cast", "astype", "convertSigned(use)">;
def : Conversion<"arith.extui", AllInts, "cast", "view, astype", "convertUnsigned(use)">;
def : Conversion<"arith.trunci", AllInts, "cast", "astype", "truncateInteger(use)", "wraps">;
def : Conversion<"arith.sitofp", AllInts # AllFloats, "cast", "astype", "convertSigned(use)", "", "",
                 [InFloat32]>;
def : Conversion<"arith.uitofp", AllInts # AllFloats, "cast", "view, astype", "convertUnsigned(use)", "", "",
                 [InFloat32]>;
def : Conversion<"arith.fptosi", AllInts # AllFloats, "cast", "astype", "toSigned(use)",
                 "saturates; NaN is 0", "NaN and out of range: undefined", [InFloat32]>;
def : Conversion<"arith.fptoui", AllInts # AllFloats, "cast", "astype", "toUnsigned(use)",
                 "saturates; NaN is 0", "NaN and out of range: undefined", [InFloat32]>;
def : Conversion<"arith.extf", AllFloats, "cast", "astype", "convertFloat(use)">;
def : Conversion<"arith.truncf", AllFloats, "cast", "astype", "convertFloat(use)", "to nearest even; fp8 saturates">;
def : Conversion<"tt.fp_to_fp", AllFloats, "cast, bit operations", "astype, bit operations",
                 "convertFloat(use)", "to nearest even or toward zero; fp8 saturates">;
foreach bitcast = ["arith.bitcast", "tt.bitcast"] in
  let spelling = "bitcast(use)", handlesStorage = true in
  def : Operation<bitcast, Elementwise, !if(!eq(bitcast, "tt.bitcast"), Everything, Numbers),
                  Metal<"lowerElementwise", "as_type">, MLX<"raiseBitcast", "view">>;

// ---- operations that Triton does not write ----

foreach op = ["arith.addui_extended", "arith.index_castui", "arith.scaling_extf", "arith.scaling_truncf",
              "math.clampf", "math.fpowi", "math.ipowi", "math.isfinite", "math.isinf", "math.isnan", "math.isnormal",
              "math.sincos"] in
  def : Operation<op, Elementwise, Everything, NotInMetal, NotInMLX>;
foreach op = ["scf.execute_region", "scf.forall", "scf.forall.in_parallel", "scf.index_switch", "scf.parallel",
              "scf.reduce", "scf.reduce.return", "ub.unreachable"] in
  def : Operation<op, Control, Everything, NotInMetal, NotInMLX>;
// Written by our own passes.
let spelling = "convert(use)" in
def : Operation<"arith.index_cast", Elementwise, AllInts, NotInMetal, NotInMLX>;

#endif

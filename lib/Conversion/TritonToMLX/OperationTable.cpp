// SPDX-License-Identifier: MIT
// The table of operations: for each one its form in the `mlx` dialect, its rule, and what is refused.
#include "Raiser.h"

#include "llvm/ADT/StringMap.h"

using namespace llvm;

namespace tmetal {

using R = Raiser;

static const OperationRule kRules[] = {
    // Programs and ranges
    {"tt.get_program_id", "program axis", &R::raiseProgramId, "", "known when raised"},
    {"tt.get_num_programs", "constant", &R::raiseNumPrograms, "", "known when raised"},
    {"tt.make_range", "arange", &R::raiseMakeRange, "", "known when raised"},
    {"tt.func", "func.func", &R::raiseNothing, "", ""},
    {"tt.return", "return", &R::raiseNothing, "", ""},
    {"tt.call", "", nullptr, "", "Calls are inlined before; what is left cannot be."},
    // Shapes
    {"tt.splat", "reshape", &R::raiseSplat, "", ""},
    {"tt.unsplat", "reshape", &R::raiseUnsplat, "", ""},
    {"tt.expand_dims", "reshape", &R::raiseExpandDims, "", ""},
    {"tt.broadcast", "broadcast_to", &R::raiseBroadcast, "", "implicit: an axis of extent 1"},
    {"tt.reshape", "reshape", &R::raiseReshape, "", ""},
    {"tt.trans", "transpose", &R::raiseTranspose, "", ""},
    {"tt.cat", "concatenate", &R::raiseConcatenate, "", ""},
    {"tt.join", "concatenate", &R::raiseJoin, "", ""},
    {"tt.split", "slice", &R::raiseSplit, "", ""},
    {"tt.gather", "take_along_axis", &R::raiseGather, "", ""},
    {"tt.histogram", "equal, sum", &R::raiseHistogram, "", ""},
    // Memory
    {"tt.addptr", "add", &R::raiseAddPointer, "", "part of the address"},
    {"tt.load", "as_strided, take", &R::raiseLoad, "", "a view where the address is affine, else a gather"},
    {"tt.store", "slice_update, scatter", &R::raiseStore, "",
     "a region where the address is affine, else a scatter"},
    {"tt.atomic_rmw", "slice_update, scatter", &R::raiseAtomic, "", "its result must not be used"},
    {"tt.atomic_cas", "", nullptr, "",
     "Compare-and-swap needs an order of the programs: not in the mlx engine."},
    {"tt.atomic_poll", "", nullptr, "",
     "Waiting for another program deadlocks when all programs run in step."},
    {"tt.atomic_load", "", nullptr, "",
     "An atomic load needs an order of the programs: not in the mlx engine."},
    {"tt.atomic_store", "", nullptr, "",
     "An atomic store needs an order of the programs: not in the mlx engine."},
    {"tt.int_to_ptr", "", nullptr, "", "An address made from an integer belongs to no argument."},
    {"tt.ptr_to_int", "", nullptr, "", "MLX arrays have no address that a kernel could compute with."},
    // Reductions, scans, products
    {"tt.reduce", "sum, prod, max, min, all, any", &R::raiseReduce, "",
     "any other combiner as a tree of its operations"},
    {"tt.scan", "cumsum, cumprod, cummax, cummin", &R::raiseScan, "", "any other combiner in log2(n) steps"},
    {"tt.dot", "matmul", &R::raiseDot, "", "in f32 (f64 for f64); int8 exact in chunks of 1024"},
    {"tt.dot_scaled", "", nullptr, "", "Scaled dot products (microscaling formats) are not supported yet."},
    {"tt.map_elementwise", "the region's operations", &R::raiseMapElementwise, "", "packs of one element"},
    // Control
    {"scf.for", "unrolled, lifted or while", &R::raiseFor, "", "lifted to an axis when it only accumulates"},
    {"scf.if", "where", &R::raiseIf, "", "both branches under masks"},
    {"scf.while", "while", &R::raiseWhile, "",
     "the condition must not depend on memory that the launch stores to"},
    {"scf.yield", "", &R::raiseNothing, "", ""},
    {"scf.condition", "", &R::raiseNothing, "", ""},
    {"tt.reduce.return", "", &R::raiseNothing, "", ""},
    {"tt.scan.return", "", &R::raiseNothing, "", ""},
    {"tt.map_elementwise.return", "", &R::raiseNothing, "", ""},
    {"ub.poison", "constant", &R::raisePoison, "", "any value"},
    {"llvm.intr.assume", "none", &R::raiseNothing, "", ""},
    {"tt.grid_dependency_wait", "none", &R::raiseNothing, "", "launches run in order"},
    {"tt.grid_dependency_launch_dependents", "none", &R::raiseNothing, "", "launches run in order"},
    {"ttg.barrier", "none", &R::raiseNothing, "", "programs run in step"},
    {"tt.print", "", nullptr, "", "Printing from a kernel is not possible in the mlx engine."},
    {"tt.assert", "", nullptr, "", "Assertions in a kernel are not possible in the mlx engine."},
    {"tt.elementwise_inline_asm", "", nullptr, "", "Inline assembly is for another instruction set."},
    {"tt.extern_elementwise", "see libdevice", &R::raiseExternElementwise, "", "by the function's name"},
    // Integers
    {"arith.constant", "constant", &R::raiseConstant, "", ""},
    {"arith.addi", "add", &R::raiseInteger, "addi", "wraps"},
    {"arith.subi", "subtract", &R::raiseInteger, "subi", "wraps"},
    {"arith.muli", "multiply", &R::raiseInteger, "muli", "wraps"},
    {"arith.divsi", "floor_divide of magnitudes", &R::raiseInteger, "divsi", "truncates"},
    {"arith.remsi", "floor_divide of magnitudes", &R::raiseInteger, "remsi", "sign of the dividend"},
    {"arith.divui", "floor_divide", &R::raiseInteger, "divui", ""},
    {"arith.remui", "floor_divide", &R::raiseInteger, "remui", ""},
    {"arith.floordivsi", "floor_divide", &R::raiseInteger, "floordivsi", ""},
    {"arith.ceildivsi", "floor_divide", &R::raiseInteger, "ceildivsi", ""},
    {"arith.andi", "bitwise_and", &R::raiseInteger, "andi", ""},
    {"arith.ori", "bitwise_or", &R::raiseInteger, "ori", ""},
    {"arith.xori", "bitwise_xor", &R::raiseInteger, "xori", ""},
    {"arith.shli", "left_shift", &R::raiseInteger, "shli", ""},
    {"arith.shrsi", "right_shift", &R::raiseInteger, "shrsi", ""},
    {"arith.shrui", "right_shift", &R::raiseInteger, "shrui", "as unsigned"},
    {"arith.maxsi", "maximum", &R::raiseInteger, "maxsi", ""},
    {"arith.minsi", "minimum", &R::raiseInteger, "minsi", ""},
    {"arith.maxui", "maximum", &R::raiseInteger, "maxui", "as unsigned"},
    {"arith.minui", "minimum", &R::raiseInteger, "minui", "as unsigned"},
    {"tt.mulhiui", "multiply, right_shift", &R::raiseInteger, "mulhiui", "64 bits from halves"},
    {"arith.mulsi_extended", "multiply, right_shift", &R::raiseExtendedMultiply, "signed", ""},
    {"arith.mului_extended", "multiply, right_shift", &R::raiseExtendedMultiply, "unsigned", ""},
    {"math.absi", "abs", &R::raiseInteger, "absi", ""},
    {"math.ctpop", "shifts and adds", &R::raiseInteger, "ctpop", ""},
    {"math.ctlz", "shifts and adds", &R::raiseInteger, "ctlz", ""},
    {"math.cttz", "shifts and adds", &R::raiseInteger, "cttz", ""},
    {"arith.cmpi", "less, equal, ...", &R::raiseCompareInteger, "", ""},
    {"arith.select", "where", &R::raiseSelect, "", ""},
    // Floating point
    {"arith.addf", "add", &R::raiseBinaryFloat, "add", ""},
    {"arith.subf", "subtract", &R::raiseBinaryFloat, "subtract", ""},
    {"arith.mulf", "multiply", &R::raiseBinaryFloat, "multiply", ""},
    {"arith.divf", "divide", &R::raiseBinaryFloat, "divide", ""},
    {"tt.approx_divf", "divide", &R::raiseBinaryFloat, "divide", ""},
    {"tt.precise_divf", "divide", &R::raiseBinaryFloat, "divide", ""},
    {"arith.remf", "remainder", &R::raiseFloatMath, "remf", "sign of the dividend"},
    {"arith.negf", "negative", &R::raiseUnaryFloat, "negative", ""},
    {"arith.maximumf", "maximum", &R::raiseBinaryFloat, "maximum", "propagates NaN"},
    {"arith.minimumf", "minimum", &R::raiseBinaryFloat, "minimum", "propagates NaN"},
    {"arith.maxnumf", "maximum, where", &R::raiseFloatMath, "maxnum", "the other operand for NaN"},
    {"arith.minnumf", "minimum, where", &R::raiseFloatMath, "minnum", "the other operand for NaN"},
    {"arith.cmpf", "less, equal, ...", &R::raiseCompareFloat, "", ""},
    {"tt.clampf", "minimum, maximum", &R::raiseFloatMath, "clampf", ""},
    {"math.fma", "multiply, add, subtract", &R::raiseFloatMath, "fma",
     "rounded once, by error-free transformations"},
    {"math.absf", "abs", &R::raiseUnaryFloat, "abs", ""},
    {"math.ceil", "ceil", &R::raiseUnaryFloat, "ceil", ""},
    {"math.floor", "floor", &R::raiseUnaryFloat, "floor", ""},
    {"math.roundeven", "round", &R::raiseUnaryFloat, "round", ""},
    {"math.trunc", "floor, ceil, where", &R::raiseFloatMath, "trunc", ""},
    {"math.sqrt", "sqrt", &R::raiseUnaryFloat, "sqrt", ""},
    {"tt.precise_sqrt", "sqrt", &R::raiseUnaryFloat, "sqrt", ""},
    {"math.rsqrt", "rsqrt", &R::raiseUnaryFloat, "rsqrt", ""},
    {"math.exp", "exp", &R::raiseUnaryFloat, "exp", ""},
    {"math.exp2", "power", &R::raiseFloatMath, "exp2", ""},
    {"math.expm1", "expm1", &R::raiseUnaryFloat, "expm1", ""},
    {"math.log", "log", &R::raiseUnaryFloat, "log", ""},
    {"math.log2", "log2", &R::raiseUnaryFloat, "log2", ""},
    {"math.log10", "log10", &R::raiseUnaryFloat, "log10", ""},
    {"math.log1p", "log1p", &R::raiseUnaryFloat, "log1p", ""},
    {"math.sin", "sin", &R::raiseUnaryFloat, "sin", ""},
    {"math.cos", "cos", &R::raiseUnaryFloat, "cos", ""},
    {"math.tan", "tan", &R::raiseUnaryFloat, "tan", ""},
    {"math.tanh", "tanh", &R::raiseUnaryFloat, "tanh", ""},
    {"math.erf", "erf", &R::raiseUnaryFloat, "erf", "series near zero and for f64"},
    {"math.atan2", "arctan2", &R::raiseBinaryFloat, "arctan2", ""},
    {"math.powf", "power", &R::raiseBinaryFloat, "power", ""},
    {"math.copysign", "view, bitwise_and", &R::raiseFloatMath, "copysign", ""},
    // Conversions
    {"arith.extsi", "astype", &R::raiseConversion, "extsi", ""},
    {"arith.extui", "view, astype", &R::raiseConversion, "extui", ""},
    {"arith.trunci", "astype", &R::raiseConversion, "trunci", "wraps"},
    {"arith.sitofp", "astype", &R::raiseConversion, "sitofp", ""},
    {"arith.uitofp", "view, astype", &R::raiseConversion, "uitofp", ""},
    {"arith.fptosi", "astype", &R::raiseConversion, "fptosi", "NaN and out of range: undefined"},
    {"arith.fptoui", "astype", &R::raiseConversion, "fptoui", "NaN and out of range: undefined"},
    {"arith.extf", "astype", &R::raiseConversion, "extf", ""},
    {"arith.truncf", "astype", &R::raiseConversion, "truncf", "to nearest even"},
    {"tt.fp_to_fp", "astype, bit operations", &R::raiseConversion, "fp_to_fp",
     "to nearest even or toward zero; fp8 saturates"},
    {"arith.bitcast", "view", &R::raiseBitcast, "", ""},
    {"tt.bitcast", "view", &R::raiseBitcast, "", ""},
};

const OperationRule *findRule(StringRef name) {
  static const StringMap<const OperationRule *> index = [] {
    StringMap<const OperationRule *> map;
    for (const OperationRule &rule : kRules)
      map[rule.name] = &rule;
    return map;
  }();
  return index.lookup(name);
}

std::vector<OperationInfo> operationTable() {
  std::vector<OperationInfo> rows;
  for (const OperationRule &rule : kRules)
    rows.push_back({rule.name, rule.mlx, rule.note});
  return rows;
}

} // namespace tmetal

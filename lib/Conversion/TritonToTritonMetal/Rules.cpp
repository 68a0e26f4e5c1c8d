// SPDX-License-Identifier: MIT
// The table of operations of the engine that writes Metal kernels.
#include "Distributor.h"

#include "llvm/ADT/StringMap.h"

using namespace llvm;

namespace tmetal {

using D = Distributor;

static const DistributionRule kRules[] = {
    // Programs and ranges
    {"tt.get_program_id", &D::lowerScalar, "threadgroup_position_in_grid", ""},
    {"tt.get_num_programs", &D::lowerScalar, "threadgroups_per_grid", ""},
    {"tt.make_range", &D::lowerNothing, "index of the thread and register", "computed where it is needed"},
    {"tt.call", nullptr, "", "Calls are inlined before; what is left cannot be."},
    // Shapes
    {"tt.splat", &D::lowerNothing, "scalar", "computed where it is needed"},
    {"tt.unsplat", &D::lowerUnsplat, "scalar", ""},
    {"tt.expand_dims", &D::lowerShape, "map of bits", ""},
    {"tt.broadcast", &D::lowerShape, "map of bits", ""},
    {"tt.reshape", &D::lowerShape, "map of bits", ""},
    {"tt.trans", &D::lowerShape, "map of bits", "through threadgroup memory when threads differ"},
    {"tt.cat", &D::lowerShape, "select", ""},
    {"tt.join", &D::lowerShape, "select", ""},
    {"tt.split", &D::lowerShape, "map of bits", ""},
    {"tt.gather", &D::lowerGather, "threadgroup memory", "an index out of range reads some element"},
    {"tt.histogram", &D::lowerHistogram, "threadgroup atomics", ""},
    // Memory
    {"tt.addptr", &D::lowerElementwise, "index", ""},
    {"tt.load", &D::lowerLoad, "device memory", ""},
    {"tt.store", &D::lowerStore, "device memory", ""},
    {"tt.atomic_rmw", &D::lowerAtomic, "atomic_fetch_*, compare-exchange", "64 bits on the CPU only"},
    {"tt.atomic_cas", &D::lowerAtomic, "compare-exchange", "64 bits on the CPU only"},
    {"tt.atomic_load", &D::lowerAtomic, "atomic_load", ""},
    {"tt.atomic_store", &D::lowerAtomic, "atomic_store", ""},
    {"tt.atomic_poll", nullptr, "", "Metal promises no progress of a program that others wait for."},
    {"tt.int_to_ptr", nullptr, "", "An address made from an integer belongs to no argument."},
    {"tt.ptr_to_int", &D::lowerElementwise, "cast", ""},
    // Reductions, scans, products
    {"tt.reduce", &D::lowerReduce, "registers, simd_shuffle_xor, threadgroup memory", "any combiner"},
    {"tt.scan", &D::lowerScan, "simd_shuffle_up, threadgroup memory", "any combiner"},
    {"tt.dot", &D::lowerDot, "simdgroup_matrix", "f16, bf16, f32 from 8x8x8; else multiply and add"},
    {"tt.dot_scaled", nullptr, "", "Scaled dot products (microscaling formats) are not supported yet."},
    {"tt.map_elementwise", &D::lowerMapElementwise, "the region's operations", ""},
    // Control
    {"scf.for", &D::lowerFor, "for", ""},
    {"scf.if", &D::lowerIf, "if", ""},
    {"scf.while", &D::lowerWhile, "while", ""},
    {"ub.poison", &D::lowerElementwise, "zero", "any value"},
    {"llvm.intr.assume", &D::lowerNothing, "none", ""},
    {"tt.grid_dependency_wait", &D::lowerNothing, "none", "launches run in order"},
    {"tt.grid_dependency_launch_dependents", &D::lowerNothing, "none", "launches run in order"},
    {"ttg.barrier", &D::lowerBarrier, "threadgroup_barrier", ""},
    {"tt.print", &D::lowerPrint, "record for the host", "a bounded buffer; overflow is reported"},
    {"tt.assert", &D::lowerAssert, "record for the host", "an error after the launch"},
    {"tt.elementwise_inline_asm", nullptr, "", "Inline assembly is for another instruction set."},
    {"tt.extern_elementwise", &D::lowerElementwise, "see libdevice", "by the function's name"},
    // Elementwise
    {"arith.constant", &D::lowerElementwise, "constant", ""},
    {"arith.addi", &D::lowerElementwise, "+", "wraps"},
    {"arith.subi", &D::lowerElementwise, "-", "wraps"},
    {"arith.muli", &D::lowerElementwise, "*", "wraps"},
    {"arith.divsi", &D::lowerElementwise, "/", "truncates"},
    {"arith.remsi", &D::lowerElementwise, "%", "sign of the dividend"},
    {"arith.divui", &D::lowerElementwise, "/", ""},
    {"arith.remui", &D::lowerElementwise, "%", ""},
    {"arith.floordivsi", &D::lowerElementwise, "/", ""},
    {"arith.ceildivsi", &D::lowerElementwise, "/", ""},
    {"arith.ceildivui", &D::lowerElementwise, "/", ""},
    {"arith.andi", &D::lowerElementwise, "&", ""},
    {"arith.ori", &D::lowerElementwise, "|", ""},
    {"arith.xori", &D::lowerElementwise, "^", ""},
    {"arith.shli", &D::lowerElementwise, "<<", ""},
    {"arith.shrsi", &D::lowerElementwise, ">>", ""},
    {"arith.shrui", &D::lowerElementwise, ">>", ""},
    {"arith.maxsi", &D::lowerElementwise, "max", ""},
    {"arith.minsi", &D::lowerElementwise, "min", ""},
    {"arith.maxui", &D::lowerElementwise, "max", ""},
    {"arith.minui", &D::lowerElementwise, "min", ""},
    {"tt.mulhiui", &D::lowerElementwise, "mulhi", ""},
    {"arith.mulsi_extended", &D::lowerElementwise, "*, mulhi", ""},
    {"arith.mului_extended", &D::lowerElementwise, "*, mulhi", ""},
    {"math.absi", &D::lowerElementwise, "abs", ""},
    {"math.ctpop", &D::lowerElementwise, "popcount", ""},
    {"math.ctlz", &D::lowerElementwise, "clz", ""},
    {"math.cttz", &D::lowerElementwise, "ctz", ""},
    {"arith.cmpi", &D::lowerElementwise, "<, ==, ...", ""},
    {"arith.select", &D::lowerElementwise, "?:", ""},
    {"arith.addf", &D::lowerElementwise, "+", ""},
    {"arith.subf", &D::lowerElementwise, "-", ""},
    {"arith.mulf", &D::lowerElementwise, "*", ""},
    {"arith.divf", &D::lowerElementwise, "/", ""},
    {"tt.approx_divf", &D::lowerElementwise, "/", ""},
    {"tt.precise_divf", &D::lowerElementwise, "/", ""},
    {"arith.remf", &D::lowerElementwise, "fmod", "sign of the dividend"},
    {"arith.negf", &D::lowerElementwise, "-", ""},
    {"arith.maximumf", &D::lowerElementwise, "max", "propagates NaN"},
    {"arith.minimumf", &D::lowerElementwise, "min", "propagates NaN"},
    {"arith.maxnumf", &D::lowerElementwise, "fmax", "the other operand for NaN"},
    {"arith.minnumf", &D::lowerElementwise, "fmin", "the other operand for NaN"},
    {"arith.cmpf", &D::lowerElementwise, "<, ==, ...", ""},
    {"tt.clampf", &D::lowerElementwise, "fmin, fmax", ""},
    {"math.fma", &D::lowerElementwise, "fma", ""},
    {"math.absf", &D::lowerElementwise, "fabs", ""},
    {"math.ceil", &D::lowerElementwise, "ceil", ""},
    {"math.floor", &D::lowerElementwise, "floor", ""},
    {"math.round", &D::lowerElementwise, "round", ""},
    {"math.roundeven", &D::lowerElementwise, "rint", ""},
    {"math.trunc", &D::lowerElementwise, "trunc", ""},
    {"math.sqrt", &D::lowerElementwise, "sqrt", ""},
    {"tt.precise_sqrt", &D::lowerElementwise, "sqrt", ""},
    {"math.rsqrt", &D::lowerElementwise, "rsqrt", ""},
    {"math.exp", &D::lowerElementwise, "exp", ""},
    {"math.exp2", &D::lowerElementwise, "exp2", ""},
    {"math.expm1", &D::lowerElementwise, "expm1", ""},
    {"math.log", &D::lowerElementwise, "log", ""},
    {"math.log2", &D::lowerElementwise, "log2", ""},
    {"math.log10", &D::lowerElementwise, "log10", ""},
    {"math.log1p", &D::lowerElementwise, "log1p", ""},
    {"math.sin", &D::lowerElementwise, "sin", ""},
    {"math.cos", &D::lowerElementwise, "cos", ""},
    {"math.tan", &D::lowerElementwise, "tan", ""},
    {"math.tanh", &D::lowerElementwise, "tanh", ""},
    {"math.erf", &D::lowerElementwise, "erf", ""},
    {"math.atan2", &D::lowerElementwise, "atan2", ""},
    {"math.powf", &D::lowerElementwise, "pow", ""},
    {"math.copysign", &D::lowerElementwise, "copysign", ""},
    // Conversions
    {"arith.extsi", &D::lowerElementwise, "cast", ""},
    {"arith.extui", &D::lowerElementwise, "cast", ""},
    {"arith.trunci", &D::lowerElementwise, "cast", "wraps"},
    {"arith.sitofp", &D::lowerElementwise, "cast", ""},
    {"arith.uitofp", &D::lowerElementwise, "cast", ""},
    {"arith.fptosi", &D::lowerElementwise, "cast", "saturates; NaN is 0"},
    {"arith.fptoui", &D::lowerElementwise, "cast", "saturates; NaN is 0"},
    {"arith.extf", &D::lowerElementwise, "cast", ""},
    {"arith.truncf", &D::lowerElementwise, "cast", "to nearest even"},
    {"tt.fp_to_fp", &D::lowerElementwise, "cast, bit operations", "to nearest even or toward zero"},
    {"arith.bitcast", &D::lowerElementwise, "as_type", ""},
    {"tt.bitcast", &D::lowerElementwise, "as_type", ""},
};

ArrayRef<DistributionRule> distributionRules() { return kRules; }

const DistributionRule *findDistributionRule(StringRef name) {
  static const StringMap<const DistributionRule *> index = [] {
    StringMap<const DistributionRule *> map;
    for (const DistributionRule &rule : kRules)
      map[rule.name] = &rule;
    return map;
  }();
  return index.lookup(name);
}

std::vector<MetalForm> metalForms() {
  std::vector<MetalForm> forms;
  for (const DistributionRule &rule : kRules)
    forms.push_back({rule.name, rule.form, rule.note});
  return forms;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Enumerations and attributes of the `tt` dialect. Their numbers are those of Triton,
// which prints some as integers.
#ifndef TRITON_METAL_TRITON_ATTRS
#define TRITON_METAL_TRITON_ATTRS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "triton-metal/Dialect/Triton/IR/TritonDialect.td"

class TT_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::tmetal::tt";
}

def TT_CacheModifier : TT_Enum<"CacheModifier", "which caches an access goes through", [
  I32EnumAttrCase<"NONE", 1, "none">, I32EnumAttrCase<"CA", 2, "ca">, I32EnumAttrCase<"CG", 3, "cg">,
  I32EnumAttrCase<"WB", 4, "wb">, I32EnumAttrCase<"CS", 5, "cs">, I32EnumAttrCase<"WT", 6, "wt">,
  I32EnumAttrCase<"CV", 7, "cv">]>;

def TT_EvictionPolicy : TT_Enum<"EvictionPolicy", "how long a cache line should stay", [
  I32EnumAttrCase<"NORMAL", 1, "evict_normal">, I32EnumAttrCase<"EVICT_FIRST", 2, "evict_first">,
  I32EnumAttrCase<"EVICT_LAST", 3, "evict_last">]>;

def TT_MemSemantic : TT_Enum<"MemSemantic", "memory ordering of an atomic access", [
  I32EnumAttrCase<"RELAXED", 1, "relaxed">, I32EnumAttrCase<"ACQUIRE", 2, "acquire">,
  I32EnumAttrCase<"RELEASE", 3, "release">, I32EnumAttrCase<"ACQUIRE_RELEASE", 4, "acq_rel">]>;

def TT_MemSyncScope : TT_Enum<"MemSyncScope", "who takes part in the ordering of an atomic access", [
  I32EnumAttrCase<"GPU", 1, "gpu">, I32EnumAttrCase<"CTA", 2, "cta">, I32EnumAttrCase<"SYSTEM", 3, "sys">]>;

def TT_PaddingOption : TT_Enum<"PaddingOption", "what a descriptor yields outside of its bounds", [
  I32EnumAttrCase<"PAD_ZERO", 1, "zero">, I32EnumAttrCase<"PAD_NAN", 2, "nan">]>;

def TT_RMWOp : TT_Enum<"RMWOp", "the update of an atomic read-modify-write", [
  I32EnumAttrCase<"AND", 1, "and">, I32EnumAttrCase<"OR", 2, "or">, I32EnumAttrCase<"XOR", 3, "xor">,
  I32EnumAttrCase<"ADD", 4, "add">, I32EnumAttrCase<"FADD", 5, "fadd">, I32EnumAttrCase<"MAX", 6, "max">,
  I32EnumAttrCase<"MIN", 7, "min">, I32EnumAttrCase<"UMAX", 8, "umax">, I32EnumAttrCase<"UMIN", 9, "umin">,
  I32EnumAttrCase<"XCHG", 10, "exch">]>;

def TT_DescriptorReduceKind : TT_Enum<"DescriptorReduceKind", "the update of a descriptor reduction", [
  I32EnumAttrCase<"ADD", 1, "add">, I32EnumAttrCase<"MIN", 2, "min">, I32EnumAttrCase<"MAX", 3, "max">,
  I32EnumAttrCase<"INC", 4, "inc">, I32EnumAttrCase<"DEC", 5, "dec">, I32EnumAttrCase<"AND", 6, "and">,
  I32EnumAttrCase<"OR", 7, "or">, I32EnumAttrCase<"XOR", 8, "xor">]>;

def TT_ProgramIDDim : TT_Enum<"ProgramIDDim", "an axis of the launch grid", [
  I32EnumAttrCase<"X", 0, "x">, I32EnumAttrCase<"Y", 1, "y">, I32EnumAttrCase<"Z", 2, "z">]>;

def TT_RoundingMode : TT_Enum<"RoundingMode", "rounding of a narrowing float conversion", [
  I32EnumAttrCase<"RTZ", 0, "rtz">, I32EnumAttrCase<"RTNE", 1, "rtne">]>;

def TT_PropagateNan : TT_Enum<"PropagateNan", "whether a NaN operand makes the result NaN", [
  I32EnumAttrCase<"NONE", 0, "none">, I32EnumAttrCase<"ALL", 0xFFFF, "all">]>;

def TT_InputPrecision : TT_Enum<"InputPrecision", "how f32 operands of a matrix product may be rounded", [
  I32EnumAttrCase<"TF32", 0, "tf32">, I32EnumAttrCase<"TF32x3", 1, "tf32x3">, I32EnumAttrCase<"IEEE", 2, "ieee">,
  I32EnumAttrCase<"BF16x3", 3, "bf16x3">, I32EnumAttrCase<"BF16x6", 4, "bf16x6">]>;

def TT_ScaleDotElemType : TT_Enum<"ScaleDotElemType", "element format of a scaled matrix operand", [
  I32EnumAttrCase<"E4M3", 0, "e4m3">, I32EnumAttrCase<"E5M2", 1, "e5m2">, I32EnumAttrCase<"E2M3", 2, "e2m3">,
  I32EnumAttrCase<"E3M2", 3, "e3m2">, I32EnumAttrCase<"E2M1", 4, "e2m1">, I32EnumAttrCase<"BF16", 5, "bf16">,
  I32EnumAttrCase<"FP16", 6, "fp16">]>;

def TT_AddressSpace : TT_Enum<"AddressSpace", "memory that a pointer points into", [
  I32EnumAttrCase<"Global", 0, "global">, I32EnumAttrCase<"Constant", 1, "constant">]>;

def TT_CachePolicyAttr : AttrDef<Triton_Dialect, "CachePolicy"> {
  let mnemonic = "cache_policy";
  let summary = "cache modifier and eviction policy of a memory access";
  let parameters = (ins EnumParameter<TT_CacheModifier>:$cache_modifier,
                        EnumParameter<TT_EvictionPolicy>:$eviction_policy);
  let assemblyFormat = "`<` struct(params) `>`";
}

// ---- added by this project: the target of a compilation ----

def TT_Engine : TT_Enum<"Engine", "how a program is executed", [
  I32EnumAttrCase<"Auto", 0, "auto">, I32EnumAttrCase<"Msl", 1, "msl">, I32EnumAttrCase<"Mlx", 2, "mlx">]>;

def TT_Device : TT_Enum<"Device", "where launches run", [
  I32EnumAttrCase<"Cpu", 0, "cpu">, I32EnumAttrCase<"Gpu", 1, "gpu">]>;

def TT_CheckModes : I32BitEnumAttr<"CheckModes", "faults that a kernel looks for while it runs", [
  I32BitEnumAttrCaseNone<"None", "none">, I32BitEnumAttrCaseBit<"Address", 0, "address">,
  I32BitEnumAttrCaseBit<"Thread", 1, "thread">, I32BitEnumAttrCaseBit<"Undefined", 2, "undefined">]> {
  let cppNamespace = "::tmetal::tt";
}

def TT_TargetAttr : AttrDef<Triton_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "what a kernel was compiled for, and the engine that was chosen for it";
  let description = [{
    The attribute `tt.target` of a module that has been through the shared passes. `requested` is
    the engine that the user asked for, `engine` the one that runs the kernel, and `reason` a
    clause that tells people why.
  }];
  let parameters = (ins StringRefParameter<"a hardware profile">:$arch,
                        EnumParameter<TT_Device>:$device,
                        EnumParameter<TT_Engine>:$requested,
                        EnumParameter<TT_Engine>:$engine,
                        StringRefParameter<"why this engine">:$reason,
                        "int32_t":$simdgroups,
                        "bool":$fp_fusion,
                        EnumParameter<TT_CheckModes>:$checks);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif

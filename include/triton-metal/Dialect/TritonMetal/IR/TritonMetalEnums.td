// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_TRITON_METAL_ENUMS
#define TRITON_METAL_TRITON_METAL_ENUMS

include "mlir/IR/EnumAttr.td"

def TM_MemoryFence : I32EnumAttr<"MemoryFence", "memory that a barrier orders", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Threadgroup", 1, "threadgroup">,
  I32EnumAttrCase<"Device", 2, "device">, I32EnumAttrCase<"Both", 3, "device_threadgroup">]> {
  let cppNamespace = "::tmetal::tm";
}

#endif

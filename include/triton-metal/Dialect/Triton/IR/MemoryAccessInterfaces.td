// SPDX-License-Identifier: MIT
// What an operation does to memory. Analyses and passes ask these interfaces and never list operations, so that a
// new operation that accesses memory is known to all of them as soon as it is defined.
#ifndef TRITON_METAL_MEMORY_ACCESS_INTERFACES
#define TRITON_METAL_MEMORY_ACCESS_INTERFACES

include "mlir/IR/OpBase.td"

def TM_DeviceAccessOpInterface : OpInterface<"DeviceAccessOpInterface"> {
  let cppNamespace = "::tmetal";
  let description = [{
    An access to device memory, in the `tt` dialect of a whole block, in the `tm` dialect of one element. The defaults
    fit operands called `ptr`, `offset` and `mask`.
  }];
  let methods = [
    InterfaceMethod<"Says where: a pointer, a block of pointers, or a tensor descriptor.",
                    "::mlir::Value", "getAddress", (ins), "", "return $_op.getPtr();">,
    InterfaceMethod<"Elements to go on from the address; null for none.",
                    "::mlir::Value", "getOffset", (ins), "", "return {};">,
    InterfaceMethod<"Where this is false, memory is not touched; null for always.",
                    "::mlir::Value", "getMask", (ins), "", "return {};">,
    InterfaceMethod<"Whether the access is never merged, moved or dropped, because memory may change at any time.",
                    "bool", "getIsVolatile", (ins), "", "return false;">,
    InterfaceMethod<"Whether a value of memory reaches the kernel.", "bool", "readsMemory">,
    InterfaceMethod<"Whether memory may have another value afterwards.", "bool", "writesMemory">,
    InterfaceMethod<"Whether it is one step for all threads of all programs.", "bool", "isAtomic">,
  ];
  let extraClassDeclaration = [{
    ::tmetal::AccessKind getKind() {
      if (isAtomic())
        return ::tmetal::AccessKind::Atomic;
      return writesMemory() ? ::tmetal::AccessKind::Write : ::tmetal::AccessKind::Read;
    }
  }];
}

class TM_DeviceEffects<bit reads, bit writes, bit atomic>
    : ParamNativeOpTrait<"DeviceEffects", !if(reads, "true", "false") # ", " # !if(writes, "true", "false") # ", " #
                                              !if(atomic, "true", "false")> {
  let cppNamespace = "::tmetal";
}

// The trait to give to an operation: the interface, with the answers that are the same for all its instances.
class TM_AccessesDevice<bit reads, bit writes, bit atomic>
    : TraitList<[TM_DeviceAccessOpInterface, TM_DeviceEffects<reads, writes, atomic>]>;

def TM_ReadsDevice : TM_AccessesDevice<true, false, false>;
def TM_WritesDevice : TM_AccessesDevice<false, true, false>;
def TM_ReadsDeviceAtomically : TM_AccessesDevice<true, false, true>;
def TM_WritesDeviceAtomically : TM_AccessesDevice<false, true, true>;
def TM_UpdatesDeviceAtomically : TM_AccessesDevice<true, true, true>;

def TM_ThreadgroupAccessOpInterface : OpInterface<"ThreadgroupAccessOpInterface"> {
  let cppNamespace = "::tmetal";
  let description = "An access to arrays in threadgroup memory.";
  let methods = [
    InterfaceMethod<"The arrays that are touched, each with what is done to it.",
                    "::llvm::SmallVector<::tmetal::ArrayAccess, 2>", "getArrayAccesses">,
  ];
}

#endif

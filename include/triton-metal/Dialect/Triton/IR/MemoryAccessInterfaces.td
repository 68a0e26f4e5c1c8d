// SPDX-License-Identifier: MIT
// The effects of operations on memory. Analyses and passes query these interfaces and never list operations,
// so a new operation that accesses memory is known to all of them as soon as it is defined.
#ifndef TRITON_METAL_MEMORY_ACCESS_INTERFACES
#define TRITON_METAL_MEMORY_ACCESS_INTERFACES

include "mlir/IR/OpBase.td"

def TM_DeviceAccessOpInterface : OpInterface<"DeviceAccessOpInterface"> {
  let cppNamespace = "::tmetal";
  let description = [{
    An access to device memory: to a whole block in the `tt` dialect, to one element in the `tm` dialect. The
    defaults suit operands called `ptr`, `offset` and `mask`.
  }];
  let methods = [
    InterfaceMethod<"The address: a pointer, a block of pointers, or a tensor descriptor.",
                    "::mlir::Value", "getAddress", (ins), "", "return $_op.getPtr();">,
    InterfaceMethod<"The offset from the address, in elements; null for none.",
                    "::mlir::Value", "getOffset", (ins), "", "return {};">,
    InterfaceMethod<"The condition under which memory is accessed; null for always.",
                    "::mlir::Value", "getMask", (ins), "", "return {};">,
    InterfaceMethod<"Whether memory may change at any time, so the access must stay as it is.",
                    "bool", "getIsVolatile", (ins), "", "return false;">,
    InterfaceMethod<"Whether the kernel gets to see a value from memory.", "bool", "readsMemory">,
    InterfaceMethod<"Whether memory may change.", "bool", "writesMemory">,
    InterfaceMethod<"Whether all threads see the access as a single step.", "bool", "isAtomic">,
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

// The trait for operations: the interface, with the methods that return the same for all instances.
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
    InterfaceMethod<"The arrays that are accessed, each with the kind of access.",
                    "::llvm::SmallVector<::tmetal::ArrayAccess, 2>", "getArrayAccesses">,
  ];
}

#endif

// SPDX-License-Identifier: MIT
// The effects of operations on memory, for the `tt` and the `tm` dialect.
#pragma once

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/SmallVector.h"

namespace tmetal {

/// Two accesses to the same memory need an order unless both are reads or both are atomic.
enum class AccessKind { Read, Write, Atomic };

/// An array in threadgroup memory, and what an operation does to it.
struct ArrayAccess {
  mlir::Value array;
  AccessKind kind;
};

/// The methods of DeviceAccessOpInterface that return the same for all instances of an operation.
template <bool Reads, bool Writes, bool Atomic> struct DeviceEffects {
  template <typename ConcreteOp>
  class Impl : public mlir::OpTrait::TraitBase<ConcreteOp, DeviceEffects<Reads, Writes, Atomic>::Impl> {
  public:
    static constexpr bool readsMemory() { return Reads; }
    static constexpr bool writesMemory() { return Writes; }
    static constexpr bool isAtomic() { return Atomic; }
  };
};

} // namespace tmetal

#include "triton-metal/Dialect/Triton/IR/MemoryAccessInterfaces.h.inc"

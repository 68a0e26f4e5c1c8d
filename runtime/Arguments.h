// SPDX-License-Identifier: MIT
// What a launch is given, the same for every engine.
#pragma once

#include "triton-metal/Analysis/KernelFacts.h"
#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Support/Errors.h"

#include "mlx/array.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tmetal {

namespace mx = mlx::core;

/// Memory of torch or NumPy: read and written in place, complete when the launch returns.
struct HostBuffer {
  uintptr_t address = 0;        // where the kernel's pointer points
  uintptr_t storageAddress = 0; // the allocation that it lies in
  int64_t storageBytes = 0;
  bool readOnly = false;

  /// What the kernel may reach through the pointer: the allocation, and the address itself.
  uintptr_t begin() const { return std::min(storageAddress, address); }
  uintptr_t end() const { return std::max<uintptr_t>(storageAddress + storageBytes, address); }
};

/// An MLX array: value semantics.
struct LazyArray {
  mx::array value;
  mx::array *receiver = nullptr; // gets the new value when the kernel stores to it; also tells arrays apart
};
using NewValue = std::pair<mx::array *, mx::array>;

using Argument = std::variant<int64_t, double, HostBuffer, LazyArray>;

inline bool isPointerType(const std::string &type) { return type.rfind("!tt.ptr<", 0) == 0; }

/// Throws Error (Argument) when the grid or the arguments do not fit the kernel.
void checkLaunch(const KernelFacts &facts, const std::array<int64_t, 3> &grid,
                 const std::vector<Argument> &arguments);

} // namespace tmetal

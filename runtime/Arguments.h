// SPDX-License-Identifier: MIT
// The arguments of a launch, in the same form for all engines.
#pragma once

#include "HostMemory.h"

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

/// An MLX array. It is a value: a launch that stores to it makes a new one.
struct LazyArray {
  mx::array value;
  mx::array *receiver = nullptr; // gets the new value if the kernel stores to it; also identifies the array
};
using NewValue = std::pair<mx::array *, mx::array>;

using Argument = std::variant<int64_t, double, HostBuffer, LazyArray>;

inline bool isPointerType(const std::string &type) { return type.rfind("!tt.ptr<", 0) == 0; }

/// Throws Error (Argument) if the grid or the arguments do not fit the kernel.
void checkLaunch(const KernelFacts &facts, const std::array<int64_t, 3> &grid,
                 const std::vector<Argument> &arguments);

/// The parameters that are pointers.
std::vector<int> pointerParameters(const KernelFacts &facts);

inline Reached reachedThrough(const Argument &pointer, bool stored) {
  if (const auto *host = std::get_if<HostBuffer>(&pointer))
    return reachedThrough(*host, stored);
  return {0, 0, std::get<LazyArray>(pointer).receiver, stored};
}

/// The storages that the pointers of a launch point into, in the order of the parameters.
Storages storagesOf(const KernelFacts &facts, const std::vector<Argument> &arguments);

/// The storage that a pointer argument points into, and the offset in it.
ArgumentSpec specOf(const Storages &storages, size_t pointer, const Argument &argument);

} // namespace tmetal

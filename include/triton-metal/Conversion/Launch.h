// SPDX-License-Identifier: MIT
// Launches of kernels in plain types, for code with and without MLIR.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tmetal {

/// What a raised graph assumes about one argument of the kernel.
struct ArgumentSpec {
  enum class Kind { Pointer, Integer, Dynamic } kind = Kind::Dynamic;
  int storage = -1;       // Pointer: the storage that it points into
  int64_t byteOffset = 0; // Pointer: its offset in that storage
  int64_t value = 0;      // Integer: its value
};

/// An allocation that pointer arguments point into. The first of these pointers gives its element type.
struct StorageSpec {
  int64_t nbytes = 0;
};

struct LaunchSignature {
  std::array<int64_t, 3> grid = {1, 1, 1};
  std::vector<ArgumentSpec> arguments;
  std::vector<StorageSpec> storages;
};

/// A storage that the graph returns, with the bytes that may have changed.
struct RaisedOutput {
  int storage = -1;
  int64_t begin = 0, end = 0;
  bool exact = false; // whether every byte of the range is stored, independent of data
};

struct RaisingOptions {
  /// The most bytes that a graph may keep alive at once before the grid is cut into slabs.
  int64_t memoryBudget = int64_t(512) << 20;
  /// The graph runs on a GPU, where MLX supports less; what it lacks is refused.
  bool onGpu = false;
};

} // namespace tmetal

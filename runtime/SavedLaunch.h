// SPDX-License-Identifier: MIT
// A launch as files, so that another device can repeat it without Python, Triton or the compiler.
//
// A folder holds launch.json (kernel, grid, arguments, graphs, Metal text) and, for each storage i,
// i.before.bin and, where the kernel may store to it, i.after.bin. Constants of the graphs are in
// constants.bin.
#pragma once

#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Target/MLXGraph.h"

#include <filesystem>
#include <optional>

namespace tmetal {

struct SavedArgument {
  std::string name, type; // type as Triton IR spells it
  /// Pointer: the place it points to. Integer: a constant of the graphs. Dynamic: an input of the graphs.
  ArgumentSpec spec;
  bool isFloat = false; // Dynamic: which of the two values counts
  int64_t integer = 0;
  double floating = 0;
};

struct SavedStorage {
  std::string dtype; // of the first pointer into it, as in GraphProgram
  std::vector<uint8_t> before;
  std::optional<std::vector<uint8_t>> after; // none: the kernel does not store to it
  /// What the result may be off by, per element, when whoever recorded the launch knows: tolerance file i.
  std::vector<double> tolerance;
};

struct SavedGraph {
  GraphProgram program; // inputs: the storages as flat arrays, then the dynamic arguments
  std::vector<RaisedOutput> outputs;
};

/// The kernel as Metal text with its buffers in order.
struct SavedMetalKernel {
  struct Buffer {
    static constexpr int kScalars = -1, kReport = -2, kBounds = -3;
    int storage =
        kScalars; // or the struct of scalar arguments, the messages to the host, the arguments' bounds
    int64_t byteOffset = 0;
  };
  std::string text;
  int simdgroups = 1;
  int64_t threadgroupBytes = 0;
  std::vector<Buffer> buffers;
  std::vector<uint8_t> scalars;
};

struct SavedLaunch {
  std::string kernel;
  std::array<int64_t, 3> grid = {1, 1, 1};
  std::vector<SavedArgument> arguments;
  std::vector<SavedStorage> storages;
  std::vector<SavedGraph> graphs; // run in order, each on what the one before it left; empty: Metal text only
  std::optional<SavedMetalKernel> metal;
};

/// Writes the launch as a folder in `parent`, named after the kernel and the content: the same launch twice
/// is one folder. Returns it. Throws std::runtime_error.
std::filesystem::path saveLaunch(const SavedLaunch &launch, const std::filesystem::path &parent);
/// Throws std::runtime_error, which names the file.
SavedLaunch loadLaunch(const std::filesystem::path &folder);
/// The folders with a launch at or below `root`, sorted.
std::vector<std::filesystem::path> findLaunches(const std::filesystem::path &root);

/// How a result compares with the one that was saved.
struct Comparison {
  int64_t elements = 0, different = 0; // different: not the same bits, two NaNs counting as the same
  int64_t beyond = 0;                  // of those, outside of the tolerance
  double largest = 0;                  // difference of values
  double largestUlps = 0;              // in units of the last place of the element type
  int64_t worst = -1;                  // the element that is furthest out
  double expected = 0, actual = 0;     // there
};
/// A float may be off by `absolute + relative * |expected|`, or by the storage's own tolerance and a unit of
/// the last place; other types must agree exactly.
struct Tolerance {
  std::optional<double> relative; // none: by the element type
  std::optional<double>
      absolute; // none: by the element type, times the largest |expected| if that is above 1
};
Comparison compareStorage(const SavedStorage &saved, const std::vector<uint8_t> &result,
                          const Tolerance &tolerance);

} // namespace tmetal

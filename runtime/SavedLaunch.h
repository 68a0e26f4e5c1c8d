// SPDX-License-Identifier: MIT
// A launch saved as files, so that another device can repeat it without Python, Triton or the compiler.
//
// A folder holds launch.json (kernel, grid, arguments, graphs, Metal text), and for each storage i
// the file i.before.bin and, if the kernel may store to it, i.after.bin. The constants of the graphs
// are in constants.bin.
#pragma once

#include "triton-metal/Conversion/Launch.h"
#include "triton-metal/Target/MLXGraph.h"

#include <filesystem>
#include <optional>

namespace tmetal {

struct SavedArgument {
  std::string name, type; // the type in Triton's spelling
  /// A pointer into a storage, an integer that is a constant of the graphs, or a dynamic input of the graphs.
  ArgumentSpec spec;
  bool isFloat = false; // for dynamic inputs: which of the two values below applies
  int64_t integer = 0;
  double floating = 0;
};

struct SavedStorage {
  std::string dtype; // of the first pointer to the storage, as in GraphProgram
  std::vector<uint8_t> before;
  std::optional<std::vector<uint8_t>> after; // none if the kernel does not store to it
  /// The permitted error of each element of the result, if the recorder of the launch
  /// knows it (file i.tolerance.bin).
  std::vector<double> tolerance;
};

struct SavedGraph {
  GraphProgram program; // inputs: the storages as flat arrays, then the dynamic arguments
  std::vector<RaisedOutput> outputs;
};

/// The kernel as Metal text, with its buffers in order.
struct SavedMetalKernel {
  struct Buffer {
    static constexpr int kScalars = -1, kReport = -2, kBounds = -3;
    int storage = kScalars; // a storage, or scalar arguments, messages to the host, or bounds
    int64_t byteOffset = 0;
  };
  std::string text;
  int simdgroups = 1;
  int64_t threadgroupBytes = 0;
  int64_t stackBytes = 8 << 20; // local variables of a threadgroup; older folders do not state it
  std::vector<Buffer> buffers;
  std::vector<uint8_t> scalars;
};

struct SavedLaunch {
  std::string kernel;
  std::array<int64_t, 3> grid = {1, 1, 1};
  std::vector<SavedArgument> arguments;
  std::vector<SavedStorage> storages;
  std::vector<SavedGraph> graphs; // each runs on the results of the previous one; empty for the msl engine
  std::optional<SavedMetalKernel> metal;
};

/// Writes the launch as a folder in `parent` and returns it. The folder is named after the kernel and a hash
/// of the content, so the same launch is saved only once. Throws std::runtime_error.
std::filesystem::path saveLaunch(const SavedLaunch &launch, const std::filesystem::path &parent);
/// Throws std::runtime_error that names the file.
SavedLaunch loadLaunch(const std::filesystem::path &folder);
/// The folders at or below `root` that hold a launch, sorted.
std::vector<std::filesystem::path> findLaunches(const std::filesystem::path &root);

/// How a result compares with the saved one.
struct Comparison {
  int64_t elements = 0, different = 0; // different: in their bits, where all NaNs count as equal
  int64_t beyond = 0;                  // those of them that exceed the tolerance
  double largest = 0;                  // largest difference of values
  double largestUlps = 0;              // largest difference in ulps of the element type
  int64_t worst = -1;                  // the element with the largest error
  double expected = 0, actual = 0;     // of the worst element
};
/// A float may differ by `absolute + relative * |expected|`, or by the tolerance of the storage plus one ulp.
/// Other types must agree exactly.
struct Tolerance {
  std::optional<double> relative; // default: by the element type
  std::optional<double> absolute; // default: by the element type, times max(1, largest |expected|)
};
Comparison compareStorage(const SavedStorage &saved, const std::vector<uint8_t> &result,
                          const Tolerance &tolerance);

} // namespace tmetal

// SPDX-License-Identifier: MIT
// A raised graph without MLIR, which the runtime executes and saved launches contain.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tmetal {

/// A dtype, by its name in the `mlx` dialect ("i1", "i32", "ui8", "f32", "bf16", ...), and a static shape.
struct ArrayType {
  std::string dtype;
  std::vector<int64_t> shape;
  bool operator==(const ArrayType &other) const { return dtype == other.dtype && shape == other.shape; }
};

struct GraphBlock;

/// One operation. Values are numbered; the arguments of a block come first.
struct GraphNode {
  std::string op; // without the prefix of the dialect
  std::vector<int32_t> operands, results;
  std::vector<ArrayType> resultTypes;
  std::vector<std::pair<std::string, std::vector<int64_t>>> integers; // attributes
  std::string text;                                                   // the only string attribute
  std::vector<uint8_t> data;                                          // the bytes of a constant, row-major
  std::shared_ptr<GraphBlock> body;
  std::vector<int32_t> dying; // values that are not used after this node

  const std::vector<int64_t> &ints(const char *name) const;
};

/// A block may use values of the blocks around it; their numbers are unique in a graph.
struct GraphBlock {
  std::vector<int32_t> arguments;
  std::vector<GraphNode> nodes;
  std::vector<int32_t> results;
};

struct GraphProgram {
  GraphBlock body;
  std::vector<ArrayType> inputTypes;
  int32_t valueCount = 0;
};

/// Operations of the `mlx` dialect with similar costs.
struct GraphCategory {
  std::string name;
  std::vector<std::string> operations; // without the prefix of the dialect
};
/// All operations by category, in the order of reports.
std::vector<GraphCategory> graphCategories();

} // namespace tmetal

// SPDX-License-Identifier: MIT
// A raised graph without MLIR: what the runtime executes, and what a saved launch holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tmetal {

/// dtype by its name in the `mlx` dialect ("i1", "i32", "ui8", "f32", "bf16", ...) and a static shape.
struct ArrayType {
  std::string dtype;
  std::vector<int64_t> shape;
  bool operator==(const ArrayType &other) const { return dtype == other.dtype && shape == other.shape; }
};

struct GraphBlock;

/// One operation. Values are numbered; a block's arguments come first.
struct GraphNode {
  std::string op; // without the dialect's prefix
  std::vector<int32_t> operands, results;
  std::vector<ArrayType> resultTypes;
  std::vector<std::pair<std::string, std::vector<int64_t>>> integers; // attributes
  std::string text;                                                   // the one string attribute
  std::vector<uint8_t> data;                                          // a constant's bytes, row-major
  std::shared_ptr<GraphBlock> body;
  std::vector<int32_t> dying; // values that nothing uses after this node

  const std::vector<int64_t> &ints(const char *name) const;
};

/// A block may use values of the blocks around it; numbers are unique in a graph.
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

/// Operations of the `mlx` dialect that cost alike.
struct GraphCategory {
  std::string name;
  std::vector<std::string> operations; // without the dialect's prefix
};
/// All operations, in the order in which a report lists the categories.
std::vector<GraphCategory> graphCategories();

} // namespace tmetal

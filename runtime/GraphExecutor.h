// SPDX-License-Identifier: MIT
// Executes raised graphs with MLX.
#pragma once

#include "triton-metal/Target/MLXGraph.h"

#include "mlx/array.h"
#include "mlx/stream.h"

#include <unordered_map>
#include <vector>

namespace tmetal {

namespace mx = mlx::core;

/// A program with its operations resolved and its constants created. Immutable, and therefore thread-safe.
class GraphExecutor {
public:
  explicit GraphExecutor(GraphProgram program);

  /// Builds the MLX graph and returns its results unevaluated, except where a `while` needs
  /// values. Inputs have the types of inputTypes(). Throws std::logic_error if a result of MLX
  /// differs from its declared type.
  std::vector<mx::array> run(std::vector<mx::array> inputs, mx::Stream stream) const;

  const std::vector<ArrayType> &inputTypes() const { return program.inputTypes; }
  const GraphProgram &graph() const { return program; }

private:
  using Values = std::vector<std::optional<mx::array>>;
  void runBlock(const GraphBlock &block, Values &values, mx::Stream stream) const;
  void runNode(const GraphNode &node, Values &values, mx::Stream stream) const;
  void runWhile(const GraphNode &node, Values &values, mx::Stream stream) const;
  void makeConstants(const GraphBlock &block);

  GraphProgram program;
  std::unordered_map<int32_t, mx::array> constants; // by result number
};

mx::Dtype dtypeOf(const std::string &name); // "f32", "ui8", ...

} // namespace tmetal

// SPDX-License-Identifier: MIT
// How the threads of a threadgroup share the blocks of a kernel: decided for the whole kernel before any code
// is written, and not changed afterwards.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Analysis/Products.h"
#include "triton-metal/Support/Types.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace tmetal {

/// What a plan depends on besides the kernel.
struct LayoutPlanOptions {
  int simdgroups = 4; // of a threadgroup
  /// Threadgroup memory for the two operands of a matrix product; larger ones pass through it in slices.
  int64_t operandBytes = 32768;
};

class LayoutPlan {
public:
  /// What decided on a layout.
  enum class Reason {
    RowMajor, // nothing else did
    Operand,  // an operand of the same shape
    Origin,   // what a loop or branch passes on
    Reshaped, // the operand, seen in another shape
    Slice,    // what a reduction leaves of its operand's layout
    Scan,     // the dimension that is scanned runs fastest
  };
  /// How the elements of a block come to the threads that need them.
  enum class Home {
    Recomputed, // it is cheap to compute wherever it is needed
    View,       // a request for it becomes one for the operand
    Registers,  // of threads, by its layout
    Fragments,  // of the matrix unit
  };
  struct BlockPlan {
    LinearLayout layout;
    Reason reason = Reason::RowMajor;
    mlir::Value like; // the value that decided, if any
    Home home = Home::Registers;
    std::optional<FragmentGrid> grid; // for fragments
  };

  LayoutPlan(tt::FuncOp function, const LayoutPlanOptions &options);

  const LayoutPlanOptions &getOptions() const { return options; }
  /// Row-major over all threads.
  LinearLayout blocked(llvm::ArrayRef<int64_t> shape) const {
    return LinearLayout::blocked(shape.vec(), options.simdgroups);
  }

  const BlockPlan &operator[](mlir::Value block) const;
  const LinearLayout &layoutOf(mlir::Value block) const { return (*this)[block].layout; }
  /// The layout that an operation on blocks works at.
  const LinearLayout &layoutOf(mlir::Operation *op) const;
  /// Cheap to compute wherever it is needed, so that no thread keeps it.
  bool isRecomputed(mlir::Value value) const { return !isBlock(value) || recomputed.contains(value); }
  /// The fragments that the value lives in, if it does.
  std::optional<FragmentGrid> fragmentsOf(mlir::Value block) const { return (*this)[block].grid; }
  const ProductPlan &productOf(mlir::Operation *dot) const;

  /// Whether all products pass their operands in the same slices.
  bool hasSameSlices(const LayoutPlan &other) const;

  /// A lower bound of the threadgroup memory that the kernel needs: what the operands of some product and
  /// what waits for other trips of the loops around it take together.
  int64_t leastThreadgroupBytes() const;

  /// One line for each block and each operation that works on blocks, in the order of the program.
  void print(llvm::raw_ostream &out) const;

private:
  friend class LayoutPlanner;

  /// Whether a copy in threadgroup memory is made where the block is computed, and not where it is read.
  bool isCopiedWhereComputed(mlir::Value block) const;

  tt::FuncOp function;
  LayoutPlanOptions options;
  llvm::DenseMap<mlir::Value, BlockPlan> blocks;
  llvm::DenseSet<mlir::Value> recomputed;
  llvm::DenseMap<mlir::Operation *, LinearLayout> work;
  llvm::DenseMap<mlir::Operation *, ProductPlan> products;
};

} // namespace tmetal

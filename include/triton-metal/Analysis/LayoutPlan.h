// SPDX-License-Identifier: MIT
// How the threads of a threadgroup share the blocks of a kernel. Made for the whole kernel before any code is
// written, and not changed afterwards.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Analysis/Products.h"
#include "triton-metal/Support/Types.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace tmetal {

/// What a plan depends on, besides the kernel.
struct LayoutPlanOptions {
  int simdgroups = 4; // in a threadgroup
  /// Threadgroup memory for both operands of a matrix product, which pass through it in slices if they are
  /// larger, and for a block whose elements threads exchange, which does so in parts.
  int64_t operandBytes = 32768;
};

class LayoutPlan {
public:
  /// What determined a layout.
  enum class Reason {
    RowMajor, // the default
    Operand,  // an operand of the same shape
    Origin,   // the value that a loop or branch passes on
    Reshaped, // the operand, reshaped
    Slice,    // the part of the operand's layout that a reduction leaves
    Scan,     // a scan: the scanned dimension runs fastest
  };
  /// Where threads find the elements of a block.
  enum class Home {
    Recomputed, // cheap enough to compute wherever it is needed
    View,       // requests for it become requests for the operand
    Registers,  // in registers of threads, by its layout
    Fragments,  // in fragments of the matrix unit
  };
  struct BlockPlan {
    LinearLayout layout;
    Reason reason = Reason::RowMajor;
    mlir::Value like; // the value that determined the layout, if any
    Home home = Home::Registers;
    std::optional<FragmentGrid> grid; // only for fragments
  };

  LayoutPlan(tt::FuncOp function, const LayoutPlanOptions &options);

  const LayoutPlanOptions &getOptions() const { return options; }
  /// The row-major layout over all threads.
  LinearLayout blocked(llvm::ArrayRef<int64_t> shape) const {
    return LinearLayout::blocked(shape.vec(), options.simdgroups);
  }

  const BlockPlan &operator[](mlir::Value block) const;
  const LinearLayout &layoutOf(mlir::Value block) const { return (*this)[block].layout; }
  /// The layout in which an operation on blocks works.
  const LinearLayout &layoutOf(mlir::Operation *op) const;
  /// Whether the value is cheap enough to compute wherever it is needed, so that no thread keeps it.
  bool isRecomputed(mlir::Value value) const { return !isBlock(value) || recomputed.contains(value); }
  /// The fragments that the value is kept in, if any.
  std::optional<FragmentGrid> fragmentsOf(mlir::Value block) const { return (*this)[block].grid; }
  const ProductPlan &productOf(mlir::Operation *dot) const;
  /// The block whose elements are sent for an operand that passes in slices: for a transposed one, the source
  /// of the transposition, so that its threads need not exchange all of it first.
  mlir::Value slicedOperand(mlir::Value operand) const;

  /// Whether all products use the same slices of their operands, and the same fragments.
  bool hasSameSlices(const LayoutPlan &other) const;

  /// A lower bound of the threadgroup memory that the kernel needs: the most that the operands of a product
  /// take, together with values that wait for later trips of the loops around it.
  int64_t leastThreadgroupBytes() const;

  /// Prints a line for each block and for each operation that works on blocks, in program order.
  void print(llvm::raw_ostream &out) const;

private:
  friend class LayoutPlanner;

  /// Whether a copy in threadgroup memory is made where the block is computed, rather than where it is read.
  bool isCopiedWhereComputed(mlir::Value block) const;

  tt::FuncOp function;
  LayoutPlanOptions options;
  llvm::DenseMap<mlir::Value, BlockPlan> blocks;
  llvm::DenseSet<mlir::Value> recomputed;
  llvm::DenseMap<mlir::Operation *, LinearLayout> work;
  llvm::DenseMap<mlir::Operation *, ProductPlan> products;
};

} // namespace tmetal

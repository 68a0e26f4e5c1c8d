// SPDX-License-Identifier: MIT
// What is known of the kernel's values, for all programs at once.
#pragma once

#include "Emitter.h"
#include "FloatConversion.h"

#include "triton-metal/Analysis/IndexExpr.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/ScopeExit.h"

namespace tmetal::raising {

/// A value of the kernel, over the program axes of its frame followed by its block axes.
struct Val {
  enum class Kind { Index, Condition, Array, Pointer };
  Kind kind = Kind::Array;
  unsigned frame = 0;
  IndexExpr index;     // Index; Pointer: the known part of the offset, in elements
  Condition condition; // Condition: the known part
  mlir::Value array;   // Array; Condition: another conjunct or null; Pointer: another offset or null
  int storage = -1;    // Pointer
};

using Vals = llvm::SmallVector<Val, 4>;

/// The axes of a block type; none for a scalar.
llvm::ArrayRef<int64_t> blockShape(mlir::Type type);

/// The shape that arrays of equal rank broadcast to.
Extents commonShape(llvm::ArrayRef<mlir::Value> arrays);

/// The values raised so far, with the current program axes and masks.
class Values {
  struct Frame {
    Extents extents;     // all program axes
    unsigned addedBack;  // axes added behind those of the frame below
    unsigned addedFront; // axes added in front of them
  };
  struct Mask {
    Condition condition;
    mlir::Value array; // null: none
    unsigned frame;
  };
  auto push(Frame frame) {
    frames.push_back(std::move(frame));
    return llvm::scope_exit([this] { frames.pop_back(); });
  }

public:
  Values(Emitter &emitter, const Extents &programExtents) : e(emitter) {
    frames.push_back({programExtents, 0, 0});
  }

  // ---- frames: a stack of program axes; an inner frame adds axes in front of or behind the outer ones ----
  const Extents &programExtents() const { return frames.back().extents; }
  unsigned programRank() const { return frames.back().extents.size(); }
  unsigned frame() const { return frames.size() - 1; }
  /// Program axes followed by the block axes of a type.
  Extents extentsOf(mlir::Type type) const;
  /// Adds an axis in front until the scope ends.
  [[nodiscard]] auto axisInFront(int64_t extent) {
    Extents extents = {extent};
    extents.append(programExtents().begin(), programExtents().end());
    return push({extents, 0, 1});
  }
  /// Adds all axes of an array of this shape until the scope ends, so that scalars stand for its elements.
  [[nodiscard]] auto axesBehind(llvm::ArrayRef<int64_t> shape) {
    return push({Extents(shape), static_cast<unsigned>(shape.size() - programRank()), 0});
  }

  // ---- masks: the lanes that act ----
  /// Applies a mask until the scope ends.
  [[nodiscard]] auto masked(const Condition &condition, mlir::Value array) {
    masks.push_back({condition, array, frame()});
    return llvm::scope_exit([this] { masks.pop_back(); });
  }
  /// The conjunction of all current masks, for values of these extents.
  Val activeMask(llvm::ArrayRef<int64_t> extents);

  // ---- values by name ----
  Val get(mlir::Value value);
  void set(mlir::Value value, Val val);
  void setArray(mlir::Value value, mlir::Value array);
  void setIndex(mlir::Value value, IndexExpr index) { set(value, makeIndex(std::move(index))); }
  /// Sets a known integer, or a condition that is known as 0 or 1.
  void setKnown(mlir::Value value, IndexExpr index);
  /// The known integer or condition (as 0 or 1) of a value, if it has one.
  std::optional<IndexExpr> knownInteger(mlir::Value value);
  mlir::Value arrayOf(mlir::Value value);
  /// The same, with the block axes at their full extents.
  mlir::Value fullArrayOf(mlir::Value value);
  mlir::Value fullBlock(mlir::Value array, mlir::Type type);

  // ---- values in the current frame ----
  Val makeArray(mlir::Value array) const; // of truth values: makes a condition
  Val makeIndex(IndexExpr index) const;
  Val makeCondition(Condition condition, mlir::Value array = {}) const;
  /// Brings a value to the current frame.
  Val adapt(Val val);
  IndexExpr adaptIndex(IndexExpr index, unsigned fromFrame) const;
  /// Appends axes of extent 1 to a condition, up to `rank`.
  Val widened(Val condition, unsigned rank);
  mlir::Value toArray(const Val &val, mlir::Type elementType, llvm::ArrayRef<int64_t> extents);
  /// The offset of a pointer in elements, as an array.
  mlir::Value offsetOf(const Val &pointer, llvm::ArrayRef<int64_t> extents);
  /// `a` where the condition holds, else `b`, both of the kernel type `type`. A refusal names `op`.
  Val select(const Val &condition, const Val &a, const Val &b, mlir::Type type, mlir::Operation *op);
  Val conjunction(const Val &a, const Val &b, llvm::ArrayRef<int64_t> extents);
  Val negation(const Val &condition, llvm::ArrayRef<int64_t> extents);

private:
  mlir::Value adaptArray(mlir::Value array, unsigned fromFrame);
  Val selectPointer(const Val &condition, const Val &a, const Val &b, llvm::ArrayRef<int64_t> extents,
                    mlir::Operation *op);

  Emitter &e;
  llvm::SmallVector<Frame> frames;
  llvm::SmallVector<Mask, 4> masks;
  llvm::DenseMap<mlir::Value, Val> values;
};

} // namespace tmetal::raising

// SPDX-License-Identifier: MIT
// Integers that are known at raising time as functions over an index space: a constant, plus a coefficient
// for each axis, plus at most one table over some of the axes. The axes are the program axes, followed by the
// block axes of the value.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace tmetal {

/// Extents of the axes of an index space, outermost first.
using Extents = llvm::SmallVector<int64_t, 6>;

/// Row-major values over a shape in which each axis is 1 or has the extent of the index space.
struct Table {
  Extents shape;
  std::vector<int64_t> values;
  int64_t min = 0, max = 0;
};

struct Range {
  int64_t min = 0, max = 0;
  bool fitsSigned(unsigned width) const;
};

/// Tables larger than this are left to the device.
constexpr int64_t kMaxTableSize = 1 << 20;

class IndexExpr {
public:
  IndexExpr() = default;
  static IndexExpr constant(int64_t value, unsigned rank);
  static IndexExpr axis(unsigned rank, unsigned axis, int64_t coefficient = 1, int64_t constant = 0);
  /// An affine expression when the values are affine, else one with a table.
  static IndexExpr fromValues(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> values);

  unsigned rank() const { return coefficients.size(); }
  bool isConstant() const;
  bool isAffine() const { return !table; }
  bool varies(unsigned axis) const;
  bool operator==(const IndexExpr &other) const;

  /// Exact bounds for an affine expression, conservative ones with a table. nullopt when
  /// int64 could overflow.
  std::optional<Range> range(llvm::ArrayRef<int64_t> extents) const;

  /// The smallest shape that the expression varies over.
  Extents variedShape(llvm::ArrayRef<int64_t> extents) const;
  /// Row-major values over `shape`, whose axes are 1 or the extent and at least those of variedShape().
  std::vector<int64_t> values(llvm::ArrayRef<int64_t> shape) const;

  IndexExpr operator+(int64_t addend) const;
  /// nullopt when an intermediate would overflow int64 or both sides hold tables too large to join.
  std::optional<IndexExpr> scaled(int64_t factor, llvm::ArrayRef<int64_t> extents) const;
  static std::optional<IndexExpr> add(const IndexExpr &a, const IndexExpr &b,
                                      llvm::ArrayRef<int64_t> extents);
  static std::optional<IndexExpr> subtract(const IndexExpr &a, const IndexExpr &b,
                                           llvm::ArrayRef<int64_t> extents);
  /// Applies `f` point by point; nullopt when the table would be too large.
  static std::optional<IndexExpr> map(llvm::ArrayRef<IndexExpr> operands, llvm::ArrayRef<int64_t> extents,
                                      llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> f);

  // These change the index space.
  IndexExpr withLeadingAxes(unsigned count) const;
  IndexExpr withAxis(unsigned position) const;
  IndexExpr withoutAxis(unsigned position) const; // the expression must not vary over the axis
  IndexExpr sliced(unsigned axis, int64_t start, int64_t stop) const; // the axis becomes [start, stop)
  IndexExpr permuted(llvm::ArrayRef<int64_t> order) const;
  /// Reshapes the axes from `first` on, in row-major order. nullopt when the table would be too large.
  std::optional<IndexExpr> reshaped(unsigned first, llvm::ArrayRef<int64_t> oldExtents,
                                    llvm::ArrayRef<int64_t> newTail) const;

  int64_t offset = 0;
  llvm::SmallVector<int64_t, 6> coefficients;
  std::shared_ptr<const Table> table;
};

/// Reads the low `width` bits of `value` as a signed integer.
int64_t wrapSigned(int64_t value, unsigned width);

/// A conjunction of conditions `expr >= 0`; empty means always true.
struct Condition {
  llvm::SmallVector<IndexExpr, 2> atoms;

  static Condition constant(bool value, unsigned rank);
  std::optional<bool> constantValue() const;
  /// Adds `expr >= 0` unless it always holds. A conjunction that never holds becomes one constant atom.
  void add(const IndexExpr &expr, llvm::ArrayRef<int64_t> extents);
  void add(const Condition &other, llvm::ArrayRef<int64_t> extents);
  std::optional<Condition> negated(llvm::ArrayRef<int64_t> extents) const;
  /// 1 where the condition holds, else 0; nullopt when the table would be too large.
  std::optional<IndexExpr> asInteger(llvm::ArrayRef<int64_t> extents) const;
  static Condition fromInteger(const IndexExpr &zeroOrOne, llvm::ArrayRef<int64_t> extents);
  bool operator==(const Condition &other) const { return atoms == other.atoms; }
};

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Commutative operations that reduce an axis, or that combine lanes or trips.
#pragma once

#include "Emitter.h"

#include <optional>

namespace tmetal::raising {

enum class Combiner {
  Add,
  Multiply,
  Maximum, // for floats: propagates NaN
  Minimum,
  MaxNumber, // the other operand if one is NaN
  MinNumber,
  MaxSigned,
  MinSigned,
  MaxUnsigned,
  MinUnsigned,
  And,
  Or,
  Xor,
};

/// The combiner of an `arith` operation, or nullopt.
std::optional<Combiner> combinerOf(mlir::Operation *op);
/// The combiner of a region that applies just one to its two arguments, or nullopt.
std::optional<Combiner> combinerOf(mlir::Region &region);

mlir::Value combine(Emitter &e, Combiner combiner, mlir::Value a, mlir::Value b);
/// Whether MLX can reduce arrays of this element type with the combiner.
bool reducesDirectly(Combiner combiner, mlir::Type elementType);
/// Reduces along an axis, which stays with extent 1. Only where reducesDirectly() is true.
mlir::Value reduce(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis);
/// The same for any combiner: combines halves until one element is left.
mlir::Value reduceByHalves(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis);
/// Null if MLX has no such scan, or if it would round more often than the kernel does.
mlir::Value scanDirectly(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis, bool reverse);

} // namespace tmetal::raising

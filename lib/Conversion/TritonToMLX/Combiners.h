// SPDX-License-Identifier: MIT
// Commutative operations that MLX can run along an axis, or that lanes and trips are combined by.
#pragma once

#include "Emitter.h"

#include <optional>

namespace tmetal::raising {

enum class Combiner {
  Add,
  Multiply,
  Maximum, // of floats: propagates NaN
  Minimum,
  MaxNumber, // the other operand for NaN
  MinNumber,
  MaxSigned,
  MinSigned,
  MaxUnsigned,
  MinUnsigned,
  And,
  Or,
  Xor,
};

/// What an `arith` operation is; nullopt if it is none of these.
std::optional<Combiner> combinerOf(mlir::Operation *op);
/// The region is one combiner on its two arguments.
std::optional<Combiner> combinerOf(mlir::Region &region);

mlir::Value combine(Emitter &e, Combiner combiner, mlir::Value a, mlir::Value b);
/// MLX reduces arrays of this element type by the combiner.
bool reducesDirectly(Combiner combiner, mlir::Type elementType);
/// Along an axis, which stays with extent 1; for what reducesDirectly.
mlir::Value reduce(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis);
/// The same for any combiner: halves are combined until one element is left.
mlir::Value reduceByHalves(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis);
/// Null: MLX has no such scan, or it would round more often than the kernel does.
mlir::Value scanDirectly(Emitter &e, Combiner combiner, mlir::Value a, unsigned axis, bool reverse);

} // namespace tmetal::raising

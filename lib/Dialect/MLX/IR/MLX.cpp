// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/MLX/IR/MLX.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

/// NumPy's rule: every operand axis, aligned at the last one, is 1 or the result's extent.
static LogicalResult verifyBroadcast(Operation *op) {
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  for (Value operand : op->getOperands()) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getRank() > result.getRank())
      return op->emitOpError("has an operand of higher rank than the result");
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t extent = type.getDimSize(type.getRank() - 1 - i);
      if (extent != 1 && extent != result.getDimSize(result.getRank() - 1 - i))
        return op->emitOpError() << "cannot broadcast " << type << " to " << result;
    }
  }
  return success();
}

#define GET_OP_CLASSES
#include "triton-metal/Dialect/MLX/IR/MLXOps.cpp.inc"

#include "triton-metal/Dialect/MLX/IR/MLXDialect.cpp.inc"

namespace tmetal::mlxir {

void MLXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/MLX/IR/MLXOps.cpp.inc"
      >();
}

LogicalResult ReshapeOp::verify() {
  if (getA().getType().getNumElements() != getResult().getType().getNumElements())
    return emitOpError("changes the number of elements");
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getA().getType() == getResult().getType())
    return getA();
  if (auto inner = getA().getDefiningOp<ReshapeOp>()) {
    getOperation()->setOperand(0, inner.getA());
    return getResult();
  }
  return {};
}

LogicalResult TransposeOp::verify() {
  auto from = getA().getType(), to = getResult().getType();
  SmallVector<bool> seen(from.getRank());
  if (static_cast<int64_t>(getAxes().size()) != from.getRank() || to.getRank() != from.getRank())
    return emitOpError("needs one axis per dimension");
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    if (axis < 0 || axis >= from.getRank() || seen[axis])
      return emitOpError("axes are not a permutation");
    seen[axis] = true;
    if (to.getDimSize(i) != from.getDimSize(axis))
      return emitOpError("result shape does not follow the axes");
  }
  return success();
}

LogicalResult AsStridedOp::verify() {
  auto from = getA().getType(), to = getResult().getType();
  if (from.getRank() != 1)
    return emitOpError("needs a flat array");
  if (static_cast<int64_t>(getStrides().size()) != to.getRank())
    return emitOpError("needs one stride per axis");
  int64_t low = getOffset(), high = getOffset();
  for (auto [stride, extent] : llvm::zip(getStrides(), to.getShape())) {
    if (extent == 0)
      return success();
    (stride < 0 ? low : high) += stride * (extent - 1);
  }
  if (low < 0 || high >= from.getNumElements())
    return emitOpError() << "reads elements " << low << " to " << high << " of an array of "
                         << from.getNumElements();
  return success();
}

LogicalResult WhileOp::verify() {
  auto *yield = getBody().front().getTerminator();
  if (getInits().empty() || !cast<RankedTensorType>(getInits()[0].getType()).getElementType().isInteger(1))
    return emitOpError("needs a condition as its first carried array");
  if (getInits().getTypes() != getResults().getTypes() ||
      TypeRange(getBody().getArgumentTypes()) != TypeRange(getInits().getTypes()) ||
      yield->getOperandTypes() != getResults().getTypes())
    return emitOpError("must carry arrays of unchanging types");
  return success();
}

} // namespace tmetal::mlxir

// SPDX-License-Identifier: MIT
// Computes arithmetic on storage types (8-bit floats) in float32. The registry of operations says which
// operations these are.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Operations/CheckTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tmetal::tt {

#define GEN_PASS_DEF_WIDENSTORAGEARITHMETIC
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

bool isStorage(Value value) { return isStorageType(getElementTypeOrSelf(value.getType())); }

/// `type` with another element type.
Type withElement(Type type, Type element) {
  auto block = dyn_cast<RankedTensorType>(type);
  return block ? Type(block.clone(element)) : element;
}

Value constant(OpBuilder &builder, Location loc, Type type, const APFloat &value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  TypedAttr attribute = FloatAttr::get(element, value);
  if (auto block = dyn_cast<RankedTensorType>(type))
    attribute = SplatElementsAttr::get(block, attribute);
  return arith::ConstantOp::create(builder, loc, attribute);
}

class Widening {
public:
  explicit Widening(MLIRContext *context) : builder(context) {}

  void run(Operation *root) {
    // Combiners come before the operations in them, which find their operands wide.
    SmallVector<Operation *> ops;
    root->walk<WalkOrder::PreOrder>([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (combinesInFloat32(op))
        widenCombiner(op);
      else if (isComputedInFloat32(op) || choosesUnrounded(op))
        widenOperation(op);
      else if (combiners.contains(op->getParentOp()) && op->hasTrait<OpTrait::IsTerminator>())
        widenOperands(op);
    }
    for (Operation *op : llvm::reverse(created))
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  /// A reduction or scan whose combiner computes carries float32, so that its results are rounded once and
  /// not at each step, in an order that depends on the engine.
  static bool combinesInFloat32(Operation *op) {
    return isa<ReduceOp, ScanOp>(op) && op->walk([](Operation *inner) {
                                            return WalkResult(failure(isComputedInFloat32(inner)));
                                          }).wasInterrupted();
  }

  bool choosesUnrounded(Operation *op) const {
    return isa<SelectLikeOpInterface>(op) &&
           llvm::any_of(op->getOperands(), [&](Value operand) { return unrounded.contains(operand); });
  }

  bool isInCombiner(Operation *op) const {
    for (Operation *parent = op->getParentOp(); parent; parent = parent->getParentOp())
      if (combiners.contains(parent))
        return true;
    return false;
  }

  void widenOperation(Operation *op) {
    widenOperands(op);
    narrowResults(op, isInCombiner(op));
  }

  void widenCombiner(Operation *op) {
    widenOperands(op);
    narrowResults(op, /*keepUnrounded=*/false);
    Block &body = op->getRegion(0).front();
    builder.setInsertionPointToStart(&body);
    for (BlockArgument argument : body.getArguments())
      narrow(argument, /*keepUnrounded=*/true);
    combiners.insert(op);
  }

  void widenOperands(Operation *op) {
    builder.setInsertionPoint(op);
    for (OpOperand &operand : op->getOpOperands())
      if (isStorage(operand.get()))
        operand.set(widened(operand.get(), op->getLoc()));
  }

  Value widened(Value value, Location loc) {
    if (Value wide = unrounded.lookup(value))
      return wide;
    return remember(FpToFpOp::create(builder, loc, withElement(value.getType(), builder.getF32Type()), value,
                                     RoundingModeAttr()));
  }

  void narrowResults(Operation *op, bool keepUnrounded) {
    builder.setInsertionPointAfter(op);
    for (OpResult result : op->getResults())
      narrow(result, keepUnrounded);
  }

  /// Makes the value one of float32 and gives its users the rounded value.
  void narrow(Value value, bool keepUnrounded) {
    if (!isStorage(value))
      return;
    Location loc = value.getLoc();
    Type type = value.getType();
    value.setType(withElement(type, builder.getF32Type()));
    SmallPtrSet<Operation *, 8> own;
    auto mark = [&](Value made) {
      own.insert(made.getDefiningOp());
      return remember(made);
    };
    Value rounded = mark(FpToFpOp::create(builder, loc, type, value,
                                          RoundingModeAttr::get(builder.getContext(), RoundingMode::RTNE)));
    // The conversion saturates. Finite numbers of 8 bits do not overflow float32, so an infinity comes from
    // an infinity or a division by zero.
    const llvm::fltSemantics &semantics = cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics();
    if (APFloat::semanticsHasInf(semantics))
      for (bool isNegative : {false, true}) {
        Value infinity =
            mark(constant(builder, loc, value.getType(), APFloat::getInf(APFloat::IEEEsingle(), isNegative)));
        Value storedInfinity = mark(constant(builder, loc, type, APFloat::getInf(semantics, isNegative)));
        Value isInfinite =
            mark(arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, value, infinity));
        rounded = mark(arith::SelectOp::create(builder, loc, isInfinite, storedInfinity, rounded));
      }
    value.replaceAllUsesExcept(rounded, own);
    if (keepUnrounded)
      unrounded[rounded] = value;
  }

  Value remember(Value made) {
    created.push_back(made.getDefiningOp());
    return made;
  }

  OpBuilder builder;
  DenseSet<Operation *> combiners;  // reductions and scans that carry float32
  DenseMap<Value, Value> unrounded; // what they compute, by the value after rounding
  SmallVector<Operation *> created;
};

struct WidenStorageArithmeticPass : impl::WidenStorageArithmeticBase<WidenStorageArithmeticPass> {
  void runOnOperation() final { Widening(&getContext()).run(getOperation()); }
};

} // namespace
} // namespace tmetal::tt

// SPDX-License-Identifier: MIT
// Contracts products and sums here, because the compiler of the Metal text is told not to.
//
//   a * b + c   ->   fma(a, b, c)          a * b - c   ->   fma(a, b, -c)
//   c - a * b   ->   fma(-a, b, c)
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tmetal::tt {

#define GEN_PASS_DEF_FUSEMULTIPLYADD
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

/// Not bfloat: no instruction computes its tm::fma, which is slower than a product and a sum.
static bool hasMultiplyAdd(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isF32() || element.isF64();
}

/// The product that only `sum` uses. It must be in the same block, since another block may run less often.
static arith::MulFOp productFor(Operation *sum, Value operand) {
  auto product = operand.getDefiningOp<arith::MulFOp>();
  bool fits = product && product->hasOneUse() && product->getBlock() == sum->getBlock();
  return fits ? product : nullptr;
}

struct FuseMultiplyAddPass : impl::FuseMultiplyAddBase<FuseMultiplyAddPass> {
  void runOnOperation() final {
    SmallVector<Operation *> sums;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::AddFOp, arith::SubFOp>(op) && hasMultiplyAdd(op->getResult(0).getType()))
        sums.push_back(op);
    });
    for (Operation *sum : sums)
      fuse(sum);
  }

  static void fuse(Operation *sum) {
    Value left = sum->getOperand(0), right = sum->getOperand(1);
    bool isDifference = isa<arith::SubFOp>(sum);
    bool productIsLeft = true;
    arith::MulFOp product = productFor(sum, left);
    if (!product) {
      product = productFor(sum, right);
      productIsLeft = false;
    }
    if (!product)
      return;
    OpBuilder builder(sum);
    Location at = sum->getLoc();
    auto negated = [&](Value value) -> Value { return arith::NegFOp::create(builder, at, value); };
    Value a = product.getLhs(), addend = productIsLeft ? right : left;
    if (isDifference)
      (productIsLeft ? addend : a) = negated(productIsLeft ? addend : a);
    sum->getResult(0).replaceAllUsesWith(math::FmaOp::create(builder, at, a, product.getRhs(), addend));
    sum->erase();
    product.erase();
  }
};

} // namespace
} // namespace tmetal::tt

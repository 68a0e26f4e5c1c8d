// SPDX-License-Identifier: MIT
// Unpacks, converts and scales the operands of `tt.dot_scaled`, and multiplies them with `tt.dot`.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace tmetal::tt {

#define GEN_PASS_DEF_LOWERSCALEDDOTS
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

/// An operand of a scaled product.
struct Operand {
  Value value, scale; // `scale` may be null
  ScaleDotElemType format;
  bool packedAlongInner;
  unsigned inner, outer; // dimensions
};

Type withElements(Type type, Type element) { return cast<RankedTensorType>(type).clone(element); }

/// Builds operations on blocks, element by element, with constants for one operand.
class BlockBuilder {
public:
  explicit BlockBuilder(DotScaledOp op) : b(op.getLoc(), op) {}

  Value constant(Value like, int64_t value) {
    auto type = cast<RankedTensorType>(like.getType());
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getIntegerAttr(type.getElementType(), value)));
  }
  Value constant(Value like, double value) {
    auto type = cast<RankedTensorType>(like.getType());
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getFloatAttr(type.getElementType(), value)));
  }
  template <typename Op> Value apply(Value value, int64_t with) {
    return Op::create(b, value, constant(value, with));
  }
  template <typename Op> Value convert(Value value, Type element) {
    return Op::create(b, withElements(value.getType(), element), value);
  }
  Value isEqual(Value value, int64_t to) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value, constant(value, to));
  }
  Value choose(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, condition, yes, no);
  }

  /// Repeats each element along `dim`: `times` copies, one after another.
  Value repeat(Value value, unsigned dim, int64_t times) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin() + dim + 1, times);
    value = ExpandDimsOp::create(b, value, dim + 1);
    value = BroadcastOp::create(b, type.clone(shape), value);
    shape.erase(shape.begin() + dim + 1);
    shape[dim] *= times;
    return ReshapeOp::create(b, type.clone(shape), value);
  }

  /// The coordinate of each element along `dim`.
  Value coordinates(ArrayRef<int64_t> shape, unsigned dim) {
    Type i32 = b.getI32Type();
    Value range = MakeRangeOp::create(b, RankedTensorType::get({shape[dim]}, i32), 0, uint32_t(shape[dim]));
    for (unsigned other = 0; other < shape.size(); ++other)
      if (other != dim)
        range = ExpandDimsOp::create(b, range, other);
    return BroadcastOp::create(b, RankedTensorType::get(shape, i32), range);
  }

  ImplicitLocOpBuilder b;
};

/// Lowers one operation.
class ScaledDot : BlockBuilder {
public:
  explicit ScaledDot(DotScaledOp op) : BlockBuilder(op), op(op) {
    unsigned rank = op.getA().getType().getRank();
    left = {op.getA(), op.getAScale(), op.getAElemType(), op.getLhsKPack(), rank - 1, rank - 2};
    right = {op.getB(), op.getBScale(), op.getBElemType(), op.getRhsKPack(), rank - 2, rank - 1};
  }

  LogicalResult lower() {
    for (const Operand &operand : {left, right})
      if (failed(check(operand)))
        return failure();
    Type type = computationType();
    Value leftFactor = prepare(left, type), rightFactor = prepare(right, type);
    Value product =
        DotOp::create(b, op.getC().getType(), leftFactor, rightFactor, op.getC(), InputPrecision::IEEE, 0);
    op.replaceAllUsesWith(product);
    op.erase();
    return success();
  }

private:
  LogicalResult check(const Operand &operand) {
    auto refuse = [&](const Twine &reason) { return emitError(op.getLoc()) << "[tt.dot_scaled] " << reason; };
    if (operand.format == ScaleDotElemType::E2M3 || operand.format == ScaleDotElemType::E3M2)
      return refuse("The format " + stringifyScaleDotElemType(operand.format) +
                    " is not supported: its elements have 6 bits.");
    if (operand.scale && elementOf(operand.scale).isF64())
      return refuse("Scales of type f64 are not supported: operands are scaled in f32.");
    return success();
  }

  /// The narrowest type that holds all values of both operands. Scaled operands need the exponents of f32: a
  /// bf16 that is subnormal has fewer bits than an e4m3.
  Type computationType() {
    auto fits = [&](ScaleDotElemType odd) {
      return llvm::none_of(ArrayRef<Operand>{left, right},
                           [&](const Operand &operand) { return operand.scale || operand.format == odd; });
    };
    if (fits(ScaleDotElemType::BF16))
      return b.getF16Type();
    if (fits(ScaleDotElemType::FP16))
      return b.getBF16Type();
    return b.getF32Type();
  }

  Value prepare(const Operand &operand, Type type) {
    Value value = converted(operand, type);
    if (!operand.scale)
      return value;
    Value scale = numberOfScale(operand.scale);
    if (operand.inner < operand.outer) { // scales are not transposed with the right operand
      unsigned rank = cast<RankedTensorType>(scale.getType()).getRank();
      SmallVector<int32_t> order = llvm::to_vector(llvm::seq<int32_t>(rank));
      std::swap(order[rank - 1], order[rank - 2]);
      scale = TransOp::create(b, scale, order);
    }
    std::vector<int64_t> shape = shapeOf(value), groups = shapeOf(scale);
    scale = repeat(scale, operand.inner, shape[operand.inner] / groups[operand.inner]);
    return arith::MulFOp::create(b, value, scale);
  }

  // ---- elements ----

  Value converted(const Operand &operand, Type type) {
    Value value = operand.value;
    switch (operand.format) {
    case ScaleDotElemType::E2M1:
      return resized(fromE2M1(unpacked(operand)), type);
    case ScaleDotElemType::E4M3:
      return fromFloat8(value, b.getType<Float8E4M3FNType>(), type);
    case ScaleDotElemType::E5M2:
      return fromFloat8(value, b.getType<Float8E5M2Type>(), type);
    default:
      return resized(value, type);
    }
  }

  /// The same numbers in another of f16, bf16 and f32.
  Value resized(Value value, Type type) {
    unsigned have = elementOf(value).getIntOrFloatBitWidth(), want = type.getIntOrFloatBitWidth();
    if (have == want)
      return value;
    return have < want ? convert<arith::ExtFOp>(value, type) : convert<arith::TruncFOp>(value, type);
  }

  Value fromFloat8(Value value, Type format, Type type) {
    if (isa<IntegerType>(elementOf(value)))
      value = convert<BitcastOp>(value, format);
    return FpToFpOp::create(b, withElements(value.getType(), type), value, RoundingModeAttr());
  }

  /// A byte for each e2m1. The bytes that hold two of them are what passes between threads.
  Value unpacked(const Operand &operand) {
    unsigned dim = operand.packedAlongInner ? operand.inner : operand.outer;
    Value bytes = repeat(operand.value, dim, 2);
    Value isOdd = apply<arith::AndIOp>(coordinates(shapeOf(bytes), dim), 1);
    Value shift = convert<arith::TruncIOp>(apply<arith::ShLIOp>(isOdd, 2), b.getI8Type());
    return apply<arith::AndIOp>(arith::ShRUIOp::create(b, bytes, shift), 15);
  }

  /// The numbers of e2m1 are halves of 0, 1, 2, 3, 4, 6, 8 and 12, which are the digits of this constant.
  Value fromE2M1(Value code) {
    constexpr int64_t kDoubled = int32_t(0xC8643210);
    Value bits = convert<arith::ExtUIOp>(code, b.getI32Type());
    Value digit = apply<arith::ShLIOp>(apply<arith::AndIOp>(bits, 7), 2);
    Value doubled = arith::ShRUIOp::create(b, constant(bits, kDoubled), digit);
    doubled = apply<arith::AndIOp>(doubled, 15);
    Value number = convert<arith::UIToFPOp>(doubled, b.getF32Type());
    Value sign = apply<arith::ShLIOp>(apply<arith::AndIOp>(bits, 8), 28);
    Value withSign = arith::OrIOp::create(b, convert<BitcastOp>(number, b.getI32Type()), sign);
    number = convert<BitcastOp>(withSign, b.getF32Type());
    return arith::MulFOp::create(b, number, constant(number, 0.5));
  }

  // ---- scales ----

  /// Bytes are e8m0: the exponent of an f32, except that 0 is the subnormal 2^-127 and 255 is NaN, which the
  /// multiplication passes on.
  Value numberOfScale(Value scale) {
    Type element = elementOf(scale);
    if (isa<FloatType>(element)) {
      if (element.getIntOrFloatBitWidth() == 8)
        return fromFloat8(scale, element, b.getF32Type());
      return resized(scale, b.getF32Type());
    }
    constexpr int64_t kSmallest = 0x00400000, kNaN = 0x7FC00000;
    Value byte = convert<arith::ExtUIOp>(scale, b.getI32Type());
    Value bits = apply<arith::ShLIOp>(byte, 23);
    bits = choose(isEqual(byte, 0), constant(byte, kSmallest), bits);
    bits = choose(isEqual(byte, 255), constant(byte, kNaN), bits);
    return convert<BitcastOp>(bits, b.getF32Type());
  }

  DotScaledOp op;
  Operand left, right;
};

struct LowerScaledDotsPass : impl::LowerScaledDotsBase<LowerScaledDotsPass> {
  void runOnOperation() final {
    SmallVector<DotScaledOp> products;
    getOperation().walk([&](DotScaledOp op) { products.push_back(op); });
    for (DotScaledOp op : products)
      if (failed(ScaledDot(op).lower()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace tmetal::tt

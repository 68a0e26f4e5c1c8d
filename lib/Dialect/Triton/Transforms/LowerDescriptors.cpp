// SPDX-License-Identifier: MIT
// A one-to-many type conversion replaces each descriptor by its parts, so that descriptors can pass through
// structured control flow. Each access becomes address arithmetic and a mask.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace tmetal::tt {
#define GEN_PASS_DEF_LOWERDESCRIPTORS
#include "triton-metal/Dialect/Triton/Transforms/Passes.h.inc"

namespace {

bool isDescriptor(Type type) { return isa<TensorDescType>(type); }

void appendPartTypes(TensorDescType type, SmallVectorImpl<Type> &types) {
  MLIRContext *context = type.getContext();
  Type i64 = IntegerType::get(context, 64), i1 = IntegerType::get(context, 1);
  types.push_back(PointerType::get(type.getSignlessElementType()));
  types.append(2 * type.getShape().size(), i64);
  types.append(2, i1);
}

// The parts of a descriptor, in the order of appendPartTypes.
struct Descriptor {
  Descriptor(TensorDescType type, ValueRange parts) : type(type) {
    size_t rank = type.getShape().size();
    base = parts[0];
    sizes = parts.slice(1, rank);
    strides = parts.slice(1 + rank, rank);
    padsWithNan = parts[1 + 2 * rank];
    roundsToTf32 = parts[2 + 2 * rank];
  }
  TensorDescType type;
  Value base, padsWithNan, roundsToTf32;
  ValueRange sizes, strides;
};

// Builds addresses and masks for a block of `shape`.
class BlockBuilder {
public:
  BlockBuilder(OpBuilder &builder, Location loc, const Descriptor &desc, ArrayRef<int64_t> shape)
      : builder(builder), loc(loc), desc(desc), shape(shape) {}

  /// Adds the positions `start`, `start` + 1, ... along an axis.
  void addRange(unsigned axis, Value start) {
    auto type = RankedTensorType::get({shape[axis]}, builder.getI64Type());
    auto rangeType = RankedTensorType::get({shape[axis]}, builder.getI32Type());
    Value range = MakeRangeOp::create(builder, loc, rangeType, 0, static_cast<uint32_t>(shape[axis]));
    Value wide = arith::ExtSIOp::create(builder, loc, type, range);
    Value first = SplatOp::create(builder, loc, type, widen(start));
    addPositions(axis, arith::AddIOp::create(builder, loc, first, wide));
  }

  /// Adds the positions that an i32 tensor of rank 1 lists.
  void addList(unsigned axis, Value list) {
    auto type = RankedTensorType::get({shape[axis]}, builder.getI64Type());
    addPositions(axis, arith::ExtSIOp::create(builder, loc, type, list));
  }

  Value addresses() {
    auto type = RankedTensorType::get(shape, desc.base.getType());
    Value base = SplatOp::create(builder, loc, type, desc.base);
    return offset ? AddPtrOp::create(builder, loc, base, offset).getResult() : base;
  }
  Value mask() const { return inside; }

  /// The value of lanes outside of the tensor.
  Value padding() {
    Type element = desc.type.getSignlessElementType();
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
    Value pad = zero;
    if (auto floating = dyn_cast<FloatType>(element)) {
      APFloat nan = APFloat::getNaN(floating.getFloatSemantics());
      Value nanValue = arith::ConstantOp::create(builder, loc, builder.getFloatAttr(floating, nan));
      pad = arith::SelectOp::create(builder, loc, desc.padsWithNan, nanValue, zero);
    }
    return SplatOp::create(builder, loc, RankedTensorType::get(shape, element), pad);
  }

private:
  Value widen(Value index) {
    return index.getType().isInteger(64)
               ? index
               : arith::ExtSIOp::create(builder, loc, builder.getI64Type(), index).getResult();
  }

  // Broadcasts a tensor of rank 1, which lies along `axis`, to the whole block.
  Value spread(unsigned axis, Value line) {
    SmallVector<int64_t> slim(shape.size(), 1);
    slim[axis] = shape[axis];
    Type element = cast<RankedTensorType>(line.getType()).getElementType();
    Value result = line;
    for (unsigned dim = 0; dim < shape.size(); ++dim)
      if (dim != axis)
        result = ExpandDimsOp::create(builder, loc, result, dim);
    return BroadcastOp::create(builder, loc, RankedTensorType::get(shape, element), result);
  }

  void addPositions(unsigned axis, Value positions) {
    Type type = positions.getType();
    Value zero = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(cast<ShapedType>(type), builder.getI64IntegerAttr(0)));
    Value size = SplatOp::create(builder, loc, type, desc.sizes[axis]);
    Value stride = SplatOp::create(builder, loc, type, desc.strides[axis]);
    Value steps = spread(axis, arith::MulIOp::create(builder, loc, positions, stride));
    Value low = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, positions, zero);
    Value high = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, positions, size);
    Value valid = spread(axis, arith::AndIOp::create(builder, loc, low, high));
    offset = offset ? arith::AddIOp::create(builder, loc, offset, steps).getResult() : steps;
    inside = inside ? arith::AndIOp::create(builder, loc, inside, valid).getResult() : valid;
  }

  OpBuilder &builder;
  Location loc;
  const Descriptor &desc;
  ArrayRef<int64_t> shape;
  Value offset, inside;
};

// Reshapes a block to the type of the access, which may add or drop dimensions of size 1.
Value withType(OpBuilder &builder, Location loc, Value value, Type type) {
  return value.getType() == type ? value : ReshapeOp::create(builder, loc, type, value).getResult();
}

// Rounds f32 to 10 bits of mantissa, ties to even; infinities and NaN keep their bits.
Value roundToTf32(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  auto bitsType = RankedTensorType::get(type.getShape(), builder.getI32Type());
  auto constant = [&](uint32_t bits) -> Value {
    auto attr = DenseElementsAttr::get(cast<ShapedType>(bitsType), APInt(32, bits));
    return arith::ConstantOp::create(builder, loc, attr);
  };
  constexpr uint32_t exponent = 0x7F800000, kept = 0xFFFFE000;
  Value bits = BitcastOp::create(builder, loc, bitsType, value);
  Value masked = arith::AndIOp::create(builder, loc, bits, constant(exponent));
  Value special = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, masked, constant(exponent));
  Value lowest = arith::ShRUIOp::create(builder, loc, bits, constant(13));
  Value odd = arith::AndIOp::create(builder, loc, lowest, constant(1));
  Value half = arith::AddIOp::create(builder, loc, odd, constant(0xFFF));
  Value carried = arith::AddIOp::create(builder, loc, bits, half);
  Value rounded = arith::AndIOp::create(builder, loc, carried, constant(kept));
  Value chosen = arith::SelectOp::create(builder, loc, special, bits, rounded);
  return BitcastOp::create(builder, loc, type, chosen);
}

Value loadBlock(OpBuilder &builder, Location loc, const Descriptor &desc, BlockBuilder &block,
                CachePolicyAttr cache) {
  Value loaded = LoadOp::create(builder, loc, block.addresses(), block.mask(), block.padding(), cache);
  if (!desc.type.getElementType().isF32())
    return loaded;
  auto branch = scf::IfOp::create(builder, loc, loaded.getType(), desc.roundsToTf32, /*withElseRegion=*/true);
  OpBuilder then = branch.getThenBodyBuilder(), otherwise = branch.getElseBodyBuilder();
  scf::YieldOp::create(then, loc, roundToTf32(then, loc, loaded));
  scf::YieldOp::create(otherwise, loc, loaded);
  return branch.getResult(0);
}

struct LowerMake : OpConversionPattern<MakeTensorDescOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MakeTensorDescOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    SmallVector<Value> parts{adaptor.getBase()};
    for (Value size : adaptor.getShape())
      parts.push_back(arith::ExtSIOp::create(rewriter, loc, rewriter.getI64Type(), size));
    llvm::append_range(parts, adaptor.getStrides());
    bool pads = op.getPadding() == PaddingOption::PAD_NAN;
    parts.push_back(arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(pads)));
    parts.push_back(arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(false)));
    rewriter.replaceOpWithMultiple(op, ArrayRef<ValueRange>{parts});
    return success();
  }
};

template <typename OpT> struct LowerAccess : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<OpT>::OneToNOpAdaptor;
  LogicalResult matchAndRewrite(OpT op, Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    TensorDescType type = op.getDesc().getType();
    Descriptor desc(type, adaptor.getDesc());
    if constexpr (std::is_same_v<OpT, DescriptorGatherOp> || std::is_same_v<OpT, DescriptorScatterOp>) {
      int64_t shape[] = {cast<RankedTensorType>(op.getXOffsets().getType()).getDimSize(0),
                         type.getShape()[1]};
      BlockBuilder block(rewriter, op.getLoc(), desc, shape);
      block.addList(0, adaptor.getXOffsets()[0]);
      block.addRange(1, adaptor.getYOffset()[0]);
      return access(op, adaptor, rewriter, desc, block, shape);
    } else {
      BlockBuilder block(rewriter, op.getLoc(), desc, type.getShape());
      for (auto [axis, index] : llvm::enumerate(adaptor.getIndices()))
        block.addRange(axis, index[0]);
      return access(op, adaptor, rewriter, desc, block, type.getShape());
    }
  }

  LogicalResult access(OpT op, Adaptor adaptor, ConversionPatternRewriter &rewriter, const Descriptor &desc,
                       BlockBuilder &block, ArrayRef<int64_t> shape) const {
    Location loc = op.getLoc();
    if constexpr (std::is_same_v<OpT, DescriptorLoadOp> || std::is_same_v<OpT, DescriptorGatherOp>) {
      CachePolicyAttr cache;
      if constexpr (std::is_same_v<OpT, DescriptorLoadOp>)
        cache = op.getCachePolicyAttr();
      Value loaded = loadBlock(rewriter, loc, desc, block, cache);
      rewriter.replaceOp(op, withType(rewriter, loc, loaded, op.getType()));
    } else {
      auto type = RankedTensorType::get(shape, desc.type.getSignlessElementType());
      Value value = withType(rewriter, loc, adaptor.getSrc()[0], type);
      if constexpr (std::is_same_v<OpT, DescriptorReduceOp>) {
        std::optional<RMWOp> update = updateOf(op.getKind(), desc.type.getElementType());
        if (!update)
          return emitError(loc) << "[tt.descriptor_reduce] '" << stringifyDescriptorReduceKind(op.getKind())
                                << "' of " << desc.type.getElementType() << " has no atomic operation.";
        AtomicRMWOp::create(rewriter, loc, value.getType(), *update, block.addresses(), value, block.mask(),
                            MemSemantic::RELAXED, MemSyncScope::GPU);
      } else {
        StoreOp::create(rewriter, loc, block.addresses(), value, block.mask());
      }
      rewriter.eraseOp(op);
    }
    return success();
  }

  static std::optional<RMWOp> updateOf(DescriptorReduceKind kind, Type element) {
    if (isa<FloatType>(element))
      return kind == DescriptorReduceKind::ADD ? std::optional(RMWOp::FADD) : std::nullopt;
    bool isUnsigned = element.isUnsignedInteger();
    switch (kind) {
    case DescriptorReduceKind::ADD:
      return RMWOp::ADD;
    case DescriptorReduceKind::MIN:
      return isUnsigned ? RMWOp::UMIN : RMWOp::MIN;
    case DescriptorReduceKind::MAX:
      return isUnsigned ? RMWOp::UMAX : RMWOp::MAX;
    case DescriptorReduceKind::AND:
      return RMWOp::AND;
    case DescriptorReduceKind::OR:
      return RMWOp::OR;
    case DescriptorReduceKind::XOR:
      return RMWOp::XOR;
    case DescriptorReduceKind::INC:
    case DescriptorReduceKind::DEC:
      return std::nullopt;
    }
    return std::nullopt;
  }
};

struct LowerSelect : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> parts;
    for (auto [yes, no] : llvm::zip_equal(adaptor.getTrueValue(), adaptor.getFalseValue()))
      parts.push_back(arith::SelectOp::create(rewriter, op.getLoc(), adaptor.getCondition()[0], yes, no));
    rewriter.replaceOpWithMultiple(op, ArrayRef<ValueRange>{parts});
    return success();
  }
};

struct LowerPoison : OpConversionPattern<ub::PoisonOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ub::PoisonOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    appendPartTypes(cast<TensorDescType>(op.getType()), types);
    SmallVector<Value> parts;
    for (Type type : types)
      parts.push_back(ub::PoisonOp::create(rewriter, op.getLoc(), type));
    rewriter.replaceOpWithMultiple(op, ArrayRef<ValueRange>{parts});
    return success();
  }
};

// Replaces descriptor arguments by their parts, which are named after the argument. Its attributes go to the
// base pointer.
struct LowerSignature : OpConversionPattern<FuncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(FuncOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    FunctionType type = op.getFunctionType();
    TypeConverter::SignatureConversion signature(type.getNumInputs());
    if (failed(getTypeConverter()->convertSignatureArgs(type.getInputs(), signature)))
      return failure();
    SmallVector<Attribute> attributes;
    SmallVector<Location> locations;
    for (unsigned i = 0; i < type.getNumInputs(); ++i) {
      DictionaryAttr own = op.getArgAttrDict(i);
      attributes.push_back(own ? own : rewriter.getDictionaryAttr({}));
      appendLocations(op, i, locations);
      if (auto desc = dyn_cast<TensorDescType>(type.getInput(i)))
        attributes.append(2 * desc.getShape().size() + 2, rewriter.getDictionaryAttr({}));
    }
    FailureOr<Block *> entry = rewriter.convertRegionTypes(&op.getBody(), *getTypeConverter(), &signature);
    if (failed(entry))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setFunctionType(
          FunctionType::get(op.getContext(), signature.getConvertedTypes(), type.getResults()));
      if (op.getArgAttrsAttr())
        op.setArgAttrsAttr(rewriter.getArrayAttr(attributes));
      for (auto [argument, loc] : llvm::zip_equal((*entry)->getArguments(), locations))
        argument.setLoc(loc);
    });
    return success();
  }

  static void appendLocations(FuncOp op, unsigned index, SmallVectorImpl<Location> &locations) {
    Location loc = op.isExternal() ? op.getLoc() : op.getArgument(index).getLoc();
    locations.push_back(loc);
    auto desc = dyn_cast<TensorDescType>(op.getFunctionType().getInput(index));
    if (!desc)
      return;
    auto named = dyn_cast<NameLoc>(loc);
    std::string name = named ? named.getName().str() : "arg" + std::to_string(index);
    Location at = named ? named.getChildLoc() : loc;
    auto add = [&](const Twine &part) {
      locations.push_back(NameLoc::get(StringAttr::get(op.getContext(), name + "." + part), at));
    };
    for (const char *part : {"shape.", "stride."})
      for (size_t axis = 0; axis < desc.getShape().size(); ++axis)
        add(Twine(part) + Twine(axis));
    add("padding");
    add("round_f32_to_tf32");
  }
};

struct LowerDescriptorsPass : impl::LowerDescriptorsBase<LowerDescriptorsPass> {
  void runOnOperation() override {
    MLIRContext &context = getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion(
        [](TensorDescType type, SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
          appendPartTypes(type, types);
          return success();
        });

    ConversionTarget target(context);
    target.addIllegalOp<MakeTensorDescOp, DescriptorLoadOp, DescriptorStoreOp, DescriptorReduceOp,
                        DescriptorGatherOp, DescriptorScatterOp>();
    target.addDynamicallyLegalOp<FuncOp>(
        [](FuncOp op) { return llvm::none_of(op.getFunctionType().getInputs(), isDescriptor); });
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      return llvm::none_of(op->getOperandTypes(), isDescriptor) &&
             llvm::none_of(op->getResultTypes(), isDescriptor);
    });

    RewritePatternSet patterns(&context);
    patterns.add<LowerMake, LowerAccess<DescriptorLoadOp>, LowerAccess<DescriptorStoreOp>,
                 LowerAccess<DescriptorReduceOp>, LowerAccess<DescriptorGatherOp>,
                 LowerAccess<DescriptorScatterOp>, LowerSelect, LowerPoison, LowerSignature>(converter,
                                                                                             &context);
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tmetal::tt

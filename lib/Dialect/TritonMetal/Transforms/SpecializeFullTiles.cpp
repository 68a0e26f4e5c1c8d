// SPDX-License-Identifier: MIT
// Gives regions a second version for the case that all masks hold, without masks and with affine addresses.
//
// An affine function of the coordinates takes its extreme values at corners of the region's box. Code in
// front of the region computes these for offsets and comparisons in 64 bits. If all offsets fit into 32 bits
// (so that they do not wrap) and all comparisons hold at their worst corner, every thread may drop its masks.
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

#include <optional>

using namespace mlir;

namespace tmetal::tm {

#define GEN_PASS_DEF_SPECIALIZEFULLTILES
#include "triton-metal/Dialect/TritonMetal/Transforms/Passes.h.inc"

namespace {

/// Sum of coefficient * position + constant, modulo 2^width of the value that it describes. Coefficients and
/// the constant are i64 values in uniform code.
struct Affine {
  SmallVector<std::pair<Operation *, Value>> terms; // by tm.coord or tm.element
  Value constant;
};

class Specializer {
public:
  explicit Specializer(RegionOp region) : region(region), b(region.getLoc(), region->getContext()) {
    b.setInsertionPoint(region);
  }

  void run() {
    mlir::Block &body = region.getBody().front();
    SmallVector<DeviceAccessOpInterface> accesses;
    for (Operation &op : body) {
      auto access = dyn_cast<DeviceAccessOpInterface>(op);
      if (access && !access.isAtomic())
        accesses.push_back(access);
      else if (isa<PrintOp, AssertOp>(op) ||
               op.walk([](DeviceAccessOpInterface) { return WalkResult::interrupt(); }).wasInterrupted())
        return; // nothing to gain
    }
    if (accesses.empty())
      return;
    struct Plan {
      DeviceAccessOpInterface access;
      std::optional<Affine> offset;
      bool narrow = false; // the offset has fewer than 64 bits
      Value remainingMask;
      bool hasMask = false;
    };
    SmallVector<Plan> plans;
    bool useful = false;
    for (DeviceAccessOpInterface access : accesses) {
      Plan plan{access, std::nullopt, false, {}, false};
      Value offset = access.getOffset(), mask = access.getMask();
      if (offset) {
        plan.offset = affine(offset);
        plan.narrow = offset.getType().getIntOrFloatBitWidth() < 64;
        if (plan.offset && plan.narrow)
          requireNoWrap(*plan.offset);
        useful |= bool(plan.offset);
      }
      if (mask) {
        plan.hasMask = true;
        plan.remainingMask = requireMask(mask);
        useful |= plan.remainingMask != mask;
      }
      plans.push_back(plan);
    }
    if (!useful)
      return;
    // Pointers and steps of the fast version; both are uniform.
    struct Address {
      Value base;
      SmallVector<std::pair<Operation *, Value>> terms;
    };
    SmallVector<std::optional<Address>> addresses;
    for (Plan &plan : plans) {
      std::optional<Address> address;
      Value pointer = plan.access.getAddress();
      if (plan.offset && isUniform(pointer)) {
        address.emplace();
        address->base = tt::AddPtrOp::create(b, pointer.getType(), pointer, plan.offset->constant);
        address->terms = plan.offset->terms;
      }
      addresses.push_back(address);
    }
    if (condition) {
      auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
      IRMapping toGeneral;
      OpBuilder elseBuilder(branch.elseYield());
      elseBuilder.clone(*region, toGeneral);
      region->moveBefore(branch.thenYield());
    }
    for (auto [plan, address] : llvm::zip_equal(plans, addresses)) {
      OpBuilder inner(plan.access);
      ImplicitLocOpBuilder at(plan.access->getLoc(), inner);
      Value base, offset;
      if (address) {
        base = address->base;
        offset = {};
        for (auto [position, coefficient] : address->terms) {
          Value step = position->getResult(0);
          std::optional<int64_t> known = constantOf(coefficient);
          auto noWrap = arith::IntegerOverflowFlags::nsw;
          // A small constant step cannot leave 32 bits.
          if (known && std::abs(*known) <= 1024) {
            if (*known != 1)
              step = arith::MulIOp::create(at, step, arith::ConstantIntOp::create(at, *known, 32), noWrap);
          } else {
            step = arith::ExtSIOp::create(at, at.getI64Type(), step);
            step = arith::MulIOp::create(at, step, coefficient, noWrap);
          }
          if (offset && offset.getType() != step.getType()) {
            if (offset.getType().isInteger(32))
              offset = arith::ExtSIOp::create(at, at.getI64Type(), offset);
            else
              step = arith::ExtSIOp::create(at, at.getI64Type(), step);
          }
          offset = offset ? Value(arith::AddIOp::create(at, offset, step, noWrap)) : step;
        }
      }
      if (auto load = dyn_cast<LoadOp>(plan.access.getOperation())) {
        if (address) {
          load.getPtrMutable().assign(base);
          load.getOffsetMutable().assign(offset ? ValueRange(offset) : ValueRange());
        }
        if (plan.hasMask) {
          load.getMaskMutable().assign(plan.remainingMask ? ValueRange(plan.remainingMask) : ValueRange());
          if (!plan.remainingMask)
            load.getOtherMutable().clear();
        }
      } else {
        auto store = cast<StoreOp>(plan.access.getOperation());
        if (address) {
          store.getPtrMutable().assign(base);
          store.getOffsetMutable().assign(offset ? ValueRange(offset) : ValueRange());
        }
        if (plan.hasMask)
          store.getMaskMutable().assign(plan.remainingMask ? ValueRange(plan.remainingMask) : ValueRange());
      }
    }
  }

private:
  bool isUniform(Value value) { return value.getParentRegion() != &region.getBody(); }

  static std::optional<int64_t> constantOf(Value value) {
    IntegerAttr attribute;
    if (matchPattern(value, m_Constant(&attribute)))
      return attribute.getValue().getSExtValue();
    return std::nullopt;
  }
  Value constant(int64_t value) { return arith::ConstantIntOp::create(b, value, 64); }
  Value add(Value x, Value y) {
    std::optional<int64_t> kx = constantOf(x), ky = constantOf(y);
    if (kx && ky)
      return constant(int64_t(uint64_t(*kx) + uint64_t(*ky)));
    if (kx && *kx == 0)
      return y;
    if (ky && *ky == 0)
      return x;
    return arith::AddIOp::create(b, x, y);
  }
  Value multiply(Value x, Value y) {
    std::optional<int64_t> kx = constantOf(x), ky = constantOf(y);
    if (kx && ky)
      return constant(int64_t(uint64_t(*kx) * uint64_t(*ky)));
    if (kx && *kx == 1)
      return y;
    if (ky && *ky == 1)
      return x;
    return arith::MulIOp::create(b, x, y);
  }
  /// A uniform integer extended to 64 bits, wrapped to its own width first.
  Value widened(Value value) {
    if (std::optional<int64_t> known = constantOf(value))
      return constant(*known);
    if (value.getType().isInteger(64))
      return value;
    return arith::ExtSIOp::create(b, b.getI64Type(), value);
  }
  /// A sum or product of uniform parts may wrap in 32-bit arithmetic. So may the parts of an affine form,
  /// which is only used modulo 2^32 until `requireNoWrap` has shown that it does not wrap.
  Value reduced(Value value, bool narrow) {
    if (!narrow)
      return value;
    if (std::optional<int64_t> known = constantOf(value))
      return constant(int64_t(int32_t(*known)));
    return arith::ExtSIOp::create(b, b.getI64Type(), arith::TruncIOp::create(b, b.getI32Type(), value));
  }

  std::optional<Affine> affine(Value value) {
    auto known = forms.find(value);
    if (known != forms.end())
      return known->second;
    std::optional<Affine> form = compute(value);
    forms[value] = form;
    return form;
  }
  std::optional<Affine> compute(Value value) {
    if (!value.getType().isInteger(32) && !value.getType().isInteger(64))
      return std::nullopt;
    bool narrow = value.getType().isInteger(32);
    if (isUniform(value))
      return Affine{{}, widened(value)};
    Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (isa<arith::ConstantOp>(op)) {
      std::optional<int64_t> number = constantOf(value);
      return number ? std::optional<Affine>(Affine{{}, constant(*number)}) : std::nullopt;
    }
    if (isa<CoordOp, ElementOp>(op))
      return Affine{{{canonical(op), constant(1)}}, constant(0)};
    if (isa<arith::AddIOp, arith::SubIOp>(op)) {
      std::optional<Affine> x = affine(op->getOperand(0)), y = affine(op->getOperand(1));
      if (!x || !y)
        return std::nullopt;
      Value sign = constant(isa<arith::SubIOp>(op) ? -1 : 1);
      Affine sum = *x;
      sum.constant = reduced(add(sum.constant, multiply(y->constant, sign)), narrow);
      for (auto [position, coefficient] : y->terms)
        addTerm(sum, position, multiply(coefficient, sign), narrow);
      return sum;
    }
    if (isa<arith::MulIOp>(op)) {
      std::optional<Affine> x = affine(op->getOperand(0)), y = affine(op->getOperand(1));
      if (!x || !y || (!x->terms.empty() && !y->terms.empty()))
        return std::nullopt;
      if (x->terms.empty())
        std::swap(x, y);
      Affine product{{}, reduced(multiply(x->constant, y->constant), narrow)};
      for (auto [position, coefficient] : x->terms)
        product.terms.push_back({position, reduced(multiply(coefficient, y->constant), narrow)});
      return product;
    }
    if (auto extend = dyn_cast<arith::ExtSIOp>(op)) {
      if (!extend.getIn().getType().isInteger(32))
        return std::nullopt;
      std::optional<Affine> inner = affine(extend.getIn());
      if (inner && !inner->terms.empty())
        requireNoWrap(*inner);
      return inner;
    }
    return std::nullopt;
  }
  void addTerm(Affine &form, Operation *position, Value coefficient, bool narrow) {
    for (auto &term : form.terms)
      if (term.first == position) {
        term.second = reduced(add(term.second, coefficient), narrow);
        return;
      }
    form.terms.push_back({position, coefficient});
  }
  /// The first of several equal position operations.
  Operation *canonical(Operation *op) {
    for (Operation *other : positions)
      if (other->getName() == op->getName() && other->getAttrDictionary() == op->getAttrDictionary() &&
          other->getOperands() == op->getOperands() &&
          OperationEquivalence::isEquivalentTo(other, op, OperationEquivalence::IgnoreLocations))
        return other;
    positions.push_back(op);
    return op;
  }

  static int64_t extentOf(Operation *position) {
    if (auto coord = dyn_cast<CoordOp>(position))
      return coord.getLayout().getShape()[coord.getDim()];
    return cast<ElementOp>(position).getLayout().getNumElements();
  }
  /// The exact largest or smallest value of the form over the box.
  Value extreme(const Affine &form, bool largest) {
    Value sum = form.constant;
    for (auto [position, coefficient] : form.terms) {
      Value far = multiply(coefficient, constant(extentOf(position) - 1));
      std::optional<int64_t> known = constantOf(coefficient);
      if (known) {
        if ((*known > 0) == largest)
          sum = add(sum, far);
        continue;
      }
      Value zero = constant(0);
      sum = add(sum, largest ? Value(arith::MaxSIOp::create(b, far, zero))
                             : Value(arith::MinSIOp::create(b, far, zero)));
    }
    return sum;
  }
  void require(Value holds) {
    condition = condition ? Value(arith::AndIOp::create(b, condition, holds)) : holds;
  }
  void compare(arith::CmpIPredicate predicate, Value x, Value y) {
    require(arith::CmpIOp::create(b, predicate, x, y));
  }
  void requireNoWrap(const Affine &form) {
    if (form.terms.empty())
      return; // already reduced
    SmallVector<void *> key;
    for (auto [position, coefficient] : form.terms) {
      key.push_back(position);
      key.push_back(coefficient.getAsOpaquePointer());
    }
    key.push_back(form.constant.getAsOpaquePointer());
    if (llvm::is_contained(checked, key))
      return;
    checked.push_back(key);
    compare(arith::CmpIPredicate::sge, extreme(form, false), constant(std::numeric_limits<int32_t>::min()));
    compare(arith::CmpIPredicate::sle, extreme(form, true), constant(std::numeric_limits<int32_t>::max()));
  }

  /// The part of a mask that still has to be tested when the conditions of the fast
  /// version hold; null if none.
  Value requireMask(Value mask) {
    if (isUniform(mask)) {
      require(mask);
      return {};
    }
    Operation *op = mask.getDefiningOp();
    if (auto both = dyn_cast<arith::AndIOp>(op)) {
      Value left = requireMask(both.getLhs()), right = requireMask(both.getRhs());
      if (left == both.getLhs() && right == both.getRhs())
        return mask;
      if (!left || !right)
        return left ? left : right;
      OpBuilder at(op);
      return arith::AndIOp::create(at, op->getLoc(), left, right);
    }
    auto compareOp = dyn_cast<arith::CmpIOp>(op);
    if (!compareOp)
      return mask;
    using P = arith::CmpIPredicate;
    P predicate = compareOp.getPredicate();
    if (predicate != P::slt && predicate != P::sle && predicate != P::sgt && predicate != P::sge)
      return mask;
    std::optional<Affine> left = affine(compareOp.getLhs()), right = affine(compareOp.getRhs());
    if (!left || !right)
      return mask;
    if (compareOp.getLhs().getType().isInteger(32)) {
      requireNoWrap(*left);
      requireNoWrap(*right);
    } else {
      // There is no type wider than 64 bits to compute the corners in. Constant steps and corners in the
      // right order show that none wraps.
      for (const Affine *side : {&*left, &*right}) {
        if (llvm::any_of(side->terms, [](auto &term) { return !constantOf(term.second); }))
          return mask;
        if (!side->terms.empty())
          compare(P::sle, extreme(*side, false), extreme(*side, true));
      }
    }
    // Compares the worst corners of both sides: sufficient, and exact if one side is uniform.
    bool less = predicate == P::slt || predicate == P::sle;
    compare(predicate, extreme(*left, less), extreme(*right, !less));
    return {};
  }

  RegionOp region;
  ImplicitLocOpBuilder b;
  Value condition;
  llvm::DenseMap<Value, std::optional<Affine>> forms;
  SmallVector<Operation *> positions;
  SmallVector<SmallVector<void *>> checked;
};

struct SpecializeFullTilesPass : impl::SpecializeFullTilesBase<SpecializeFullTilesPass> {
  void runOnOperation() final {
    SmallVector<RegionOp> regions;
    getOperation().walk([&](RegionOp region) { regions.push_back(region); });
    for (RegionOp region : regions)
      Specializer(region).run();
  }
};

} // namespace
} // namespace tmetal::tm

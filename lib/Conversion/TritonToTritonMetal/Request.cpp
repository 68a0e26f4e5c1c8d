// SPDX-License-Identifier: MIT
#include "Request.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <tuple>

using namespace mlir;

namespace tmetal {

bool Request::operator<(const Request &other) const {
  auto key = [](const Request &request) {
    const LinearLayout &layout = request.layout;
    return std::tie(request.flip, layout.shape, layout.registers, layout.lanes, layout.simdgroups);
  };
  return key(*this) < key(other);
}

Request Request::through(ArrayRef<int64_t> shape, ArrayRef<int64_t> images, int64_t constant) const {
  auto image = [&](int64_t element) {
    int64_t result = 0;
    for (unsigned bit = 0; bit < images.size(); ++bit)
      if (element >> bit & 1)
        result ^= images[bit];
    return result;
  };
  Request result = *this;
  result.layout.shape = shape.vec();
  for (std::vector<int64_t> *bases :
       {&result.layout.registers, &result.layout.lanes, &result.layout.simdgroups})
    for (int64_t &basis : *bases)
      basis = image(basis);
  result.flip = image(flip) ^ constant;
  return result;
}

std::optional<OwnRegister> findOwnRegister(const Request &have, const Request &want) {
  constexpr int64_t kMaxIndexedRegisters = 8; // registers with a run-time index live in memory on a GPU
  LinearLayout layout = want.layout;
  int64_t flip = want.flip ^ have.flip;
  // The constant is added as a register bit that is always set.
  if (flip)
    layout.registers.push_back(flip);
  std::optional<RegisterMap> map = readWithinThread(have.layout, layout);
  if (!map || (!map->isStatic() && have.layout.numRegisters() > kMaxIndexedRegisters))
    return std::nullopt;
  OwnRegister place{std::move(*map), 0};
  if (flip) {
    place.constant = place.map.fromRegisters.back();
    place.map.fromRegisters.pop_back();
  }
  return place;
}

/// The image of each bit of an element's index in `shape`, from `place(dim, bit of the coordinate)`.
static SmallVector<int64_t> imagesOf(ArrayRef<int64_t> shape,
                                     llvm::function_ref<int64_t(int, int64_t)> place) {
  SmallVector<int64_t> images;
  for (int dim = int(shape.size()) - 1; dim >= 0; --dim)
    for (int64_t bit = 1; bit < shape[dim]; bit <<= 1)
      images.push_back(place(dim, bit));
  return images;
}

/// The same for views that treat all bits of the index alike.
static SmallVector<int64_t> imagesOfIndex(int64_t count, llvm::function_ref<int64_t(int64_t)> place) {
  SmallVector<int64_t> images;
  for (int64_t bit = 1; bit < count; bit <<= 1)
    images.push_back(place(bit));
  return images;
}

SmallVector<ValueRequest> requestsThroughView(OpResult result, const Request &request) {
  Operation *op = result.getOwner();
  auto to = [&](Value source, ArrayRef<int64_t> images, int64_t constant = 0) {
    return ValueRequest(source, request.through(shapeOf(source), images, constant));
  };
  if (!tt::isView(op))
    return {};
  std::vector<int64_t> shape = shapeOf(result);
  Value source = op->getOperand(0);
  std::vector<int64_t> sourceShape = shapeOf(source);
  SmallVector<int64_t> sourceStrides = stridesOf(sourceShape);
  if (isa<tt::ExpandDimsOp, tt::ReshapeOp>(op))
    return {to(source, imagesOfIndex(numElements(shape), [](int64_t bit) { return bit; }))};
  if (isa<tt::BroadcastOp>(op))
    return {to(source, imagesOf(shape, [&](int dim, int64_t bit) {
                 return sourceShape[dim] == 1 ? 0 : bit * sourceStrides[dim];
               }))};
  if (auto trans = dyn_cast<tt::TransOp>(op)) {
    ArrayRef<int32_t> order = trans.getOrder();
    return {
        to(source, imagesOf(shape, [&](int dim, int64_t bit) { return bit * sourceStrides[order[dim]]; }))};
  }
  int64_t count = numElements(shape);
  if (isa<tt::SplitOp>(op))
    return {to(source, imagesOfIndex(count, [](int64_t bit) { return bit << 1; }), result.getResultNumber())};
  bool lowest = isa<tt::JoinOp>(op); // the bit that selects the operand
  SmallVector<int64_t> images = imagesOfIndex(count, [&](int64_t bit) {
    return lowest ? bit >> 1 : bit == count / 2 ? 0 : bit;
  });
  return {to(source, images), to(op->getOperand(1), images)};
}

bool forEachPulled(Value value, const Request &request,
                   llvm::function_ref<bool(Value, const Request &)> visit) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return true;
  Operation *op = result.getOwner();
  if (SmallVector<ValueRequest> inner = requestsThroughView(result, request); !inner.empty())
    return llvm::all_of(inner, [&](const ValueRequest &each) { return visit(each.first, each.second); });
  if (isa<tt::MakeRangeOp, tt::SplatOp, arith::ConstantOp>(op))
    return true;
  return llvm::all_of(op->getOperands(), [&](Value operand) { return visit(operand, request); });
}

} // namespace tmetal

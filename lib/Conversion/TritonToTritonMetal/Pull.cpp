// SPDX-License-Identifier: MIT
// Requests for elements of blocks: how they pass through operations, and where they end.
#include "Distributor.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tmetal {

static bool isBlock(Type type) { return isa<RankedTensorType>(type); }
static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

std::vector<int64_t> flatten(const Request &request) {
  std::vector<int64_t> key = request.layout.shape;
  for (const std::vector<int64_t> *part :
       {&request.layout.registers, &request.layout.lanes, &request.layout.simdgroups}) {
    key.push_back(-1);
    key.insert(key.end(), part->begin(), part->end());
  }
  return key;
}

// ---- maps of bits ----

static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int i = int(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/// For each bit of an element's index in `shape`: `place(dim, bit of the coordinate)`.
static SmallVector<int64_t> imagesOf(ArrayRef<int64_t> shape,
                                     llvm::function_ref<int64_t(int, int64_t)> place) {
  SmallVector<int64_t> images;
  for (int dim = int(shape.size()) - 1; dim >= 0; --dim)
    for (int64_t bit = 1; bit < shape[dim]; bit <<= 1)
      images.push_back(place(dim, bit));
  return images;
}

/// Operands of a shape operation with the requests that they get; none for other operations.
static bool shapeRequests(Operation *op, OpResult result, const Request &request,
                          SmallVectorImpl<std::pair<Value, Request>> &out) {
  auto shape = cast<RankedTensorType>(result.getType()).getShape();
  auto same = [&](Value source) {
    SmallVector<int64_t> images =
        imagesOf(shape, [&, strides = stridesOf(shape)](int dim, int64_t bit) { return bit * strides[dim]; });
    out.push_back({source, request.through(cast<RankedTensorType>(source.getType()).getShape(), images)});
    return true;
  };
  if (isa<tt::ExpandDimsOp, tt::ReshapeOp>(op))
    return same(op->getOperand(0));
  if (auto broadcast = dyn_cast<tt::BroadcastOp>(op)) {
    auto source = cast<RankedTensorType>(broadcast.getSrc().getType()).getShape();
    SmallVector<int64_t> strides = stridesOf(source);
    out.push_back({broadcast.getSrc(), request.through(source, imagesOf(shape, [&](int dim, int64_t bit) {
                                                         return source[dim] == 1 ? 0 : bit * strides[dim];
                                                       }))});
    return true;
  }
  if (auto trans = dyn_cast<tt::TransOp>(op)) {
    auto source = cast<RankedTensorType>(trans.getSrc().getType()).getShape();
    SmallVector<int64_t> strides = stridesOf(source);
    ArrayRef<int32_t> order = trans.getOrder();
    out.push_back({trans.getSrc(), request.through(source, imagesOf(shape, [&](int dim, int64_t bit) {
                                                     return bit * strides[order[dim]];
                                                   }))});
    return true;
  }
  if (isa<tt::CatOp, tt::JoinOp>(op)) {
    // The bit that chooses between the operands: the highest of dimension 0, or the lowest.
    bool lowest = isa<tt::JoinOp>(op);
    int64_t count = cast<RankedTensorType>(result.getType()).getNumElements();
    SmallVector<int64_t> images;
    for (int64_t bit = 1; bit < count; bit <<= 1)
      images.push_back(lowest ? bit >> 1 : bit == count / 2 ? 0 : bit);
    for (Value source : op->getOperands())
      out.push_back({source, request.through(cast<RankedTensorType>(source.getType()).getShape(), images)});
    return true;
  }
  if (isa<tt::SplitOp>(op)) {
    int64_t count = cast<RankedTensorType>(result.getType()).getNumElements();
    SmallVector<int64_t> images;
    for (int64_t bit = 1; bit < count; bit <<= 1)
      images.push_back(bit << 1);
    Value source = op->getOperand(0);
    out.push_back({source, request.through(cast<RankedTensorType>(source.getType()).getShape(), images,
                                           result.getResultNumber())});
    return true;
  }
  return false;
}

bool forEachPulled(Value value, const Request &request,
                   llvm::function_ref<bool(Value, const Request &)> visit) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return true;
  SmallVector<std::pair<Value, Request>> inner;
  if (shapeRequests(result.getOwner(), result, request, inner))
    return llvm::all_of(inner, [&](auto &pair) { return visit(pair.first, pair.second); });
  if (isa<tt::MakeRangeOp, tt::SplatOp, arith::ConstantOp>(result.getOwner()))
    return true;
  return llvm::all_of(result.getOwner()->getOperands(),
                      [&](Value operand) { return visit(operand, request); });
}

// ---- what is computed wherever it is needed ----

static bool isCheap(Operation *op) {
  if (isa<arith::DivFOp, arith::RemFOp>(op))
    return false;
  return isa<arith::ArithDialect>(op->getDialect()) || isa<tt::AddPtrOp, tt::BitcastOp>(op);
}

constexpr int kMaxLazyCost = 40;

int Distributor::lazyCost(Value value) {
  if (!isBlock(value.getType()))
    return 0;
  if (auto known = lazyCosts.find(value); known != lazyCosts.end())
    return known->second;
  int cost = kMaxLazyCost + 1;
  if (Operation *op = value.getDefiningOp()) {
    if (isa<tt::MakeRangeOp, tt::SplatOp, arith::ConstantOp>(op)) {
      cost = 1;
    } else if (isa<tt::ExpandDimsOp, tt::ReshapeOp, tt::BroadcastOp, tt::TransOp, tt::CatOp, tt::JoinOp,
                   tt::SplitOp>(op) ||
               isCheap(op)) {
      cost = 1;
      for (Value operand : op->getOperands())
        cost = std::min(cost + lazyCost(operand), kMaxLazyCost + 1);
    }
  }
  return lazyCosts[value] = cost;
}

bool Distributor::isLazy(Value value) { return lazyCost(value) <= kMaxLazyCost; }

// ---- positions ----

Value Distributor::elementIndex(Region &region, const Request &request, Location loc) {
  Builder b = at(region, loc);
  if (request.layout.numElements() == 1)
    return arith::ConstantIntOp::create(b, 0, 32);
  Value element = tm::ElementOp::create(b, b.getI32Type(), registerOf(region), attribute(request.layout));
  if (request.flip == 0)
    return element;
  return arith::XOrIOp::create(b, element, arith::ConstantIntOp::create(b, request.flip, 32));
}

Value Distributor::coordinate(Region &region, const Request &request, int dim, Location loc) {
  Builder b = at(region, loc);
  if (request.layout.shape[dim] == 1)
    return arith::ConstantIntOp::create(b, 0, 32);
  Value coord = tm::CoordOp::create(b, b.getI32Type(), registerOf(region), attribute(request.layout), dim);
  int64_t flip = request.flip / stridesOf(request.layout.shape)[dim] % request.layout.shape[dim];
  if (flip == 0)
    return coord;
  return arith::XOrIOp::create(b, coord, arith::ConstantIntOp::create(b, flip, 32));
}

/// Sum of contributions of the bits of `source`, runs of bits at once. Null when there are none.
Value Distributor::bits(Builder &b, Value source, ArrayRef<int64_t> contributions) {
  Value sum;
  for (unsigned bit = 0; bit < contributions.size();) {
    if (contributions[bit] == 0) {
      ++bit;
      continue;
    }
    unsigned end = bit + 1;
    while (end < contributions.size() && contributions[end] == contributions[bit] << (end - bit))
      ++end;
    Value run = source;
    auto constant = [&](int64_t value) { return arith::ConstantIntOp::create(b, value, 32); };
    if (bit > 0)
      run = arith::ShRUIOp::create(b, run, constant(bit));
    if (end < contributions.size())
      run = arith::AndIOp::create(b, run, constant((int64_t(1) << (end - bit)) - 1));
    int shift = llvm::countr_zero(uint64_t(contributions[bit]));
    // A contribution of several bits stands for itself only.
    if (!llvm::isPowerOf2_64(contributions[bit])) {
      end = bit + 1;
      run = arith::AndIOp::create(b, arith::ShRUIOp::create(b, source, constant(bit)), constant(1));
      run = arith::MulIOp::create(b, run, constant(contributions[bit]));
    } else if (shift > 0) {
      run = arith::ShLIOp::create(b, run, constant(shift));
    }
    sum = sum ? Value(arith::XOrIOp::create(b, sum, run)) : run;
    bit = end;
  }
  return sum;
}

Value Distributor::ownerMask(Region &region, const LinearLayout &layout, Location loc) {
  auto freeBits = [](ArrayRef<int64_t> bases) {
    int64_t mask = 0;
    for (unsigned bit = 0; bit < bases.size(); ++bit)
      if (bases[bit] == 0)
        mask |= int64_t(1) << bit;
    return mask;
  };
  Builder b = at(region, loc);
  Value mask;
  auto require = [&](int64_t bits, llvm::function_ref<Value()> index) {
    if (bits == 0)
      return;
    Value chosen = arith::AndIOp::create(b, index(), arith::ConstantIntOp::create(b, bits, 32));
    Value zero = arith::ConstantIntOp::create(b, 0, 32);
    mask = andMask(b, mask, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, chosen, zero));
  };
  require(freeBits(layout.lanes), [&]() -> Value { return tm::LaneOp::create(b, b.getI32Type()); });
  require(freeBits(layout.simdgroups), [&]() -> Value { return tm::SimdgroupOp::create(b, b.getI32Type()); });
  require(freeBits(layout.registers), [&]() -> Value { return registerOf(region); });
  return mask;
}

// ---- requests ----

Value Distributor::get(Region &region, Value value, const Request &request) {
  if (!isBlock(value.getType()))
    return scalar(value);
  std::tuple<void *, std::vector<int64_t>, int64_t> key{value.getAsOpaquePointer(), flatten(request),
                                                        request.flip};
  if (auto known = region.scalars.find(key); known != region.scalars.end())
    return known->second;
  Value result = getUncached(region, value, request);
  region.scalars[key] = result;
  return result;
}

/// Reads a tile where the thread itself holds the element.
Value Distributor::readTile(Region &region, const Block &block, const Request &request, Location loc,
                            bool &possible, bool probe) {
  constexpr int64_t kMaxIndexedRegisters = 8; // registers chosen at run time live in memory on a GPU
  LinearLayout want = request.layout;
  int64_t flip = request.flip ^ block.flip;
  if (flip)
    want.registers.push_back(flip);
  std::optional<RegisterMap> map = readWithinThread(block.layout, want);
  possible = map && (map->isStatic() || block.layout.numRegisters() <= kMaxIndexedRegisters);
  if (!possible || probe)
    return {};
  Builder b = at(region, loc);
  std::vector<int64_t> fromRegisters = map->fromRegisters;
  int64_t constant = 0;
  if (flip) {
    constant = fromRegisters.back();
    fromRegisters.pop_back();
  }
  Value index = bits(b, registerOf(region), fromRegisters);
  auto add = [&](Value part) {
    if (part)
      index = index ? Value(arith::XOrIOp::create(b, index, part)) : part;
  };
  auto any = [](ArrayRef<int64_t> parts) {
    return llvm::any_of(parts, [](int64_t part) { return part != 0; });
  };
  if (any(map->fromLanes))
    add(bits(b, tm::LaneOp::create(b, b.getI32Type()), map->fromLanes));
  if (any(map->fromSimdgroups))
    add(bits(b, tm::SimdgroupOp::create(b, b.getI32Type()), map->fromSimdgroups));
  if (constant || !index)
    add(arith::ConstantIntOp::create(b, constant, 32));
  return tm::GetOp::create(b, cast<tm::TileType>(block.tile.getType()).getElementType(), block.tile, index);
}

Value Distributor::getUncached(Region &region, Value value, const Request &request) {
  Location loc = region.op.getLoc();
  auto kept = blocks.find(value);
  if (kept == blocks.end()) {
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      throw Error(ErrorKind::Unsupported, placeOf(value.getLoc()) + "[block] A block argument has no place.");
    return pullThrough(region, result.getOwner(), result, request);
  }
  if (kept->second.fragments && !kept->second.tile) {
    fragmentsToTile(value, loc);
    kept = blocks.find(value);
  }
  bool possible = false;
  if (!kept->second.ownersOnly)
    readTile(region, kept->second, request, loc, possible, /*probe=*/true);
  if (possible) {
    materializeTile(value);
    return readTile(region, blocks.find(value)->second, request, loc, possible, /*probe=*/false);
  }
  Value array = materializeShared(value, loc);
  Value index = elementIndex(region, request, loc);
  Builder b = at(region, loc);
  return tm::SharedLoadOp::create(b, elementOf(value), array, index);
}

Value Distributor::pullThrough(Region &region, Operation *op, OpResult result, const Request &request) {
  Location loc = op->getLoc();
  SmallVector<std::pair<Value, Request>> inner;
  if (shapeRequests(op, result, request, inner)) {
    if (inner.size() == 1)
      return get(region, inner[0].first, inner[0].second);
    Value first = get(region, inner[0].first, inner[0].second);
    Value second = get(region, inner[1].first, inner[1].second);
    int64_t chosen = isa<tt::JoinOp>(op) ? 1 : cast<RankedTensorType>(result.getType()).getNumElements() / 2;
    Value index = elementIndex(region, request, loc);
    Builder b = at(region, loc);
    Value bit = arith::AndIOp::create(b, index, arith::ConstantIntOp::create(b, chosen, 32));
    Value isSecond =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, arith::ConstantIntOp::create(b, 0, 32));
    return arith::SelectOp::create(b, isSecond, second, first);
  }
  if (auto range = dyn_cast<tt::MakeRangeOp>(op)) {
    Value coord = coordinate(region, request, 0, loc);
    Builder b = at(region, loc);
    if (range.getStart() == 0)
      return coord;
    return arith::AddIOp::create(b, coord, arith::ConstantIntOp::create(b, range.getStart(), 32));
  }
  if (auto splat = dyn_cast<tt::SplatOp>(op))
    return scalar(splat.getSrc());
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements || !elements.isSplat())
      refuse(op, "A block constant with different elements is not supported.");
    Builder b = at(region, loc);
    return arith::ConstantOp::create(b, elements.getSplatValue<TypedAttr>());
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(region, operand, request));
  Builder b = at(region, loc);
  Operation *copy = op->cloneWithoutRegions();
  copy->setOperands(operands);
  for (OpResult each : copy->getResults())
    each.setType(getElementTypeOrSelf(each.getType()));
  b.insert(copy);
  for (auto [from, to] : llvm::zip_equal(op->getResults(), copy->getResults()))
    region.scalars[{Value(from).getAsOpaquePointer(), flatten(request), request.flip}] = to;
  return copy->getResult(result.getResultNumber());
}

} // namespace tmetal

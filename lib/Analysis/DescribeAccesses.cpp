// SPDX-License-Identifier: MIT
// Follows blocks element by element. The coordinates of an element are nodes too, so shape
// operations are arithmetic on coordinates, and a fact about an element of the mask holds for the
// same element of the pointers.
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Support/SourceLocation.h"
#include "triton-metal/Support/Types.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>
#include <tuple>

using namespace mlir;

namespace tmetal {
namespace {

using Op = AccessProgram::Op;
using Coordinates = SmallVector<int, 4>;

class Describer {
public:
  explicit Describer(tt::FuncOp kernel) : kernel(kernel) {}

  AccessProgram describe() {
    kernel.walk([&](DeviceAccessOpInterface access) { addAccess(access); });
    return std::move(program);
  }

private:
  struct Address {
    int parameter = -1, offset = -1; // offset: a node, in bytes
  };

  // ---- accesses ----

  void addAccess(DeviceAccessOpInterface op) {
    Value pointer = op.getAddress(), mask = op.getMask();
    Coordinates lanes;
    if (auto block = dyn_cast<RankedTensorType>(pointer.getType()))
      for (auto [dimension, extent] : llvm::enumerate(block.getShape()))
        lanes.push_back(extent == 1 ? constant(0, 32) : node(Op::Lane, 32, int(dimension), -1, -1, extent));
    AccessProgram::Access access;
    Address address = addressOf(pointer, lanes);
    access.parameter = address.parameter;
    access.offset = address.offset;
    access.bytes = bytesOf(pointer.getType());
    access.dataDependent = dependsOnData[address.offset] || (address.parameter < 0 && readsMemory(pointer));
    if (mask)
      access.conditions.push_back(integer(mask, lanes));
    for (Operation *inner = op, *outer = inner->getParentOp(); outer != kernel;
         inner = outer, outer = outer->getParentOp()) {
      if (auto branch = dyn_cast<scf::IfOp>(outer)) {
        int condition = integer(branch.getCondition(), {});
        bool holds = inner->getParentRegion() == &branch.getThenRegion();
        access.conditions.push_back(holds ? condition : node(Op::Xor, 1, condition, constant(1, 1)));
      } else if (auto loop = dyn_cast<scf::ForOp>(outer)) {
        if (!loop.getUnsignedCmp())
          access.conditions.push_back(node(Op::Compare, 1, integer(loop.getInductionVar(), {}),
                                           integer(loop.getUpperBound(), {}), -1, AccessProgram::LT));
      }
    }
    SourceLocation place = sourceLocationOf(op->getLoc());
    access.file = place.file;
    access.line = place.line;
    program.accesses.push_back(std::move(access));
  }

  static int bytesOf(Type pointer) {
    return byteWidth(cast<tt::PointerType>(getElementTypeOrSelf(pointer)).getPointeeType());
  }

  // ---- nodes ----

  int node(Op op, int width, int a = -1, int b = -1, int c = -1, int64_t value = 0) {
    auto [place, isNew] = numbers.try_emplace(std::make_tuple(op, width, a, b, c, value), 0);
    if (!isNew)
      return place->second;
    place->second = static_cast<int>(program.nodes.size());
    bool isLane = op == Op::Lane; // `a` is the number of a dimension
    program.nodes.push_back({op, width, isLane ? -1 : a, b, c, value});
    bool data = op == Op::Data;
    for (int operand : {isLane ? -1 : a, b, c})
      data |= operand >= 0 && dependsOnData[operand];
    dependsOnData.push_back(data);
    return place->second;
  }
  int constant(int64_t value, int width) { return node(Op::Constant, width, -1, -1, -1, value); }
  int add(int a, int b, int width) {
    auto isZero = [&](int i) { return program.nodes[i].op == Op::Constant && program.nodes[i].value == 0; };
    return isZero(b) ? a : isZero(a) ? b : node(Op::Add, width, a, b);
  }
  int times(int a, int64_t factor, int width) {
    return factor == 1 ? a : node(Op::Mul, width, a, constant(factor, width));
  }
  int extended(int a) { return program.nodes[a].width == 64 ? a : node(Op::SignExtend, 64, a); }

  /// A value that is not followed any further.
  int leaf(Value value, const Coordinates &at, int width) {
    int number = node(readsMemory(value) ? Op::Data : Op::Any, width, -1, -1, -1, ++leaves);
    (void)at;
    return number;
  }

  /// Whether a value that was read from memory flows into this one.
  bool readsMemory(Value root) {
    auto known = reads.find(root);
    if (known != reads.end())
      return known->second;
    SmallVector<Value> work{root};
    llvm::SmallPtrSet<void *, 32> seen;
    bool found = false;
    auto enter = [&](ValueRange values) { work.append(values.begin(), values.end()); };
    while (!work.empty() && !found) {
      Value value = work.pop_back_val();
      if (!seen.insert(value.getAsOpaquePointer()).second)
        continue;
      Operation *op = value.getDefiningOp();
      if (!op) {
        op = value.getParentBlock()->getParentOp();
        if (op == kernel)
          continue;
      }
      if (auto access = dyn_cast<DeviceAccessOpInterface>(op))
        found |= access.readsMemory();
      enter(op->getOperands());
      for (Region &region : op->getRegions())
        for (mlir::Block &block : region)
          if (block.mightHaveTerminator())
            enter(block.getTerminator()->getOperands());
    }
    return reads[root] = found;
  }

  // ---- integers ----

  static int widthOf(Value value) {
    Type type = getElementTypeOrSelf(value.getType());
    return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  }

  /// The node for an element of an integer block, or for a scalar (which has no coordinates).
  int integer(Value value, const Coordinates &at) {
    auto key = std::make_pair(value.getAsOpaquePointer(), std::vector<int>(at.begin(), at.end()));
    auto found = integers.find(key);
    if (found != integers.end())
      return found->second;
    int width = widthOf(value);
    int number = computed(value, at, width);
    if (number < 0)
      number = leaf(value, at, width);
    return integers[key] = number;
  }

  /// Returns -1 if the value is not followed.
  int computed(Value value, const Coordinates &at, int width) {
    if (!getElementTypeOrSelf(value.getType()).isIntOrIndex())
      return -1;
    if (auto argument = dyn_cast<BlockArgument>(value))
      return carried(argument, at, width);
    Operation *op = value.getDefiningOp();
    DenseElementsAttr table;
    APInt literal;
    if (matchPattern(value, m_ConstantInt(&literal)))
      return constant(width == 1 ? literal.getZExtValue() : literal.getSExtValue(), width);
    if (matchPattern(value, m_Constant(&table))) {
      if (!table.isSplat())
        return -1;
      auto element = table.getSplatValue<APInt>();
      return constant(width == 1 ? element.getZExtValue() : element.getSExtValue(), width);
    }
    if (auto source = throughShape(value, at))
      return integer(source->first, source->second);
    auto operand = [&](unsigned i) { return integer(op->getOperand(i), at); };
    auto binary = [&](Op kind) { return node(kind, width, operand(0), operand(1)); };
    return TypeSwitch<Operation *, int>(op)
        .Case<tt::GetProgramIdOp>(
            [&](auto id) { return node(Op::ProgramId, 32, -1, -1, -1, id.getAxisAsInt()); })
        .Case<tt::GetNumProgramsOp>(
            [&](auto count) { return node(Op::NumPrograms, 32, -1, -1, -1, count.getAxisAsInt()); })
        .Case<tt::MakeRangeOp>(
            [&](auto range) { return add(at[0], constant(int32_t(range.getStart()), 32), 32); })
        .Case<arith::AddIOp>([&](auto) { return add(operand(0), operand(1), width); })
        .Case<arith::SubIOp>([&](auto) { return binary(Op::Sub); })
        .Case<arith::MulIOp>([&](auto) { return binary(Op::Mul); })
        .Case<arith::DivSIOp>([&](auto) { return binary(Op::Div); })
        .Case<arith::RemSIOp>([&](auto) { return binary(Op::Rem); })
        .Case<arith::DivUIOp>([&](auto) { return binary(Op::DivU); })
        .Case<arith::RemUIOp>([&](auto) { return binary(Op::RemU); })
        .Case<arith::MinSIOp>([&](auto) { return binary(Op::Min); })
        .Case<arith::MaxSIOp>([&](auto) { return binary(Op::Max); })
        .Case<arith::AndIOp>([&](auto) { return binary(Op::And); })
        .Case<arith::OrIOp>([&](auto) { return binary(Op::Or); })
        .Case<arith::XOrIOp>([&](auto) { return binary(Op::Xor); })
        .Case<arith::ShLIOp>([&](auto) { return binary(Op::ShiftLeft); })
        .Case<arith::ShRSIOp>([&](auto) { return binary(Op::ShiftRight); })
        .Case<arith::ShRUIOp>([&](auto) { return binary(Op::ShiftRightU); })
        .Case<arith::ExtSIOp>([&](auto) { return node(Op::SignExtend, width, operand(0)); })
        .Case<arith::ExtUIOp>([&](auto) { return node(Op::ZeroExtend, width, operand(0)); })
        .Case<arith::TruncIOp>([&](auto) { return node(Op::Truncate, width, operand(0)); })
        .Case<arith::IndexCastOp>([&](auto) {
          int from = widthOf(op->getOperand(0));
          return from == width ? operand(0)
                               : node(from < width ? Op::SignExtend : Op::Truncate, width, operand(0));
        })
        .Case<tt::BitcastOp>([&](auto) {
          Type from = getElementTypeOrSelf(op->getOperand(0).getType());
          return from.isInteger(width) ? operand(0) : -1;
        })
        .Case<arith::CmpIOp>([&](auto compare) {
          static const AccessProgram::Predicate predicates[] = {
              AccessProgram::EQ,  AccessProgram::NE, AccessProgram::LT,  AccessProgram::LE,
              AccessProgram::GT,  AccessProgram::GE, AccessProgram::ULT, AccessProgram::ULE,
              AccessProgram::UGT, AccessProgram::UGE};
          return node(Op::Compare, 1, operand(0), operand(1), -1, predicates[int(compare.getPredicate())]);
        })
        .Case<arith::SelectOp>([&](arith::SelectOp select) {
          bool uniform = !isa<RankedTensorType>(select.getCondition().getType());
          int condition = integer(select.getCondition(), uniform ? Coordinates() : at);
          return node(Op::Select, width, condition, operand(1), operand(2));
        })
        .Case<tt::JoinOp>([&](auto) {
          Coordinates source(at.begin(), at.end() - 1);
          return node(Op::Select, width, isZero(at.back()), integer(op->getOperand(0), source),
                      integer(op->getOperand(1), source));
        })
        .Case<scf::IfOp>([&](scf::IfOp branch) {
          unsigned i = cast<OpResult>(value).getResultNumber();
          return node(Op::Select, width, integer(branch.getCondition(), {}),
                      integer(branch.thenYield().getOperand(i), at),
                      integer(branch.elseYield().getOperand(i), at));
        })
        .Case<scf::ForOp>([&](scf::ForOp loop) {
          unsigned i = cast<OpResult>(value).getResultNumber();
          return moved(loop, i, at, width, /*after=*/true);
        })
        .Default([](Operation *) { return -1; });
  }

  int isZero(int coordinate) {
    return node(Op::Compare, 1, coordinate, constant(0, 32), -1, AccessProgram::EQ);
  }

  // ---- shapes ----

  /// The value and element that an element of a shape operation's result is taken from.
  std::optional<std::pair<Value, Coordinates>> throughShape(Value value, const Coordinates &at) {
    Operation *op = value.getDefiningOp();
    using Source = std::optional<std::pair<Value, Coordinates>>;
    return TypeSwitch<Operation *, Source>(op)
        .Case<tt::SplatOp>([&](auto splat) { return Source({splat.getSrc(), {}}); })
        .Case<tt::UnsplatOp>([&](auto unsplat) {
          unsigned rank = cast<RankedTensorType>(unsplat.getSrc().getType()).getRank();
          return Source({unsplat.getSrc(), Coordinates(rank, constant(0, 32))});
        })
        .Case<tt::ExpandDimsOp>([&](auto expand) {
          Coordinates source(at);
          source.erase(source.begin() + expand.getAxis());
          return Source({expand.getSrc(), source});
        })
        .Case<tt::BroadcastOp>([&](auto broadcast) {
          Coordinates source(at);
          auto shape = cast<RankedTensorType>(broadcast.getSrc().getType()).getShape();
          for (auto [coordinate, extent] : llvm::zip(source, shape))
            if (extent == 1)
              coordinate = constant(0, 32);
          return Source({broadcast.getSrc(), source});
        })
        .Case<tt::TransOp>([&](auto trans) {
          Coordinates source(at.size(), 0);
          for (auto [i, from] : llvm::enumerate(trans.getOrder()))
            source[from] = at[i];
          return Source({trans.getSrc(), source});
        })
        .Case<tt::SplitOp>([&](auto split) {
          Coordinates source(at);
          source.push_back(constant(cast<OpResult>(value).getResultNumber(), 32));
          return Source({split.getSrc(), source});
        })
        .Case<tt::ReshapeOp>([&](auto reshape) {
          return reshape.getAllowReorder() ? Source() : Source({reshape.getSrc(), reshaped(reshape, at)});
        })
        .Default([](Operation *) { return Source(); });
  }

  Coordinates reshaped(tt::ReshapeOp op, const Coordinates &at) {
    int position = constant(0, 32);
    int64_t stride = 1;
    auto shape = cast<RankedTensorType>(op.getType()).getShape();
    for (unsigned i = shape.size(); i-- > 0; stride *= shape[i])
      position = add(times(at[i], stride, 32), position, 32);
    auto sourceShape = cast<RankedTensorType>(op.getSrc().getType()).getShape();
    Coordinates source(sourceShape.size());
    for (unsigned i = sourceShape.size(); i-- > 0;) {
      int64_t extent = sourceShape[i];
      bool last = llvm::all_of(sourceShape.take_front(i), [](int64_t outer) { return outer == 1; });
      source[i] = extent == 1 ? constant(0, 32)
                  : last      ? position
                              : node(Op::Rem, 32, position, constant(extent, 32));
      if (extent != 1 && !last)
        position = node(Op::Div, 32, position, constant(extent, 32));
    }
    return source;
  }

  // ---- loops ----

  int trip(scf::ForOp loop, Op kind) {
    // Each loop has a number.
    auto [place, isNew] = loops.try_emplace(loop.getOperation(), int64_t(loops.size()));
    int lower = extended(integer(loop.getLowerBound(), {})),
        upper = extended(integer(loop.getUpperBound(), {}));
    return node(kind, 64, lower, upper, extended(integer(loop.getStep(), {})), place->second);
  }

  int narrowed(int number, int width) {
    int from = program.nodes[number].width;
    return from == width ? number : node(Op::Truncate, width, number);
  }

  int carried(BlockArgument argument, const Coordinates &at, int width) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == kernel)
      return node(Op::Argument, width, -1, -1, -1, argument.getArgNumber());
    auto loop = dyn_cast<scf::ForOp>(parent);
    if (!loop || loop.getUnsignedCmp())
      return -1;
    if (argument == loop.getInductionVar()) {
      int lower = extended(integer(loop.getLowerBound(), {})), step = extended(integer(loop.getStep(), {}));
      return narrowed(add(lower, node(Op::Mul, 64, trip(loop, Op::Trip), step), 64), width);
    }
    return moved(loop, argument.getArgNumber() - 1, at, width, /*after=*/false);
  }

  /// The values that each trip adds to a carried value, if nothing else happens to it.
  static std::optional<SmallVector<std::pair<Value, bool>>> stepsOf(scf::ForOp loop, unsigned i) {
    Value carried = loop.getRegionIterArgs()[i];
    Value next = loop.getBody()->getTerminator()->getOperand(i);
    SmallVector<std::pair<Value, bool>> steps; // the value, and whether it is subtracted
    auto leads = [&](Value value) {
      while (value != carried) {
        Operation *op = value.getDefiningOp();
        if (!op || !isa<arith::AddIOp, arith::SubIOp, tt::AddPtrOp>(op))
          return false;
        value = op->getOperand(0);
      }
      return true;
    };
    while (next != carried) {
      Operation *op = next.getDefiningOp();
      if (!op || !isa<arith::AddIOp, arith::SubIOp, tt::AddPtrOp>(op))
        return std::nullopt;
      bool first = !isa<arith::AddIOp>(op) || leads(op->getOperand(0));
      Value step = op->getOperand(first ? 1 : 0);
      if (!isInvariant(step, loop))
        return std::nullopt;
      steps.push_back({step, isa<arith::SubIOp>(op)});
      next = op->getOperand(first ? 0 : 1);
    }
    return steps;
  }

  static bool isInvariant(Value value, scf::ForOp loop) {
    if (loop.isDefinedOutsideOfLoop(value))
      return true;
    Operation *op = value.getDefiningOp();
    return op && op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return isInvariant(operand, loop); });
  }

  /// start + trips * step, where each step is first extended to `width` bits and multiplied by `unit`.
  int moved(scf::ForOp loop, unsigned i, int start, const Coordinates &at, int width, int64_t unit,
            bool after) {
    auto steps = stepsOf(loop, i);
    if (!steps || loop.getUnsignedCmp())
      return -1;
    int step = constant(0, width);
    for (auto [value, negative] : *steps) {
      int more = integer(value, at);
      if (program.nodes[more].width != width)
        more = extended(more);
      more = times(more, unit, width);
      step = negative ? node(Op::Sub, width, step, more) : add(step, more, width);
    }
    int count = narrowed(trip(loop, after ? Op::TripCount : Op::Trip), width);
    return add(start, node(Op::Mul, width, count, step), width);
  }
  int moved(scf::ForOp loop, unsigned i, const Coordinates &at, int width, bool after) {
    return moved(loop, i, integer(loop.getInitArgs()[i], at), at, width, 1, after);
  }

  // ---- pointers ----

  Address addressOf(Value pointer, const Coordinates &at) {
    auto key = std::make_pair(pointer.getAsOpaquePointer(), std::vector<int>(at.begin(), at.end()));
    auto found = addresses.find(key);
    if (found != addresses.end())
      return found->second;
    Address address = computedAddress(pointer, at);
    if (address.offset < 0)
      address = {-1, leaf(pointer, at, 64)};
    return addresses[key] = address;
  }

  Address computedAddress(Value pointer, const Coordinates &at) {
    if (auto argument = dyn_cast<BlockArgument>(pointer)) {
      Operation *parent = argument.getOwner()->getParentOp();
      if (parent == kernel)
        return {int(argument.getArgNumber()), constant(0, 64)};
      auto loop = dyn_cast<scf::ForOp>(parent);
      return loop ? movedAddress(loop, argument.getArgNumber() - 1, at, /*after=*/false) : Address();
    }
    if (auto source = throughShape(pointer, at))
      return addressOf(source->first, source->second);
    Operation *op = pointer.getDefiningOp();
    return TypeSwitch<Operation *, Address>(op)
        .Case<tt::AddPtrOp>([&](tt::AddPtrOp add) {
          Address base = addressOf(add.getPtr(), at);
          int offset = times(extended(integer(add.getOffset(), at)), bytesOf(add.getType()), 64);
          return Address{base.parameter, this->add(base.offset, offset, 64)};
        })
        .Case<tt::BitcastOp>([&](auto cast) {
          Value source = cast.getSrc();
          bool isPointer = isa<tt::PointerType>(getElementTypeOrSelf(source.getType()));
          return isPointer ? addressOf(source, at) : Address();
        })
        .Case<arith::SelectOp>([&](arith::SelectOp select) {
          bool uniform = !isa<RankedTensorType>(select.getCondition().getType());
          return either(integer(select.getCondition(), uniform ? Coordinates() : at),
                        addressOf(select.getTrueValue(), at), addressOf(select.getFalseValue(), at));
        })
        .Case<tt::JoinOp>([&](tt::JoinOp join) {
          Coordinates source(at.begin(), at.end() - 1);
          return either(isZero(at.back()), addressOf(join.getLhs(), source),
                        addressOf(join.getRhs(), source));
        })
        .Case<scf::IfOp>([&](scf::IfOp branch) {
          unsigned i = cast<OpResult>(pointer).getResultNumber();
          return either(integer(branch.getCondition(), {}), addressOf(branch.thenYield().getOperand(i), at),
                        addressOf(branch.elseYield().getOperand(i), at));
        })
        .Case<scf::ForOp>([&](scf::ForOp loop) {
          return movedAddress(loop, cast<OpResult>(pointer).getResultNumber(), at, /*after=*/true);
        })
        .Default([](Operation *) { return Address(); });
  }

  Address either(int condition, Address a, Address b) {
    if (a.parameter < 0 || a.parameter != b.parameter)
      return {};
    return {a.parameter, node(Op::Select, 64, condition, a.offset, b.offset)};
  }

  Address movedAddress(scf::ForOp loop, unsigned i, const Coordinates &at, bool after) {
    Value init = loop.getInitArgs()[i];
    Address start = addressOf(init, at);
    int offset = moved(loop, i, start.offset, at, 64, bytesOf(init.getType()), after);
    if (offset >= 0)
      return {start.parameter, offset};
    // The offset is unknown, but the argument may be known.
    Value carried = loop.getRegionIterArgs()[i], next = loop.getBody()->getTerminator()->getOperand(i);
    while (auto add = next.getDefiningOp<tt::AddPtrOp>())
      next = add.getPtr();
    return {next == carried ? start.parameter : -1, leaf(loop.getResult(i), at, 64)};
  }

  tt::FuncOp kernel;
  AccessProgram program;
  std::vector<bool> dependsOnData; // one for each node
  std::map<std::tuple<Op, int, int, int, int, int64_t>, int> numbers;
  std::map<std::pair<const void *, std::vector<int>>, int> integers;
  std::map<std::pair<const void *, std::vector<int>>, Address> addresses;
  llvm::DenseMap<Operation *, int64_t> loops;
  llvm::DenseMap<Value, bool> reads;
  int64_t leaves = 0;
};

} // namespace

AccessProgram describeAccesses(ModuleOp module) {
  tt::FuncOp kernel = findKernel(module);
  return kernel ? Describer(kernel).describe() : AccessProgram();
}

std::string accessText(const AccessProgram &program) {
  static const char *const names[] = {
      "constant", "argument", "program_id", "num_programs", "lane", "trip", "trips", "data", "any",   "add",
      "sub",      "mul",      "div",        "rem",          "divu", "remu", "min",   "max",  "and",   "or",
      "xor",      "shl",      "shr",        "shru",         "sext", "zext", "trunc", "cmp",  "select"};
  static const char *const predicates[] = {"eq", "ne", "lt", "le", "gt", "ge", "ult", "ule", "ugt", "uge"};
  std::string text;
  for (auto [number, node] : llvm::enumerate(program.nodes)) {
    text += "%" + std::to_string(number) + " = " + names[int(node.op)] + ".i" + std::to_string(node.width);
    if (node.op == Op::Compare)
      text += std::string(" ") + predicates[node.value];
    else if (node.op <= Op::Lane)
      text += " " + std::to_string(node.value);
    for (int operand : {node.a, node.b, node.c})
      if (operand >= 0)
        text += " %" + std::to_string(operand);
    text += "\n";
  }
  for (const AccessProgram::Access &access : program.accesses) {
    text += "line " + std::to_string(access.line) + ": argument " + std::to_string(access.parameter) + ", " +
            std::to_string(access.bytes) + " bytes at %" + std::to_string(access.offset);
    for (auto [i, condition] : llvm::enumerate(access.conditions))
      text += std::string(i ? " and" : " if") + " %" + std::to_string(condition);
    text += access.dataDependent ? " (depends on data)\n" : "\n";
  }
  return text;
}

} // namespace tmetal

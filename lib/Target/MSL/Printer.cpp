// SPDX-License-Identifier: MIT
// Statements: the frame of the kernel, control flow, regions, memory and communication between threads.
#include "Printer.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Twine;

namespace tmetal {

void MslPrinter::refuse(Location loc, StringRef what, const std::string &reason) {
  throw Error(ErrorKind::Unsupported, placeOf(loc) + "[" + what.str() + "] " + reason);
}

void MslPrinter::refuse(Operation *op, const std::string &reason) {
  refuse(op->getLoc(), op->getName().getStringRef(), reason);
}

// ---- lines ----

void MslPrinter::line(const Twine &content, Operation *op) {
  std::string body = content.str();
  text.append(indent * 2, ' ');
  text += body;
  if (op) {
    SourceLocation place = sourceLocationOf(op->getLoc());
    if (place.line && (place.line != lastLine.line || place.file != lastLine.file)) {
      lastLine = place;
      text += "  // " + place.file.substr(place.file.rfind('/') + 1) + ":" + number(place.line);
    }
  }
  text += "\n";
}

void MslPrinter::open(const Twine &content, Operation *op) {
  line(content, op);
  ++indent;
}

void MslPrinter::close(const Twine &content) {
  --indent;
  line(content);
}

std::string MslPrinter::fresh(StringRef prefix) {
  std::string candidate;
  do {
    candidate = (prefix + Twine(counter++)).str();
  } while (!used.insert(candidate).second);
  return candidate;
}

std::string MslPrinter::name(Value value) {
  if (auto known = names.find(value); known != names.end())
    return known->second;
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    return literal(constant.getValue(), constant.getLoc());
  refuse(value.getLoc(), "msl", "A value is used that was not printed.");
}

void MslPrinter::declare(Value value, const Twine &init, Operation *op) {
  std::string id = fresh("v");
  names[value] = id;
  std::string type = typeName(value.getType(), value.getLoc());
  bool isPointer = isa<tt::PointerType>(value.getType());
  line((isPointer ? type + id : "const " + type + " " + id) + " = " + init + ";", op);
}

/// Assigns all values at once: no target changes before the last value has been read.
void MslPrinter::assignAll(ValueRange targets, ValueRange values) {
  SmallVector<std::pair<std::string, std::string>> moves;
  for (auto [target, value] : llvm::zip_equal(targets, values)) {
    std::string to = name(target), from = name(value);
    if (to != from)
      moves.push_back({to, from});
    if (suspects.contains(target) && companion(target) != companion(value))
      moves.push_back({companion(target), companion(value)});
  }
  llvm::StringSet<> assigned;
  bool clash = false;
  for (auto &[to, from] : moves) {
    clash |= assigned.contains(from);
    assigned.insert(to);
  }
  if (!clash) {
    for (auto &[to, from] : moves)
      line(to + " = " + from + ";");
    return;
  }
  open("{");
  SmallVector<std::string> next;
  for (auto &[to, from] : moves) {
    next.push_back(fresh("n"));
    line("const auto " + next.back() + " = " + from + ";");
  }
  for (auto [move, from] : llvm::zip_equal(moves, next))
    line(move.first + " = " + from + ";");
  close();
}

// ---- the kernel ----

/// Counts only loops of the program. Those over registers and lanes, which come from regions, are
/// unrolled or vectorized.
MslKernel::Counts MslPrinter::countCosts() {
  MslKernel::Counts counts;
  kernel.walk([&](Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](tm::BarrierOp) { ++counts.barriers; })
        .Case<tm::ShuffleXorOp, tm::ShuffleUpOp>([&](auto) { ++counts.shuffles; })
        .Case([&](tm::MultiplyAccumulateOp) { ++counts.products; })
        .Case<scf::ForOp, scf::WhileOp>([&](auto) { ++counts.loops; })
        .Case<tm::AtomicRMWOp, tm::AtomicCASOp, tm::AtomicLoadOp, tm::AtomicStoreOp, tm::AtomicPollOp,
              tm::SharedAtomicAddOp>([&](auto) { ++counts.atomics; });
  });
  return counts;
}

MslKernel MslPrinter::print() {
  result.name = kernel.getSymName().str();
  result.simdgroups = kernel.getSimdgroups();
  result.threadgroupBytes = kernel.getThreadgroupBytes().value_or(0);
  result.counts = countCosts();
  bool reports = isChecked();
  kernel.walk([&](Operation *op) {
    reports |= isa<tm::PrintOp, tm::AssertOp>(op);
    if (auto tile = dyn_cast<tm::TileOp>(op)) {
      tm::TileType type = tile.getType();
      tm::LinearLayoutAttr layout = type.getLayout();
      int64_t copies = layout.isUniform()       ? 1
                       : layout.isLaneUniform() ? result.simdgroups
                                                : 32 * result.simdgroups;
      Type element = type.getElementType();
      result.stackBytes += layout.getNumRegisters() * copies * storedBytes(element) + 64;
    } else if (auto matrix = dyn_cast<tm::FragmentsOp>(op)) {
      tm::FragmentsType type = matrix.getType();
      result.stackBytes +=
          fragmentCount(type) * 64 * storedBytes(type.getElementType()) * result.simdgroups + 64;
    }
  });
  mlir::Block &body = kernel.getBody().front();
  int buffers = 0;
  for (auto [argument, given] : llvm::zip_equal(body.getArguments(), kernel.getParameterNames())) {
    names[argument] = safeName(cast<StringAttr>(given).getValue(), "p_", /*isFunction=*/false);
    MslParameter parameter;
    parameter.name = cast<StringAttr>(given).getValue().str();
    llvm::raw_string_ostream(parameter.type) << argument.getType();
    if (isa<tt::PointerType>(argument.getType())) {
      parameter.isPointer = true;
      parameter.bufferIndex = buffers++;
    } else {
      int64_t size = storedBytes(argument.getType());
      parameter.size = size;
      parameter.structOffset = llvm::alignTo(result.argumentsSize, size);
      result.argumentsSize = parameter.structOffset + size;
    }
    result.parameters.push_back(parameter);
  }
  int64_t alignment = 1;
  for (const MslParameter &parameter : result.parameters)
    if (!parameter.isPointer)
      alignment = std::max(alignment, parameter.size);
  result.argumentsSize = llvm::alignTo(result.argumentsSize, alignment);
  if (result.argumentsSize > 0)
    result.argumentsBuffer = buffers++;
  if (reports)
    result.reportBuffer = buffers++;
  if (options.checkAddresses)
    result.boundsBuffer = buffers++;
  if (buffers > target.maxBuffers)
    refuse(kernel.getLoc(), "kernel",
           "A Metal kernel takes at most " + number(target.maxBuffers) + " buffers; this one needs " +
               number(buffers) + " (one for each pointer, one for all scalars).");
  findStoredParameters();
  findSuspects();
  line("#include <triton_metal.h>");
  findSoftwareFloat64();
  line("");
  signature();
  placeCompanions();
  line("TM_BEGIN(" + number(result.simdgroups) + ", " + number(result.threadgroupBytes) + ")");
  for (auto [argument, parameter] : llvm::zip_equal(body.getArguments(), result.parameters))
    if (!parameter.isPointer && !argument.use_empty()) {
      std::string id = names[argument];
      line("const " + typeName(argument.getType(), argument.getLoc()) + " " + id + " = " +
           fromStored("tm_args." + id, argument.getType()) + ";");
    }
  block(body);
  line("TM_END");
  close();
  if (kernel.walk([](tm::AtomicPollOp) { return WalkResult::interrupt(); }).wasInterrupted())
    line("TM_POLLS");
  line("TM_ENTRY(" + result.function + ")");
  result.text = text;
  return result;
}

/// Includes the headers of tm::float64 if the text needs them, and notes where the kernel computes with it.
void MslPrinter::findSoftwareFloat64() {
  bool functions = false;
  bool used =
      llvm::any_of(kernel.getBody().front().getArgumentTypes(), [&](Type type) { return isSoftware(type); });
  kernel.walk([&](Operation *op) {
    auto is = [&](Type type) {
      if (auto tile = dyn_cast<tm::TileType>(type))
        type = tile.getElementType();
      return isSoftware(type);
    };
    if (!llvm::any_of(op->getResultTypes(), is) && !llvm::any_of(op->getOperandTypes(), is))
      return;
    used = true;
    functions |= isa<math::MathDialect>(op->getDialect()) || isa<tt::ExternElementwiseOp>(op);
    bool computes = isa<arith::ArithDialect, math::MathDialect, tt::TritonDialect>(op->getDialect()) &&
                    !isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp, tt::BitcastOp>(op);
    SourceLocation place = sourceLocationOf(op->getLoc());
    if (computes && result.softwareFloat64.empty())
      result.softwareFloat64 = place.line ? place.file + ":" + number(place.line) : result.name;
  });
  if (used)
    line(functions ? "#include <triton_metal/float64_math.h>" : "#include <triton_metal/float64.h>");
}

void MslPrinter::findStoredParameters() {
  kernel.walk([&](DeviceAccessOpInterface access) {
    if (!access.writesMemory())
      return;
    Roots written = roots.of(access.getAddress());
    for (auto [index, parameter] : llvm::enumerate(result.parameters))
      parameter.stored |= parameter.isPointer && written.mayBe(index);
  });
}

/// Whether the kernel only reads through this parameter, and stores to nothing that may overlap its memory.
bool MslPrinter::isReadOnly(size_t index) {
  for (auto [other, parameter] : llvm::enumerate(result.parameters))
    if (parameter.stored && aliases.mayOverlap(other, index))
      return false;
  // Memory that is read as volatile or atomically is expected to change while the kernel runs.
  WalkResult walked = kernel.walk([&](DeviceAccessOpInterface access) {
    bool changes = access.isAtomic() || access.getIsVolatile();
    return changes && roots.of(access.getAddress()).mayBe(index) ? WalkResult::interrupt()
                                                                 : WalkResult::advance();
  });
  return !walked.wasInterrupted();
}

void MslPrinter::signature() {
  mlir::Block &body = kernel.getBody().front();
  if (result.argumentsBuffer >= 0) {
    open("struct tm_arguments {");
    for (auto [argument, parameter] : llvm::zip_equal(body.getArguments(), result.parameters))
      if (!parameter.isPointer)
        line(storedName(argument.getType(), argument.getLoc()) + " " + names[argument] + ";");
    close("};");
    line("");
  }
  result.function = safeName(result.name, "k_", /*isFunction=*/true);
  SmallVector<std::string> parts;
  for (auto [index, argument] : llvm::enumerate(body.getArguments()))
    if (result.parameters[index].isPointer)
      parts.push_back(typeName(argument.getType(), argument.getLoc()) +
                      (isReadOnly(index) ? "TM_READ_ONLY " : "") + names[argument] + " [[buffer(" +
                      number(result.parameters[index].bufferIndex) + ")]]");
  if (result.argumentsBuffer >= 0)
    parts.push_back("constant tm_arguments &tm_args [[buffer(" + number(result.argumentsBuffer) + ")]]");
  if (result.reportBuffer >= 0)
    parts.push_back("device uint *tm_report [[buffer(" + number(result.reportBuffer) + ")]]");
  if (result.boundsBuffer >= 0)
    parts.push_back("constant long *tm_bounds [[buffer(" + number(result.boundsBuffer) + ")]]");
  line("[[max_total_threads_per_threadgroup(" + number(32 * result.simdgroups) + ")]]");
  std::string head = "kernel void " + result.function + "(";
  for (const std::string &part : parts)
    head += part + ",\n    ";
  head += "TM_POSITION) {";
  open(head);
}

// ---- operations ----

void MslPrinter::block(mlir::Block &block) {
  for (Operation &op : block)
    if (!op.hasTrait<OpTrait::IsTerminator>())
      operation(&op);
}

const char *MslPrinter::kindOf(tm::LinearLayoutAttr layout) {
  return layout.isUniform() ? "U_" : layout.isLaneUniform() ? "SG_" : "";
}

std::string MslPrinter::access(tm::TileType type, const std::string &tile, const std::string &reg) {
  return std::string("TM_") + kindOf(type.getLayout()) + "AT(" + tile + ", " + reg + ")";
}

void MslPrinter::operation(Operation *op) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](arith::ConstantOp) {})
      .Case([&](tm::TileOp tile) {
        tm::TileType type = tile.getType();
        std::string id = fresh("t");
        names[tile] = id;
        std::string element = typeName(type.getElementType(), op->getLoc());
        line(std::string("TM_") + kindOf(type.getLayout()) + "TILE(" + element + ", " + id + ", " +
             number(type.getLayout().getNumRegisters()) + ")");
        tileCompanion(tile);
      })
      .Case([&](tm::SharedOp shared) {
        tm::SharedType type = shared.getType();
        std::string id = fresh("s");
        names[shared] = id;
        Type held = type.getElementType();
        std::string element =
            isSoftware(held) ? storedName(held, op->getLoc()) : typeName(held, op->getLoc());
        line("threadgroup " + element + " *" + id + " = TM_SHARED(" + element + ", " +
             number(shared.getOffset().value_or(0)) + ");");
        sharedCompanion(shared);
      })
      .Case([&](tm::RegionOp inner) { region(inner); })
      .Case([&](tm::SingleOp single) {
        open("TM_ONE {", op);
        block(single.getBody().front());
        close();
      })
      .Case([&](tm::GetOp get) {
        declare(get.getResult(), access(get.getTile().getType(), name(get.getTile()), name(get.getReg())),
                op);
      })
      .Case([&](tm::PutOp put) {
        line(access(put.getTile().getType(), name(put.getTile()), name(put.getReg())) + " = " +
                 name(put.getValue()) + ";",
             op);
      })
      .Case([&](tm::CoordOp coord) {
        ArrayRef<int64_t> shape = coord.getLayout().getShape();
        int64_t shift = 0;
        for (int64_t extent : shape.drop_front(coord.getDim() + 1))
          shift += llvm::Log2_64(extent);
        declare(coord.getResult(),
                position(coord.getLayout(), name(coord.getReg()), shift, shape[coord.getDim()] - 1), op);
      })
      .Case([&](tm::ElementOp index) {
        declare(index.getResult(),
                position(index.getLayout(), name(index.getReg()), 0, index.getLayout().getNumElements() - 1),
                op);
      })
      .Case([&](tm::LaneOp lane) { names[lane] = "int(tm_lane)"; })
      .Case([&](tm::SimdgroupOp group) { names[group] = "int(tm_sg)"; })
      .Case([&](tm::LoadOp access) { load(access); })
      .Case([&](tm::StoreOp access) { store(access); })
      .Case<tm::AtomicRMWOp, tm::AtomicCASOp, tm::AtomicLoadOp, tm::AtomicStoreOp>(
          [&](auto access) { atomic(access); })
      .Case([&](tm::AtomicPollOp access) { poll(access); })
      .Case([&](tm::DeadlineOp deadline) {
        declare(deadline.getResult(), "TM_DEADLINE(" + name(deadline.getTimeout()) + ")", op);
      })
      .Case([&](tm::SharedLoadOp access) { sharedLoad(access); })
      .Case([&](tm::SharedStoreOp access) { sharedStore(access); })
      .Case([&](tm::SharedAtomicAddOp access) { sharedAtomicAdd(access); })
      .Case([&](tm::BarrierOp barrier) {
        static const char *const fences[] = {"mem_none", "mem_threadgroup", "mem_device",
                                             "mem_device_and_threadgroup"};
        line(std::string("TM_BARRIER(") + fences[int(barrier.getFence())] + ")");
      })
      .Case([&](tm::ShuffleXorOp shuffle) {
        tm::TileType type = shuffle.getSource().getType();
        if (type.getLayout().isLaneUniform())
          refuse(op, "A shuffle of values that all lanes share.");
        line("TM_SHUFFLE_XOR(" + name(shuffle.getResult()) + ", " + name(shuffle.getSource()) + ", " +
                 number(type.getLayout().getNumRegisters()) + ", " + number(shuffle.getMask()) + ")",
             op);
      })
      .Case([&](tm::ShuffleUpOp shuffle) {
        tm::TileType type = shuffle.getSource().getType();
        line("TM_SHUFFLE_UP(" + name(shuffle.getResult()) + ", " + name(shuffle.getSource()) + ", " +
                 number(type.getLayout().getNumRegisters()) + ", " + number(shuffle.getDelta()) + ")",
             op);
      })
      .Case([&](tm::FragmentsOp matrix) {
        tm::FragmentsType type = matrix.getType();
        std::string id = fresh("f");
        names[matrix] = id;
        int64_t count = fragmentCount(type);
        line("TM_FRAGMENTS(" + typeName(type.getElementType(), op->getLoc()) + ", " + id + ", " +
             number(count) + ")");
      })
      .Case([&](tm::FragmentsFillOp fill) {
        tm::FragmentsType type = fill.getMatrix().getType();
        int64_t count = fragmentCount(type);
        std::string element = typeName(type.getElementType(), op->getLoc());
        open("TM_SG_REGION {", op);
        std::string i = fresh("i"); // not plain i: the value may be a parameter with that name
        line("TM_UNROLL_GPU for (int " + i + " = 0; " + i + " < " + number(count) + "; ++" + i + ")");
        line("  TM_FRAGMENT(" + name(fill.getMatrix()) + ", " + i + ") = make_filled_simdgroup_matrix<" +
             element + ", 8, 8>(" + name(fill.getValue()) + ");");
        close();
      })
      .Case([&](tm::FragmentsCopyOp copy) {
        tm::FragmentsType type = copy.getSource().getType();
        int64_t count = fragmentCount(type);
        open("TM_SG_REGION {", op);
        line("TM_UNROLL_GPU for (int i = 0; i < " + number(count) + "; ++i)");
        line("  TM_FRAGMENT(" + name(copy.getResult()) + ", i) = TM_FRAGMENT(" + name(copy.getSource()) +
             ", i);");
        close();
      })
      .Case([&](tm::FragmentsStoreOp store) { fragmentsStore(store); })
      .Case([&](tm::MultiplyAccumulateOp multiply) { multiplyAccumulate(multiply); })
      .Case<tm::PrintOp, tm::AssertOp>([&](auto) { message(op); })
      .Case([&](scf::ForOp loop) { forLoop(loop); })
      .Case([&](scf::IfOp branch) { ifBranch(branch); })
      .Case([&](scf::WhileOp loop) { whileLoop(loop); })
      .Case<arith::MulSIExtendedOp, arith::MulUIExtendedOp>([&](auto) {
        bool isSigned = isa<arith::MulSIExtendedOp>(op);
        std::string x = name(op->getOperand(0)), y = name(op->getOperand(1));
        declare(op->getResult(0), "tm::mul(" + x + ", " + y + ")", op);
        declare(op->getResult(1),
                std::string(isSigned ? "tm::mulhi_signed(" : "tm::mulhi_unsigned(") + x + ", " + y + ")", op);
      })
      .Default([&](Operation *) {
        if (op->getNumResults() != 1)
          refuse(op, "This operation has no form in Metal.");
        declare(op->getResult(0), expression(op), op);
      });
  // Tiles and arrays declare their companions themselves.
  if (options.checkUndefined && !isa<arith::ConstantOp, tm::TileOp, tm::SharedOp>(op) &&
      op->getNumRegions() == 0) {
    declareCompanion(op);
    copyCompanion(op);
  }
}

/// Bits [shift, ...) under `mask` of the element index, as contributions of the register, the SIMD group and
/// the lane. Handles runs of bits at once, so that the contribution of the lane stays plainly affine.
std::string MslPrinter::position(tm::LinearLayoutAttr layout, const std::string &reg, int64_t shift,
                                 int64_t mask) {
  SmallVector<std::string> parts;
  int64_t seen = 0;
  bool disjoint = true;
  auto add = [&](ArrayRef<int64_t> bases, const std::string &source) {
    SmallVector<int64_t> values;
    for (int64_t basis : bases)
      values.push_back(basis >> shift & mask);
    for (size_t bit = 0; bit < values.size();) {
      if (values[bit] == 0) {
        ++bit;
        continue;
      }
      size_t end = bit + 1;
      bool single = llvm::isPowerOf2_64(values[bit]);
      while (single && end < values.size() && values[end] == values[bit] << (end - bit))
        ++end;
      for (size_t i = bit; i < end; ++i) {
        disjoint &= (seen & values[i]) == 0;
        seen |= values[i];
      }
      std::string run = source;
      if (bit > 0)
        run = "(" + run + " >> " + number(bit) + ")";
      if (end < values.size())
        run = "(" + run + " & TM_MASK(" + number((int64_t(1) << (end - bit)) - 1) + "))";
      if (values[bit] != 1)
        run = run + " * " + number(values[bit]);
      parts.push_back(run);
      bit = end;
    }
  };
  add(layout.getRegisters(), reg);
  add(layout.getSimdgroups(), "int(tm_sg)");
  add(layout.getLanes(), "int(tm_lane)");
  if (parts.empty())
    return "0";
  if (disjoint)
    return llvm::join(parts, " + ");
  for (std::string &part : parts)
    if (part.find(" * ") != std::string::npos)
      part = "(" + part + ")";
  return llvm::join(parts, " ^ ");
}

/// Whether a short body adds to tiles over its registers, so that the tiles should stay in vector registers.
static bool accumulates(tm::RegionOp op) {
  constexpr int kShort = 24; // operations
  int count = 0;
  bool isSimple = true;
  llvm::SmallDenseSet<Value, 4> read, written;
  op.getBody().walk([&](Operation *inner) {
    ++count;
    isSimple &= !isa<math::MathDialect>(inner->getDialect()) && !isa<tt::ExternElementwiseOp>(inner);
    if (auto get = dyn_cast<tm::GetOp>(inner))
      read.insert(get.getTile());
    if (auto put = dyn_cast<tm::PutOp>(inner))
      written.insert(put.getTile());
  });
  return isSimple && count <= kShort && op.getLayout().getNumRegisters() > 1 &&
         llvm::any_of(read, [&](Value tile) { return written.contains(tile); });
}

void MslPrinter::region(tm::RegionOp op) {
  tm::LinearLayoutAttr layout = op.getLayout();
  int64_t registers = layout.getNumRegisters();
  std::string macro = std::string("TM_") + kindOf(layout) + "REGION";
  // The functions of tm::float64 are too long for vectors.
  bool computesInSoftware = false;
  op.getBody().walk([&](Operation *inner) {
    computesInSoftware |=
        isa<arith::ArithDialect, math::MathDialect, tt::TritonDialect>(inner->getDialect()) &&
        llvm::any_of(inner->getOperandTypes(), [&](Type type) { return isSoftware(type); });
  });
  if (op.getVectorizable() && !layout.isLaneUniform() && !isChecked())
    macro += computesInSoftware ? "" : accumulates(op) ? "_ACCUMULATE" : "_SAFE";
  names[op.getBody().getArgument(0)] = "r";
  if (registers == 1) {
    open(macro + " {", op);
    if (!op.getBody().getArgument(0).use_empty())
      line("const int r = 0;");
  } else {
    // Registers with a run-time index would live in memory on a GPU, so loops over them are unrolled. No GPU
    // has more registers than this.
    constexpr int64_t kMaxUnrolled = 64;
    open((registers <= kMaxUnrolled ? "TM_UNROLL_GPU for (int r = 0; r < " : "for (int r = 0; r < ") +
             number(registers) + "; ++r) " + macro + " {",
         op);
  }
  block(op.getBody().front());
  close();
}

// ---- control flow ----

/// Whether adding the step never exceeds the largest integer.
static bool stepsExactly(scf::ForOp op) {
  IntegerAttr step, upper;
  if (!matchPattern(op.getStep(), m_Constant(&step)) || !step.getValue().isStrictlyPositive())
    return false;
  if (step.getValue().isOne())
    return true;
  if (!matchPattern(op.getUpperBound(), m_Constant(&upper)))
    return false;
  bool overflow = false;
  (void)upper.getValue().sadd_ov(step.getValue(), overflow);
  return !overflow;
}

void MslPrinter::forLoop(scf::ForOp op) {
  Location loc = op.getLoc();
  for (auto [argument, init, result] :
       llvm::zip_equal(op.getRegionIterArgs(), op.getInitArgs(), op.getResults())) {
    std::string id = fresh("v");
    std::string type = typeName(argument.getType(), loc);
    line(type + (isa<tt::PointerType>(argument.getType()) ? "" : " ") + id + " = " + name(init) + ";", op);
    names[argument] = id;
    names[result] = id;
    variableCompanion(argument, init);
    if (companions.contains(argument))
      companions[result] = companion(argument);
  }
  demand({op.getLowerBound(), op.getUpperBound(), op.getStep()}, "", op);
  std::string i = fresh("i");
  names[op.getInductionVar()] = i;
  std::string type = typeName(op.getInductionVar().getType(), loc);
  if (op.getUnsignedCmp())
    refuse(op, "Loops with an unsigned bound are not supported.");
  std::string upper = name(op.getUpperBound()), step = name(op.getStep());
  std::string lower = name(op.getLowerBound());
  if (stepsExactly(op)) {
    std::string next = step == "1" || step == "1L" ? "++" + i : i + " += " + step;
    open("for (" + type + " " + i + " = " + lower + "; " + i + " < " + upper + "; " + next + ") {", op);
  } else {
    // The last step may exceed the largest integer, so the loop counts trips.
    std::string trips = fresh("n"), trip = fresh("k");
    line("const long " + trips + " = tm::trip_count(" + lower + ", " + upper + ", " + step + ");", op);
    open("for (long " + trip + " = 0; " + trip + " < " + trips + "; ++" + trip + ") {", op);
    line("const " + type + " " + i + " = tm::add(" + lower + ", tm::mul(" + type + "(" + trip + "), " + step +
         "));");
  }
  block(*op.getBody());
  assignAll(op.getRegionIterArgs(), op.getBody()->getTerminator()->getOperands());
  close();
}

void MslPrinter::ifBranch(scf::IfOp op) {
  for (Value result : op.getResults()) {
    std::string id = fresh("v");
    std::string type = typeName(result.getType(), op.getLoc());
    line(type + (isa<tt::PointerType>(result.getType()) ? "" : " ") + id + ";");
    names[result] = id;
    variableCompanion(result, {});
  }
  demand({op.getCondition()}, "", op);
  open("if (" + name(op.getCondition()) + ") {", op);
  block(*op.thenBlock());
  assignAll(op.getResults(), op.thenYield().getOperands());
  if (op.elseBlock() && (op.elseBlock()->getOperations().size() > 1 || op.getNumResults() > 0)) {
    --indent;
    open("} else {");
    block(*op.elseBlock());
    assignAll(op.getResults(), op.elseYield().getOperands());
  }
  close();
}

void MslPrinter::whileLoop(scf::WhileOp op) {
  auto variable = [&](Value value, const Twine &init) {
    std::string id = fresh("v");
    std::string type = typeName(value.getType(), op.getLoc());
    line(type + (isa<tt::PointerType>(value.getType()) ? "" : " ") + id + init + ";");
    return id;
  };
  for (auto [argument, init] : llvm::zip_equal(op.getBeforeArguments(), op.getInits()))
    names[argument] = variable(argument, " = " + name(init)), variableCompanion(argument, init);
  for (auto [result, argument] : llvm::zip_equal(op.getResults(), op.getAfterArguments())) {
    std::string id = variable(result, "");
    names[result] = id;
    names[argument] = id; // not names[result]: the map may move its elements when it grows
    variableCompanion(result, {});
    if (companions.contains(result))
      companions[argument] = companion(result);
  }
  open("while (true) {", op);
  block(*op.getBeforeBody());
  assignAll(op.getResults(), op.getConditionOp().getArgs());
  demand({op.getConditionOp().getCondition()}, "", op);
  line("if (!(" + name(op.getConditionOp().getCondition()) + "))");
  line("  break;");
  block(*op.getAfterBody());
  assignAll(op.getBeforeArguments(), op.getYieldOp().getOperands());
  close();
}

MslKernel printMsl(ModuleOp module, const MslOptions &options) {
  auto kernels = module.getOps<tm::KernelOp>();
  if (!llvm::hasSingleElement(kernels))
    throw Error(ErrorKind::Compile, "[msl] A module with one tm.kernel is needed.");
  return MslPrinter(*kernels.begin(), options).print();
}

} // namespace tmetal

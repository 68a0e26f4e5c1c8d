// SPDX-License-Identifier: MIT
// Statements: the kernel's frame, control flow, regions, memory and what crosses threads.
#include "Printer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Twine;

namespace tmetal {

SourceLine sourceLineOf(Location loc) {
  SourceLine place;
  loc->walk([&](Location inner) {
    auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file)
      return WalkResult::advance();
    place = {file.getFilename().getValue().str(), int(file.getLine()), int(file.getColumn())};
    return WalkResult::interrupt();
  });
  return place;
}

static std::string number(int64_t value) { return std::to_string(value); }

MslPrinter::MslPrinter(tm::KernelOp kernel, const MslOptions &options) : kernel(kernel), options(options) {
  // Words of the language, of the macros and of this text.
  for (const char *word :
       {"auto", "bool", "break", "case", "char", "class", "const", "constant", "constexpr", "continue", "default",
        "delete", "device", "do", "double", "else", "enum", "extern", "false", "float", "for", "half", "bfloat", "if",
        "inline", "int", "kernel", "long", "metal", "namespace", "new", "operator", "private", "public", "return",
        "short", "signed", "sizeof", "static", "struct", "switch", "template", "this", "thread", "threadgroup", "true",
        "typedef", "uchar", "uint", "ulong", "union", "unsigned", "ushort", "using", "vertex", "fragment", "void",
        "while", "r", "tm", "and", "or", "not", "xor", "main", "asm", "goto", "register", "volatile", "typename",
        "exp", "log", "max", "min", "abs", "select", "clamp", "mix", "sign", "step", "dot", "cross", "sin", "cos",
        "INFINITY", "NAN", "NULL", "linux", "unix", "signbit", "fmax", "fmin"})
    used.insert(word);
}

void MslPrinter::refuse(Location loc, StringRef what, const std::string &reason) {
  SourceLine place = sourceLineOf(loc);
  std::string where = place.line ? place.file + ":" + number(place.line) + ":" + number(place.column) + ": " : "";
  throw Error(ErrorKind::Unsupported, where + "[" + what.str() + "] " + reason);
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
    SourceLine place = sourceLineOf(op->getLoc());
    if (place.line && place.line != lastLine) {
      lastLine = place.line;
      text += "  // " + llvm::StringRef(place.file).rsplit('/').second.str();
      if (place.file.find('/') == std::string::npos)
        text += place.file;
      text += ":" + number(place.line);
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

/// All at once: no target changes before the last value has been read.
void MslPrinter::assignAll(ValueRange targets, ValueRange values) {
  SmallVector<std::pair<std::string, std::string>> moves;
  for (auto [target, value] : llvm::zip_equal(targets, values)) {
    std::string to = name(target), from = name(value);
    if (to != from)
      moves.push_back({to, from});
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

MslKernel MslPrinter::print() {
  result.name = kernel.getSymName().str();
  result.simdgroups = kernel.getSimdgroups();
  result.threadgroupBytes = kernel.getThreadgroupBytes().value_or(0);
  bool reports = false;
  kernel.walk([&](Operation *op) {
    reports |= isa<tm::PrintOp, tm::AssertOp>(op);
    if (auto tile = dyn_cast<tm::TileOp>(op)) {
      tm::TileType type = tile.getType();
      tm::LinearLayoutAttr layout = type.getLayout();
      int64_t copies = layout.isUniform() ? 1 : layout.isLaneUniform() ? result.simdgroups : 32 * result.simdgroups;
      Type element = type.getElementType();
      int64_t bytes = isa<tt::PointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
      result.stackBytes += layout.getNumRegisters() * copies * bytes + 64;
    } else if (auto matrix = dyn_cast<tm::FragmentsOp>(op)) {
      tm::FragmentsType type = matrix.getType();
      result.stackBytes += type.getRows() * type.getColumns() * 4 * result.simdgroups + 64;
    }
  });
  // Names of parameters as the user wrote them, made safe.
  mlir::Block &body = kernel.getBody().front();
  int buffers = 0;
  for (auto [argument, given] : llvm::zip_equal(body.getArguments(), kernel.getParameterNames())) {
    std::string wanted;
    for (char c : cast<StringAttr>(given).getValue())
      wanted += llvm::isAlnum(c) || c == '_' ? c : '_';
    if (wanted.empty() || llvm::isDigit(wanted[0]) || StringRef(wanted).starts_with("tm_") ||
        StringRef(wanted).starts_with("TM_") || StringRef(wanted).starts_with("_"))
      wanted = "p_" + wanted;
    while (!used.insert(wanted).second)
      wanted += "_";
    names[argument] = wanted;
    MslParameter parameter;
    parameter.name = cast<StringAttr>(given).getValue().str();
    llvm::raw_string_ostream(parameter.type) << argument.getType();
    if (isa<tt::PointerType>(argument.getType())) {
      parameter.isPointer = true;
      parameter.bufferIndex = buffers++;
    } else {
      int64_t size = std::max(1u, argument.getType().getIntOrFloatBitWidth() / 8);
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
  constexpr int kMaxBuffers = 31;
  if (buffers > kMaxBuffers)
    refuse(kernel.getLoc(), "kernel",
           "A Metal kernel takes at most 31 buffers; this one needs " + number(buffers) +
               " (one for each pointer, one for all scalars).");
  kernel.walk([&](Operation *op) {
    Value pointer;
    if (auto store = dyn_cast<tm::StoreOp>(op))
      pointer = store.getPtr();
    else if (auto rmw = dyn_cast<tm::AtomicRMWOp>(op))
      pointer = rmw.getPtr();
    else if (auto cas = dyn_cast<tm::AtomicCASOp>(op))
      pointer = cas.getPtr();
    else if (auto atomicStore = dyn_cast<tm::AtomicStoreOp>(op))
      pointer = atomicStore.getPtr();
    if (!pointer)
      return;
    int root = rootIndex(pointer);
    for (auto [index, parameter] : llvm::enumerate(result.parameters))
      if (parameter.isPointer && (root < 0 || root == int(index)))
        parameter.stored = true;
  });

  line("#include <triton_metal.h>");
  line("");
  signature();
  line("TM_BEGIN(" + number(result.simdgroups) + ", " + number(result.threadgroupBytes) + ")");
  for (auto [argument, parameter] : llvm::zip_equal(body.getArguments(), result.parameters))
    if (!parameter.isPointer && !argument.use_empty()) {
      std::string id = names[argument];
      bool isBool = argument.getType().isInteger(1);
      line("const " + typeName(argument.getType(), argument.getLoc()) + " " + id + " = tm_args." + id +
           (isBool ? " != 0;" : ";"));
    }
  block(body);
  line("TM_END");
  close();
  line("TM_ENTRY(" + names[Value()] + ")");
  result.text = text;
  return result;
}

void MslPrinter::signature() {
  mlir::Block &body = kernel.getBody().front();
  if (result.argumentsBuffer >= 0) {
    open("struct tm_arguments {");
    for (auto [argument, parameter] : llvm::zip_equal(body.getArguments(), result.parameters))
      if (!parameter.isPointer)
        line((argument.getType().isInteger(1) ? "uchar" : typeName(argument.getType(), argument.getLoc())) + " " +
             names[argument] + ";");
    close("};");
    line("");
  }
  std::string id;
  for (char c : result.name)
    id += llvm::isAlnum(c) || c == '_' ? c : '_';
  while (!used.insert(id).second || StringRef(id).starts_with("tm_"))
    id = "k_" + id;
  names[Value()] = id;
  SmallVector<std::string> parts;
  for (auto [argument, parameter] : llvm::zip_equal(body.getArguments(), result.parameters))
    if (parameter.isPointer)
      parts.push_back(typeName(argument.getType(), argument.getLoc()) + names[argument] + " [[buffer(" +
                      number(parameter.bufferIndex) + ")]]");
  if (result.argumentsBuffer >= 0)
    parts.push_back("constant tm_arguments &tm_args [[buffer(" + number(result.argumentsBuffer) + ")]]");
  if (result.reportBuffer >= 0)
    parts.push_back("device uint *tm_report [[buffer(" + number(result.reportBuffer) + ")]]");
  line("[[max_total_threads_per_threadgroup(" + number(32 * result.simdgroups) + ")]]");
  std::string head = "kernel void " + id + "(";
  for (const std::string &part : parts)
    head += part + ",\n    ";
  head += "TM_POSITION) {";
  open(head);
}

int MslPrinter::rootIndex(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (!isa<tt::AddPtrOp, tt::BitcastOp>(op))
      return -1;
    pointer = op->getOperand(0);
  }
  auto argument = cast<BlockArgument>(pointer);
  if (argument.getOwner() != &kernel.getBody().front())
    return -1;
  return argument.getArgNumber();
}

// ---- operations ----

void MslPrinter::block(mlir::Block &block) {
  for (Operation &op : block)
    if (!op.hasTrait<OpTrait::IsTerminator>())
      operation(&op);
}

static const char *kindOf(tm::LinearLayoutAttr layout) {
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
      })
      .Case([&](tm::SharedOp shared) {
        tm::SharedType type = shared.getType();
        std::string id = fresh("s");
        names[shared] = id;
        std::string element = typeName(type.getElementType(), op->getLoc());
        line("threadgroup " + element + " *" + id + " = TM_SHARED(" + element + ", " +
             number(shared.getOffset().value_or(0)) + ");");
      })
      .Case([&](tm::RegionOp inner) { region(inner); })
      .Case([&](tm::SingleOp single) {
        open("TM_ONE {", op);
        block(single.getBody().front());
        close();
      })
      .Case([&](tm::GetOp get) {
        declare(get.getResult(), access(get.getTile().getType(), name(get.getTile()), name(get.getReg())), op);
      })
      .Case([&](tm::PutOp put) {
        line(access(put.getTile().getType(), name(put.getTile()), name(put.getReg())) + " = " + name(put.getValue()) +
                 ";",
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
                position(index.getLayout(), name(index.getReg()), 0, index.getLayout().getNumElements() - 1), op);
      })
      .Case([&](tm::LaneOp lane) { names[lane] = "int(tm_lane)"; })
      .Case([&](tm::SimdgroupOp group) { names[group] = "int(tm_sg)"; })
      .Case([&](tm::LoadOp access) { load(access); })
      .Case([&](tm::StoreOp access) { store(access); })
      .Case<tm::AtomicRMWOp, tm::AtomicCASOp, tm::AtomicLoadOp, tm::AtomicStoreOp>([&](auto access) { atomic(access); })
      .Case([&](tm::SharedLoadOp access) {
        declare(access.getResult(), name(access.getArray()) + "[" + name(access.getIndex()) + "]", op);
      })
      .Case([&](tm::SharedStoreOp access) {
        std::string guard = access.getMask() ? "if (" + name(access.getMask()) + ") " : "";
        line(guard + name(access.getArray()) + "[" + name(access.getIndex()) + "] = " + name(access.getValue()) + ";",
             op);
      })
      .Case([&](tm::SharedAtomicAddOp access) {
        std::string guard = access.getMask() ? "if (" + name(access.getMask()) + ") " : "";
        line(guard + "tm::atomic_add_shared(" + name(access.getArray()) + " + " + name(access.getIndex()) + ", " +
                 name(access.getValue()) + ");",
             op);
      })
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
        int64_t count = type.getRows() / type.getSimdgroupRows() / 8 * (type.getColumns() / type.getSimdgroupColumns() / 8);
        line("TM_FRAGMENTS(" + typeName(type.getElementType(), op->getLoc()) + ", " + id + ", " + number(count) + ")");
      })
      .Case([&](tm::FragmentsFillOp fill) {
        tm::FragmentsType type = fill.getMatrix().getType();
        int64_t count = type.getRows() / type.getSimdgroupRows() / 8 * (type.getColumns() / type.getSimdgroupColumns() / 8);
        std::string element = typeName(type.getElementType(), op->getLoc());
        open("TM_SG_REGION {", op);
        line("for (int i = 0; i < " + number(count) + "; ++i)");
        line("  TM_FRAGMENT(" + name(fill.getMatrix()) + ", i) = make_filled_simdgroup_matrix<" + element + ", 8, 8>(" +
             name(fill.getValue()) + ");");
        close();
      })
      .Case([&](tm::FragmentsCopyOp copy) {
        tm::FragmentsType type = copy.getSource().getType();
        int64_t count = type.getRows() / type.getSimdgroupRows() / 8 * (type.getColumns() / type.getSimdgroupColumns() / 8);
        open("TM_SG_REGION {", op);
        line("for (int i = 0; i < " + number(count) + "; ++i)");
        line("  TM_FRAGMENT(" + name(copy.getResult()) + ", i) = TM_FRAGMENT(" + name(copy.getSource()) + ", i);");
        close();
      })
      .Case([&](tm::FragmentsLoadOp) { fragmentsMove(op, false); })
      .Case([&](tm::FragmentsStoreOp) { fragmentsMove(op, true); })
      .Case([&](tm::MultiplyAccumulateOp multiply) { multiplyAccumulate(multiply); })
      .Case<tm::PrintOp, tm::AssertOp>([&](auto) { message(op); })
      .Case([&](scf::ForOp loop) { forLoop(loop); })
      .Case([&](scf::IfOp branch) { ifBranch(branch); })
      .Case([&](scf::WhileOp loop) { whileLoop(loop); })
      .Case<arith::MulSIExtendedOp, arith::MulUIExtendedOp>([&](auto multiply) {
        bool isSigned = isa<arith::MulSIExtendedOp>(op);
        std::string x = name(op->getOperand(0)), y = name(op->getOperand(1));
        declare(op->getResult(0), "tm::mul(" + x + ", " + y + ")", op);
        declare(op->getResult(1), std::string(isSigned ? "tm::mulhi_signed(" : "tm::mulhi_unsigned(") + x + ", " + y + ")",
                op);
      })
      .Default([&](Operation *) {
        if (op->getNumResults() != 1)
          refuse(op, "This operation has no form in Metal.");
        declare(op->getResult(0), expression(op), op);
      });
}

/// Bits [shift, ...) under `mask` of the element's index: contributions of the register, the SIMD group and the lane,
/// runs of bits at once, so that the lane's part stays plainly affine.
std::string MslPrinter::position(tm::LinearLayoutAttr layout, const std::string &reg, int64_t shift, int64_t mask) {
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
        run = "(" + run + " & " + number((int64_t(1) << (end - bit)) - 1) + ")";
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
  return "(" + llvm::join(parts, ") ^ (") + ")";
}

void MslPrinter::region(tm::RegionOp op) {
  tm::LinearLayoutAttr layout = op.getLayout();
  int64_t registers = layout.getNumRegisters();
  std::string macro = std::string("TM_") + kindOf(layout) + "REGION";
  if (op.getVectorizable() && !layout.isLaneUniform())
    macro += "_SAFE";
  names[op.getBody().getArgument(0)] = "r";
  if (registers == 1) {
    open(macro + " {", op);
    if (!op.getBody().getArgument(0).use_empty())
      line("const int r = 0;");
  } else {
    open("for (int r = 0; r < " + number(registers) + "; ++r) " + macro + " {", op);
  }
  block(op.getBody().front());
  close();
}

// ---- control flow ----

void MslPrinter::forLoop(scf::ForOp op) {
  Location loc = op.getLoc();
  for (auto [argument, init, result] :
       llvm::zip_equal(op.getRegionIterArgs(), op.getInitArgs(), op.getResults())) {
    std::string id = fresh("v");
    std::string type = typeName(argument.getType(), loc);
    line(type + (isa<tt::PointerType>(argument.getType()) ? "" : " ") + id + " = " + name(init) + ";", op);
    names[argument] = id;
    names[result] = id;
  }
  std::string i = fresh("i");
  names[op.getInductionVar()] = i;
  std::string type = typeName(op.getInductionVar().getType(), loc);
  if (op.getUnsignedCmp())
    refuse(op, "Loops with an unsigned bound are not supported.");
  std::string upper = name(op.getUpperBound()), step = name(op.getStep());
  // The last step may pass the largest integer: the trips are counted instead where that cannot be excluded.
  IntegerAttr known;
  bool unit = matchPattern(op.getStep(), m_Constant(&known)) && known.getInt() == 1;
  if (unit) {
    open("for (" + type + " " + i + " = " + name(op.getLowerBound()) + "; " + i + " < " + upper + "; ++" + i + ") {", op);
  } else {
    std::string trips = fresh("n");
    std::string wide = "long";
    line("const long " + trips + " = tm::trip_count(" + name(op.getLowerBound()) + ", " + upper + ", " + step + ");", op);
    std::string trip = fresh("k");
    open("for (long " + trip + " = 0; " + trip + " < " + trips + "; ++" + trip + ") {", op);
    line("const " + type + " " + i + " = tm::add(" + name(op.getLowerBound()) + ", tm::mul(" + type + "(" + trip + "), " +
         step + "));");
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
  }
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
    names[argument] = variable(argument, " = " + name(init));
  for (auto [result, argument] : llvm::zip_equal(op.getResults(), op.getAfterArguments()))
    names[result] = names[argument] = variable(result, "");
  open("while (true) {", op);
  block(*op.getBeforeBody());
  assignAll(op.getResults(), op.getConditionOp().getArgs());
  line("if (!(" + name(op.getConditionOp().getCondition()) + "))");
  line("  break;");
  block(*op.getAfterBody());
  assignAll(op.getBeforeArguments(), op.getYieldOp().getOperands());
  close();
}

// ---- memory ----

std::string MslPrinter::element(Value pointer, Value offset, Operation *op) {
  std::string base = name(pointer), index = offset ? name(offset) : "0";
  if (options.checkAddresses) {
    SourceLine place = sourceLineOf(op->getLoc());
    return "TM_CHECKED(" + base + ", " + index + ", " + number(place.line) + ", " + number(rootIndex(pointer)) + ")";
  }
  return base + "[" + index + "]";
}

static bool isByteBool(Type type) { return type.isInteger(1); }

void MslPrinter::load(tm::LoadOp op) {
  std::string value = element(op.getPtr(), op.getOffset(), op);
  if (isByteBool(op.getResult().getType()))
    value = "(" + value + " != 0)";
  if (op.getMask()) {
    std::string type = typeName(op.getResult().getType(), op.getLoc());
    std::string other = op.getOther() ? name(op.getOther())
                        : isa<tt::PointerType>(op.getResult().getType())
                            ? std::string("nullptr")
                            : type + "(0)";
    value = name(op.getMask()) + " ? " + value + " : " + other;
  }
  declare(op.getResult(), value, op);
}

void MslPrinter::store(tm::StoreOp op) {
  std::string guard = op.getMask() ? "if (" + name(op.getMask()) + ") " : "";
  std::string value = name(op.getValue());
  if (isByteBool(op.getValue().getType()))
    value = "uchar(" + value + ")";
  line(guard + element(op.getPtr(), op.getOffset(), op) + " = " + value + ";", op);
}

static const char *orderOf(tt::MemSemantic order) {
  switch (order) {
  case tt::MemSemantic::RELAXED:
    return "tm::relaxed";
  case tt::MemSemantic::ACQUIRE:
    return "tm::acquire";
  case tt::MemSemantic::RELEASE:
    return "tm::release";
  case tt::MemSemantic::ACQUIRE_RELEASE:
    return "tm::acq_rel";
  }
  return "tm::acq_rel";
}

void MslPrinter::atomic(Operation *op) {
  std::string call, mask, order;
  auto address = [&](Value pointer, Value offset) {
    return "&" + element(pointer, offset, op);
  };
  Type type;
  if (auto rmw = dyn_cast<tm::AtomicRMWOp>(op)) {
    type = rmw.getValue().getType();
    const char *function = nullptr;
    switch (rmw.getKind()) {
    case tt::RMWOp::AND: function = "atomic_and"; break;
    case tt::RMWOp::OR: function = "atomic_or"; break;
    case tt::RMWOp::XOR: function = "atomic_xor"; break;
    case tt::RMWOp::ADD:
    case tt::RMWOp::FADD: function = "atomic_add"; break;
    case tt::RMWOp::MAX: function = "atomic_max"; break;
    case tt::RMWOp::MIN: function = "atomic_min"; break;
    case tt::RMWOp::UMAX: function = "atomic_umax"; break;
    case tt::RMWOp::UMIN: function = "atomic_umin"; break;
    case tt::RMWOp::XCHG: function = "atomic_exchange"; break;
    }
    call = std::string("tm::") + function + "(" + address(rmw.getPtr(), rmw.getOffset()) + ", " + name(rmw.getValue()) +
           ", " + orderOf(rmw.getSem()) + ")";
    if (rmw.getMask())
      mask = name(rmw.getMask());
  } else if (auto cas = dyn_cast<tm::AtomicCASOp>(op)) {
    type = cas.getValue().getType();
    call = "tm::atomic_cas(" + address(cas.getPtr(), cas.getOffset()) + ", " + name(cas.getCompare()) + ", " +
           name(cas.getValue()) + ", " + orderOf(cas.getSem()) + ")";
    if (cas.getMask())
      mask = name(cas.getMask());
  } else if (auto read = dyn_cast<tm::AtomicLoadOp>(op)) {
    type = read.getResult().getType();
    call = "tm::atomic_load(" + address(read.getPtr(), read.getOffset()) + ", " + orderOf(read.getSem()) + ")";
    if (read.getMask())
      mask = name(read.getMask());
  } else {
    auto write = cast<tm::AtomicStoreOp>(op);
    type = write.getValue().getType();
    call = "tm::atomic_store(" + address(write.getPtr(), write.getOffset()) + ", " + name(write.getValue()) + ", " +
           orderOf(write.getSem()) + ")";
    if (write.getMask())
      mask = name(write.getMask());
  }
  if (type.getIntOrFloatBitWidth() == 64 && options.arch != "host") {
    std::string spelled;
    llvm::raw_string_ostream(spelled) << type;
    refuse(op, "Metal has no 64-bit atomics with a result: " + spelled + " is refused on " + options.arch + ".");
  }
  if (op->getNumResults() == 0 || op->getResult(0).use_empty()) {
    line((mask.empty() ? "" : "if (" + mask + ") ") + call + ";", op);
    return;
  }
  if (!mask.empty())
    call = mask + " ? " + call + " : " + typeName(type, op->getLoc()) + "(0)";
  declare(op->getResult(0), call, op);
}

// ---- matrix fragments ----

namespace {
struct Rectangle { // of a SIMD group, in fragments
  int64_t rows, columns, groups, groupColumns;
  explicit Rectangle(tm::FragmentsType type)
      : rows(type.getRows() / type.getSimdgroupRows() / 8), columns(type.getColumns() / type.getSimdgroupColumns() / 8),
        groups(type.getSimdgroupRows() * type.getSimdgroupColumns()), groupColumns(type.getSimdgroupColumns()) {}
};
} // namespace

void MslPrinter::fragmentsMove(Operation *op, bool isStore) {
  Value matrix = op->getOperand(0), array = op->getOperand(1);
  auto attribute = [&](StringRef key) { return cast<IntegerAttr>(op->getAttr(key)).getInt(); };
  int64_t first = attribute("firstRow"), count = attribute("numRows"), stride = attribute("stride");
  auto type = cast<tm::FragmentsType>(matrix.getType());
  Rectangle own(type);
  open("TM_SG_REGION {", op);
  line("const int row = int(tm_sg) / " + number(own.groupColumns) + " * " + number(own.rows * 8) + " - " + number(first) +
       ", column = int(tm_sg) % " + number(own.groupColumns) + " * " + number(own.columns * 8) + ";");
  std::string guard = own.groups < result.simdgroups ? "tm_sg < " + number(own.groups) + " && " : "";
  line("for (int i = 0; i < " + number(own.rows) + "; ++i)");
  line("  for (int j = 0; j < " + number(own.columns) + "; ++j)");
  line("    if (" + guard + "row + i * 8 >= 0 && row + i * 8 < " + number(count) + ")");
  line(std::string("      simdgroup_") + (isStore ? "store" : "load") + "(TM_FRAGMENT(" + name(matrix) + ", i * " +
       number(own.columns) + " + j), " + name(array) + " + (row + i * 8) * " + number(stride) + " + column + j * 8, " +
       number(stride) + ");");
  close();
}

void MslPrinter::multiplyAccumulate(tm::MultiplyAccumulateOp op) {
  auto type = op.getMatrix().getType();
  Rectangle own(type);
  std::string in = typeName(op.getA().getType().getElementType(), op.getLoc());
  std::string strideA = number(op.getStrideA()), strideB = number(op.getStrideB());
  std::string matrix = name(op.getMatrix()), a = name(op.getA()), b = name(op.getB());
  bool fewer = own.groups < result.simdgroups;
  open(fewer ? "TM_SG_REGION if (tm_sg < " + number(own.groups) + ") {" : "TM_SG_REGION {", op);
  line("const int row = int(tm_sg) / " + number(own.groupColumns) + " * " + number(own.rows * 8) +
       ", column = int(tm_sg) % " + number(own.groupColumns) + " * " + number(own.columns * 8) + ";");
  open("for (int k = 0; k < " + number(op.getDepth()) + "; k += 8) {");
  line("simdgroup_matrix<" + in + ", 8, 8> x[" + number(own.rows) + "], y[" + number(own.columns) + "];");
  line("TM_UNROLL for (int i = 0; i < " + number(own.rows) + "; ++i)");
  if (op.getTransposeA())
    line("  simdgroup_load(x[i], " + a + " + k * " + strideA + " + row + i * 8, " + strideA + ", ulong2(0), true);");
  else
    line("  simdgroup_load(x[i], " + a + " + (row + i * 8) * " + strideA + " + k, " + strideA + ");");
  line("TM_UNROLL for (int j = 0; j < " + number(own.columns) + "; ++j)");
  if (op.getTransposeB())
    line("  simdgroup_load(y[j], " + b + " + (column + j * 8) * " + strideB + " + k, " + strideB + ", ulong2(0), true);");
  else
    line("  simdgroup_load(y[j], " + b + " + k * " + strideB + " + column + j * 8, " + strideB + ");");
  line("TM_UNROLL for (int i = 0; i < " + number(own.rows) + "; ++i)");
  line("  TM_UNROLL for (int j = 0; j < " + number(own.columns) + "; ++j)");
  std::string fragment = "TM_FRAGMENT(" + matrix + ", i * " + number(own.columns) + " + j)";
  line("    simdgroup_multiply_accumulate(" + fragment + ", x[i], y[j], " + fragment + ");");
  close();
  close();
}

// ---- messages ----

void MslPrinter::message(Operation *op) {
  MslKernel::Message message;
  SourceLine place = sourceLineOf(op->getLoc());
  message.file = place.file;
  message.line = place.line;
  SmallVector<Value> words;
  std::string condition;
  if (auto print = dyn_cast<tm::PrintOp>(op)) {
    message.kind = "print";
    message.text = print.getPrefix().str();
    message.hex = print.getHex();
    message.coordinates = print.getCoordinates().size();
    int64_t size = message.coordinates;
    words.append(print.getCoordinates().begin(), print.getCoordinates().end());
    for (auto [value, isSigned] : llvm::zip(print.getValues(), print.getIsSigned())) {
      std::string type;
      llvm::raw_string_ostream(type) << value.getType();
      if (!isSigned && value.getType().isInteger())
        type[0] = 'u';
      message.types.push_back(type);
      bool wide = isa<tt::PointerType>(value.getType()) || value.getType().getIntOrFloatBitWidth() == 64;
      size += wide ? 2 : 1;
      words.push_back(value);
    }
    if (size > 12)
      refuse(op, "A print has room for 12 words; this one needs " + number(size) + ": print fewer operands at once.");
  } else {
    auto assertion = cast<tm::AssertOp>(op);
    message.kind = "assert";
    message.text = assertion.getMessage().str();
    condition = "if (!" + name(assertion.getCondition()) + ") ";
  }
  int index = result.messages.size();
  result.messages.push_back(message);
  std::string record = fresh("w");
  open(condition + "{", op);
  line("device uint *" + record + " = tm::report(tm_report, " + number(index) + ", tm_pid);");
  if (!words.empty()) {
    open("if (" + record + ") {");
    for (Value word : words)
      line("tm::put(" + record + ", " + name(word) + ");");
    close();
  }
  close();
}

MslKernel printMsl(ModuleOp module, const MslOptions &options) {
  auto kernels = module.getOps<tm::KernelOp>();
  if (!llvm::hasSingleElement(kernels))
    throw Error(ErrorKind::Compile, "[msl] A module with one tm.kernel is needed.");
  return MslPrinter(*kernels.begin(), options).print();
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Memory accesses, matrix fragments and messages to the host.
#include "Printer.h"

#include "triton-metal/Support/Types.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace tmetal {

static std::string spelled(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// The type that an element of this type has in memory.
std::string MslPrinter::storedName(Type type, Location loc) {
  return type.isInteger(1) ? "uchar" : isSoftware(type) ? "ulong" : typeName(type, loc);
}

/// The value of a type whose form in memory is `text`, and the other way around.
std::string MslPrinter::fromStored(const std::string &text, Type type) const {
  if (type.isInteger(1))
    return text + " != 0";
  return isSoftware(type) ? "tm::float64{" + text + "}" : text;
}
std::string MslPrinter::toStored(const std::string &text, Type type) const {
  if (type.isInteger(1))
    return "uchar(" + text + ")";
  return isSoftware(type) ? text + ".bits" : text;
}

int64_t MslPrinter::storedBytes(Type type) { return byteWidth(type); }

// ---- device memory ----

/// Emits the checks that the mode asks for. Returns the condition under which the access may happen, or an
/// empty string if it always may.
std::string MslPrinter::guard(Operation *op, Value pointer, Value offset, Value mask, const char *track) {
  std::string condition = mask ? name(mask) : "";
  std::string base = name(pointer), index = offset ? name(offset) : "0";
  Type element = cast<tt::PointerType>(pointer.getType()).getPointeeType();
  Roots places = roots.of(pointer);
  std::optional<unsigned> root = places.single();
  std::string argument = root ? result.parameters[*root].name : "";
  if (options.checkAddresses) {
    std::string inside;
    int ordinal = 0;
    for (auto [i, parameter] : llvm::enumerate(result.parameters)) {
      if (!parameter.isPointer)
        continue;
      if (places.mayBe(i))
        inside += (inside.empty() ? "" : " || ") + ("tm::inside(tm_bounds + " + number(2 * ordinal)) + ", " +
                  names[kernel.getBody().front().getArgument(i)] + ", " + base + ", " + index + ")";
      ++ordinal;
    }
    std::string origin = root ? names[kernel.getBody().front().getArgument(*root)] : base;
    std::string id = fresh("c");
    line("const bool " + id + " = " + (condition.empty() ? "" : condition + " && ") + "(" + inside +
             " || tm::outside(tm_report, " + number(site("address", argument, op)) + ", tm_pid, " + origin +
             ", " + base + ", " + index + "));",
         op);
    condition = id;
  }
  if (options.checkRaces)
    line((condition.empty() ? "" : "if (" + condition + ") ") + track + "(" + base + " + " + index + ", " +
             number(storedBytes(element)) + ", " + number(site("race", argument, op)) + ");",
         op);
  return condition;
}

void MslPrinter::load(tm::LoadOp op) {
  Type type = op.getResult().getType();
  demand({op.getMask()}, "", op);
  demand({op.getPtr(), op.getOffset()}, op.getMask() ? name(op.getMask()) : "", op);
  std::string condition = guard(op, op.getPtr(), op.getOffset(), op.getMask(), "TM_TRACK_READ");
  std::string base = name(op.getPtr());
  if (op.getIsVolatile())
    base = "((volatile device " + storedName(type, op.getLoc()) + " *)(" + base + "))";
  std::string value = base + "[" + (op.getOffset() ? name(op.getOffset()) : "0") + "]";
  if (type.isInteger(1))
    value = "(" + fromStored(value, type) + ")";
  if (!condition.empty()) {
    std::string other = op.getOther() ? name(op.getOther()) : zero(type, op.getLoc());
    value = condition + " ? " + value + " : " + (isSoftware(type) ? toStored(other, type) : other);
  }
  if (isSoftware(type))
    value = fromStored(value, type);
  declare(op.getResult(), value, op);
}

void MslPrinter::store(tm::StoreOp op) {
  demand({op.getMask()}, "", op);
  demand({op.getValue(), op.getPtr(), op.getOffset()}, op.getMask() ? name(op.getMask()) : "", op);
  std::string condition = guard(op, op.getPtr(), op.getOffset(), op.getMask(), "TM_TRACK_WRITE");
  std::string value = toStored(name(op.getValue()), op.getValue().getType());
  line((condition.empty() ? "" : "if (" + condition + ") ") + name(op.getPtr()) + "[" +
           (op.getOffset() ? name(op.getOffset()) : "0") + "] = " + value + ";",
       op);
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

static const char *functionOf(tt::RMWOp kind) {
  switch (kind) {
  case tt::RMWOp::AND:
    return "and";
  case tt::RMWOp::OR:
    return "or";
  case tt::RMWOp::XOR:
    return "xor";
  case tt::RMWOp::ADD:
  case tt::RMWOp::FADD:
    return "add";
  case tt::RMWOp::MAX:
    return "max";
  case tt::RMWOp::MIN:
    return "min";
  case tt::RMWOp::UMAX:
    return "umax";
  case tt::RMWOp::UMIN:
    return "umin";
  case tt::RMWOp::XCHG:
    return "exchange";
  }
  return "exchange";
}

void MslPrinter::atomic(Operation *op) {
  Value pointer, offset, mask;
  Type type;
  SmallVector<Value> values;
  std::string function;
  tt::MemSemantic order;
  auto common = [&](auto access) {
    pointer = access.getPtr(), offset = access.getOffset(), mask = access.getMask(), order = access.getSem();
  };
  if (auto rmw = dyn_cast<tm::AtomicRMWOp>(op)) {
    common(rmw);
    type = rmw.getValue().getType();
    function = functionOf(rmw.getKind());
    values = {rmw.getValue()};
  } else if (auto cas = dyn_cast<tm::AtomicCASOp>(op)) {
    common(cas);
    type = cas.getValue().getType();
    function = "cas";
    values = {cas.getCompare(), cas.getValue()};
  } else if (auto read = dyn_cast<tm::AtomicLoadOp>(op)) {
    common(read);
    type = read.getResult().getType();
    function = "load";
  } else {
    auto write = cast<tm::AtomicStoreOp>(op);
    common(write);
    type = write.getValue().getType();
    function = "store";
    values = {write.getValue()};
  }
  if (isSoftware(type))
    refuse(op, "Atomic operations on f64 are refused on " + options.arch + ", which has no double.");
  if (storedBytes(type) == 8 && target.atomics64 != Atomics64::All)
    function = wideAtomic(op, type);
  demand({mask}, "", op);
  std::string active = mask ? name(mask) : "";
  demand({pointer, offset}, active, op);
  demand(values, active, op);
  std::string condition = guard(op, pointer, offset, mask, "TM_TRACK_ATOMIC");
  std::string address = name(pointer);
  if (offset)
    address += " + " + name(offset);
  std::string call = "tm::atomic_" + function + "(" + address + ", ";
  for (Value value : values)
    call += (value.getType().isInteger(1) ? "uchar(" + name(value) + ")" : name(value)) + ", ";
  call += std::string(orderOf(order)) + ")";
  if (type.isInteger(1) && op->getNumResults())
    call = "(" + call + " != 0)";
  if (op->getNumResults() == 0 || op->getResult(0).use_empty()) {
    line((condition.empty() ? "" : "if (" + condition + ") ") + call + ";", op);
    return;
  }
  if (condition.empty()) {
    declare(op->getResult(0), call, op);
    return;
  }
  declare(op->getResult(0), condition + " ? " + call + " : " + zero(type, op->getLoc()), op);
}

void MslPrinter::poll(tm::AtomicPollOp op) {
  if (!target.programsMayWait)
    refuse(op, "Metal does not promise that the program goes on which this one waits for: refused on " +
                   options.arch + ".");
  std::string active = op.getMask() ? name(op.getMask()) : "";
  demand({op.getMask()}, "", op);
  demand({op.getPtr(), op.getOffset(), op.getExpected(), op.getDeadline()}, active, op);
  std::string condition = guard(op, op.getPtr(), op.getOffset(), op.getMask(), "TM_TRACK_ATOMIC");
  std::string address = name(op.getPtr());
  if (op.getOffset())
    address += " + " + name(op.getOffset());
  std::string call = "TM_POLL(" + address + ", " + name(op.getExpected()) + ", " + orderOf(op.getSem()) +
                     ", " + (op.getDeadline() ? name(op.getDeadline()) : "tm::no_deadline") + ", " +
                     number(site("poll", "", op)) + ")";
  declare(op.getResult(), condition.empty() ? call : condition + " ? " + call + " : false", op);
}

// ---- threadgroup memory ----

std::string MslPrinter::guardShared(Operation *op, Value array, Value index, Value mask, const char *track) {
  std::string condition = mask ? name(mask) : "";
  tm::SharedType type = cast<tm::SharedType>(array.getType());
  if (options.checkAddresses) {
    std::string id = fresh("c");
    line("const bool " + id + " = " + (condition.empty() ? "" : condition + " && ") +
             "tm::inside_threadgroup(tm_report, " + number(site("address", "threadgroup memory", op)) +
             ", tm_pid, " + name(index) + ", " + number(type.getNumElements()) + ");",
         op);
    condition = id;
  }
  if (options.checkRaces)
    line((condition.empty() ? "" : "if (" + condition + ") ") + track + "(" + name(array) + " + " +
             name(index) + ", " + number(storedBytes(type.getElementType())) + ", " +
             number(site("race", "threadgroup memory", op)) + ");",
         op);
  return condition;
}

void MslPrinter::sharedLoad(tm::SharedLoadOp op) {
  std::string condition = guardShared(op, op.getArray(), op.getIndex(), {}, "TM_TRACK_READ");
  Type type = op.getResult().getType();
  std::string value = name(op.getArray()) + "[" + name(op.getIndex()) + "]";
  if (isSoftware(type))
    value = fromStored(value, type);
  if (!condition.empty()) {
    value = condition + " ? " + value + " : " + zero(op.getResult().getType(), op.getLoc());
  }
  declare(op.getResult(), value, op);
}

void MslPrinter::sharedStore(tm::SharedStoreOp op) {
  Type type = op.getValue().getType();
  std::string condition = guardShared(op, op.getArray(), op.getIndex(), op.getMask(), "TM_TRACK_WRITE");
  line((condition.empty() ? "" : "if (" + condition + ") ") + name(op.getArray()) + "[" +
           name(op.getIndex()) +
           "] = " + (isSoftware(type) ? toStored(name(op.getValue()), type) : name(op.getValue())) + ";",
       op);
}

void MslPrinter::sharedAtomicAdd(tm::SharedAtomicAddOp op) {
  demand({op.getValue(), op.getIndex()}, op.getMask() ? name(op.getMask()) : "", op);
  std::string condition = guardShared(op, op.getArray(), op.getIndex(), op.getMask(), "TM_TRACK_ATOMIC");
  line((condition.empty() ? "" : "if (" + condition + ") ") + "tm::threadgroup_add(" + name(op.getArray()) +
           " + " + name(op.getIndex()) + ", " + name(op.getValue()) + ");",
       op);
}

// ---- matrix fragments ----

namespace {
struct Rectangle { // the rectangle of a SIMD group, in fragments
  int64_t rows, columns, groups, groupColumns;
  explicit Rectangle(tm::FragmentsType type)
      : rows(type.getRows() / type.getSimdgroupRows() / 8),
        columns(type.getColumns() / type.getSimdgroupColumns() / 8),
        groups(type.getSimdgroupRows() * type.getSimdgroupColumns()),
        groupColumns(type.getSimdgroupColumns()) {}
};
} // namespace

int64_t MslPrinter::fragmentCount(tm::FragmentsType type) {
  Rectangle own(type);
  return own.rows * own.columns;
}

/// Emits the position of the SIMD group's rectangle, minus `firstRow` rows.
void MslPrinter::rectangle(tm::FragmentsType type, int64_t firstRow) {
  Rectangle own(type);
  std::string columns = number(own.groupColumns);
  std::string row = own.groupColumns == 1 ? "int(tm_sg)" : "int(tm_sg) / " + columns;
  row = own.groups == own.groupColumns ? "0" : row + " * " + number(own.rows * 8);
  if (firstRow)
    row += " - " + number(firstRow);
  std::string column =
      own.groupColumns == 1 ? "0" : "int(tm_sg) % " + columns + " * " + number(own.columns * 8);
  line("const int row = " + row + ", column = " + column + ";");
}

/// One lane reports for the whole fragment that its SIMD group moves.
void MslPrinter::trackFragment(Operation *op, const std::string &address, int64_t stride, Type element,
                               const char *track) {
  if (!options.checkRaces)
    return;
  line("for (int part = int(tm_lane); part < 8; part += 32)");
  line("  " + std::string(track) + "(" + address + " + part * " + number(stride) + ", " +
       number(8 * storedBytes(element)) + ", " + number(site("race", "threadgroup memory", op)) + ");");
}

void MslPrinter::fragmentsStore(tm::FragmentsStoreOp op) {
  int64_t first = op.getFirstRow(), count = op.getNumRows(), stride = op.getStride();
  tm::FragmentsType type = op.getMatrix().getType();
  Rectangle own(type);
  bool fewer = own.groups < result.simdgroups, all = first == 0 && count == type.getRows();
  open(fewer ? "TM_SG_REGION if (tm_sg < " + number(own.groups) + ") {" : "TM_SG_REGION {", op);
  rectangle(type, first);
  line("TM_UNROLL_GPU for (int i = 0; i < " + number(own.rows) + "; ++i)");
  std::string each = "TM_UNROLL_GPU for (int j = 0; j < " + number(own.columns) + "; ++j)";
  if (!all)
    each += " if (row + i * 8 >= 0 && row + i * 8 < " + number(count) + ")";
  ++indent;
  open(each + " {");
  std::string address = name(op.getArray()) + " + (row + i * 8) * " + number(stride) + " + column + j * 8";
  trackFragment(op, address, stride, type.getElementType(), "TM_TRACK_WRITE");
  line("simdgroup_store(TM_FRAGMENT(" + name(op.getMatrix()) + ", i * " + number(own.columns) + " + j), " +
       address + ", " + number(stride) + ");");
  close();
  --indent;
  close();
}

void MslPrinter::multiplyAccumulate(tm::MultiplyAccumulateOp op) {
  auto type = op.getMatrix().getType();
  Rectangle own(type);
  Type element = op.getA().getType().getElementType();
  std::string matrix = name(op.getMatrix());
  // Of a batch, a rectangle holds a part of a matrix or several whole ones, with `rows` fragments below each
  // other.
  int64_t height = type.getRows() / op.getBatches(), rows = std::min(own.rows, height / 8);
  bool inBatches = op.getBatches() > 1, several = rows < own.rows;
  bool fewer = own.groups < result.simdgroups;
  open(fewer ? "TM_SG_REGION if (tm_sg < " + number(own.groups) + ") {" : "TM_SG_REGION {", op);
  rectangle(type, 0);
  if (several)
    open("TM_UNROLL_GPU for (int part = 0; part < " + number(own.rows / rows) + "; ++part) {");
  std::string first = several ? "(row + part * " + number(height) + ")" : "row";
  if (inBatches)
    line("const int batch = " + first + " / " + number(height) + ";");
  open("for (int k = 0; k < " + number(op.getDepth()) + "; k += 8) {");
  line("simdgroup_matrix<" + typeName(element, op.getLoc()) + ", 8, 8> a[" + number(rows) + "];");
  line("simdgroup_matrix<" + typeName(op.getB().getType().getElementType(), op.getLoc()) + ", 8, 8> b[" +
       number(own.columns) + "];");
  // Loads each fragment of an operand once for all products that use it.
  auto operand = [&](const std::string &fragment, int64_t count, Value array, const std::string &outer,
                     int64_t stride, int64_t rowsOfBatch, bool transposed, bool outerIsRow) {
    Type held = cast<tm::SharedType>(array.getType()).getElementType();
    std::string step = number(stride), base = name(array);
    if (inBatches)
      base += " + batch * " + number(rowsOfBatch * stride);
    std::string address =
        outerIsRow ? base + " + (" + outer + ") * " + step + " + k" : base + " + k * " + step + " + " + outer;
    open("TM_UNROLL for (int i = 0; i < " + number(count) + "; ++i) {");
    trackFragment(op, address, stride, held, "TM_TRACK_READ");
    line("simdgroup_load(" + fragment + "[i], " + address + ", " + step +
         (transposed ? ", ulong2(0), true);" : ");"));
    close();
  };
  bool transposeA = op.getTransposeA(), transposeB = op.getTransposeB();
  operand("a", rows, op.getA(), inBatches ? "row % " + number(height) + " + i * 8" : "row + i * 8",
          op.getStrideA(), transposeA ? op.getDepth() : height, transposeA, !transposeA);
  operand("b", own.columns, op.getB(), "column + i * 8", op.getStrideB(),
          transposeB ? type.getColumns() : op.getDepth(), transposeB, transposeB);
  line("TM_UNROLL for (int i = 0; i < " + number(rows) + "; ++i)");
  line("  TM_UNROLL for (int j = 0; j < " + number(own.columns) + "; ++j)");
  std::string row = several ? "(part * " + number(rows) + " + i)" : "i";
  std::string fragment = "TM_FRAGMENT(" + matrix + ", " + row + " * " + number(own.columns) + " + j)";
  line("    simdgroup_multiply_accumulate(" + fragment + ", a[i], b[j], " + fragment + ");");
  close();
  if (several)
    close();
  close();
}

// ---- messages ----

/// The number of the message for a fault that a check finds in an access or operation.
int MslPrinter::site(const char *kind, const std::string &what, Operation *op) {
  SourceLocation place = sourceLocationOf(op->getLoc());
  for (auto [index, known] : llvm::enumerate(result.messages))
    if (known.kind == kind && known.text == what && known.line == place.line && known.file == place.file)
      return index;
  MslKernel::Message message;
  message.kind = kind;
  message.text = what;
  message.file = place.file;
  message.line = place.line;
  result.messages.push_back(message);
  return result.messages.size() - 1;
}

void MslPrinter::message(Operation *op) {
  MslKernel::Message message;
  SourceLocation place = sourceLocationOf(op->getLoc());
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
      std::string type = spelled(value.getType());
      if (!isSigned && value.getType().isInteger())
        type[0] = 'u';
      message.types.push_back(type);
      size += storedBytes(value.getType()) == 8 ? 2 : 1;
      words.push_back(value);
    }
    if (size > 12)
      refuse(op, "A print has room for 12 words; this one needs " + number(size) +
                     ": print fewer operands at once.");
  } else {
    auto assertion = cast<tm::AssertOp>(op);
    message.kind = "assert";
    message.text = assertion.getMessage().str();
    demand({assertion.getCondition()}, "", op);
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

} // namespace tmetal

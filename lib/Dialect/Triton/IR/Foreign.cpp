// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Foreign.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tmetal {

// All operations of these dialects may be inlined.
struct AlwaysInline : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};

} // namespace tmetal

namespace tmetal::llvmir {
namespace {

// Triton prints loop annotations as aliases in front of the module.
struct AliasInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attr, raw_ostream &os) const final {
    if (isa<LoopAnnotationAttr>(attr))
      os << "loop_annotation";
    else if (isa<LoopLICMAttr>(attr))
      os << "loop_licm";
    else
      return AliasResult::NoAlias;
    return AliasResult::OverridableAlias;
  }
};

} // namespace

void LLVMDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/Triton/IR/Foreign_llvmOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "triton-metal/Dialect/Triton/IR/ForeignAttrs.cpp.inc"
      >();
  addInterfaces<AliasInterface, AlwaysInline>();
}

} // namespace tmetal::llvmir

namespace tmetal::ttg {

void TTGDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/Triton/IR/Foreign_ttgOps.cpp.inc"
      >();
  addInterfaces<AlwaysInline>();
}

static constexpr std::pair<StringLiteral, int32_t> kSpaces[] = {
    {"local", 1}, {"global_read", 2}, {"global_write", 4}, {"tensor_read", 8}, {"tensor_write", 16}};
static constexpr int32_t kAllSpaces = 31;

ParseResult BarrierOp::parse(OpAsmParser &parser, OperationState &result) {
  int32_t mask = 0;
  do {
    StringRef name;
    SMLoc where = parser.getCurrentLocation();
    if (parser.parseKeyword(&name))
      return failure();
    const auto *known = llvm::find_if(kSpaces, [&](const auto &space) { return space.first == name; });
    if (known != std::end(kSpaces))
      mask |= known->second;
    else if (name == "all")
      mask |= kAllSpaces;
    else if (name != "none")
      return parser.emitError(where) << "unknown memory '" << name << "'";
  } while (succeeded(parser.parseOptionalVerticalBar()));
  result.addAttribute(getAddrSpaceAttrName(result.name), parser.getBuilder().getI32IntegerAttr(mask));
  return parser.parseOptionalAttrDict(result.attributes);
}

void BarrierOp::print(OpAsmPrinter &printer) {
  auto mask = static_cast<int32_t>(getAddrSpace());
  printer << " ";
  if (mask == 0) {
    printer << "none";
  } else if (mask == kAllSpaces) {
    printer << "all";
  } else {
    SmallVector<StringRef> names;
    for (const auto &[name, bit] : kSpaces)
      if (mask & bit)
        names.push_back(name);
    llvm::interleave(names, printer.getStream(), "|");
  }
  printer.printOptionalAttrDict((*this)->getAttrs(), {getAddrSpaceAttrName()});
}

} // namespace tmetal::ttg

#include "triton-metal/Dialect/Triton/IR/Foreign_llvmDialect.cpp.inc"
#include "triton-metal/Dialect/Triton/IR/Foreign_ttgDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/ForeignAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/Foreign_llvmOps.cpp.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/Triton/IR/Foreign_ttgOps.cpp.inc"

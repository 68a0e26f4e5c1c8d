// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace tmetal::tt {

Type withElementType(Type type, Type element) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return RankedTensorType::get(tensor.getShape(), element, tensor.getEncoding());
  return element;
}

Type pointeeTypeFor(Type pointers) {
  auto pointer = dyn_cast<PointerType>(getElementTypeOrSelf(pointers));
  return pointer ? withElementType(pointers, pointer.getPointeeType()) : Type();
}

Type maskTypeFor(Type values) { return withElementType(values, IntegerType::get(values.getContext(), 1)); }

LogicalResult verifyBlockShapes(Operation *op) {
  auto check = [&](Type type) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return success();
    if (!tensor.hasStaticShape())
      return op->emitOpError() << "needs static shapes, but has " << tensor;
    int64_t elements = tensor.getNumElements();
    if (elements <= 0 || (elements & (elements - 1)) != 0)
      return op->emitOpError() << "needs a power of two of elements, but " << tensor << " has " << elements;
    if (elements > kMaxTensorElements)
      return op->emitOpError() << "has a tensor of " << elements << " elements; the limit is "
                               << kMaxTensorElements;
    return success();
  };
  for (Type type : op->getOperandTypes())
    if (failed(check(type)))
      return failure();
  for (Type type : op->getResultTypes())
    if (failed(check(type)))
      return failure();
  return success();
}

// ---- !tt.ptr<pointee [, "space"]> ----

Type PointerType::parse(AsmParser &parser) {
  Type pointee;
  AddressSpace space = AddressSpace::Global;
  if (parser.parseLess() || parser.parseType(pointee))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    std::string name;
    SMLoc where = parser.getCurrentLocation();
    if (parser.parseString(&name))
      return {};
    std::optional<AddressSpace> parsed = symbolizeAddressSpace(name);
    if (!parsed) {
      parser.emitError(where) << "unknown address space '" << name << "'";
      return {};
    }
    space = *parsed;
  }
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseGreater())
    return {};
  return PointerType::getChecked([&] { return parser.emitError(where); }, pointee, space);
}

void PointerType::print(AsmPrinter &printer) const {
  printer << "<" << getPointeeType();
  if (getAddressSpace() != AddressSpace::Global)
    printer << ", \"" << stringifyAddressSpace(getAddressSpace()) << "\"";
  printer << ">";
}

LogicalResult PointerType::verify(function_ref<InFlightDiagnostic()> emitError, Type pointee, AddressSpace) {
  if (!pointee.isIntOrFloat())
    return emitError() << "a pointer points to an integer or a float, not to " << pointee;
  return success();
}

// ---- !tt.tensordesc<4x8xf32> ----

Type TensorDescType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  if (parser.parseLess())
    return {};
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false) || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  return TensorDescType::getChecked([&] { return parser.emitError(where); }, shape, element);
}

void TensorDescType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printDimensionList(getShape());
  if (!getShape().empty())
    printer << "x";
  printer << getElementType() << ">";
}

LogicalResult TensorDescType::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> shape,
                                     Type element) {
  if (!element.isIntOrFloat())
    return emitError() << "a descriptor has elements of an integer or float type, not of " << element;
  if (llvm::any_of(shape, [](int64_t size) { return size <= 0; }))
    return emitError() << "a descriptor has blocks of positive sizes";
  return success();
}

Type TensorDescType::getSignlessElementType() const {
  if (auto integer = dyn_cast<IntegerType>(getElementType()))
    return IntegerType::get(getContext(), integer.getWidth());
  return getElementType();
}

RankedTensorType TensorDescType::getBlockType() const {
  return RankedTensorType::get(getShape(), getSignlessElementType());
}

} // namespace tmetal::tt

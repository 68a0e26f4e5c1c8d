// SPDX-License-Identifier: MIT
#include "triton-metal/Operations/CheckTypes.h"
#include "Rows.h"

#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace tmetal {

bool isStorageType(Type type) {
#define TM_ELEMENT_TYPE(NAME, TEST, IS_STORAGE)                                                              \
  if (IS_STORAGE && (TEST))                                                                                  \
    return true;
#include "triton-metal/Operations/Registry.inc"
  return false;
}

/// The column of an element type, or -1 for a type that is not in the registry.
static int columnOf(Type type) {
  int column = 0;
#define TM_ELEMENT_TYPE(NAME, TEST, IS_STORAGE)                                                              \
  if (TEST)                                                                                                  \
    return column;                                                                                           \
  ++column;
#include "triton-metal/Operations/Registry.inc"
  return -1;
}

/// Whether the operation is an exception to the reason in a cell.
static bool isException(Operation *op, uint8_t cell) {
  switch (cell) {
#define TM_REASON(NUMBER, SUPPORT, TEXT, UNLESS)                                                             \
  case NUMBER:                                                                                               \
    return UNLESS;
#include "triton-metal/Operations/Registry.inc"
  default:
    return false;
  }
}

static const OperationRow *rowOf(StringRef name) {
  static const llvm::StringMap<const OperationRow *> index = [] {
    llvm::StringMap<const OperationRow *> map;
    for (const OperationRow &row : operationRows())
      map[row.name] = &row;
    return map;
  }();
  return index.lookup(name);
}

static SmallVector<Value> valuesOf(Operation *op, SpokenOf which) {
  SmallVector<Value> values;
  if (which == SpokenOf::firstOperand && op->getNumOperands() > 0)
    values.push_back(op->getOperand(0));
  if (which == SpokenOf::secondOperand && op->getNumOperands() > 1)
    values.push_back(op->getOperand(1));
  if (which == SpokenOf::all)
    values.append(op->operand_begin(), op->operand_end());
  if (which == SpokenOf::all || which == SpokenOf::results)
    values.append(op->result_begin(), op->result_end());
  return values;
}

std::optional<std::string> refusedType(Operation *op, EngineKind engine) {
  const OperationRow *row = rowOf(op->getName().getStringRef());
  if (!row)
    return std::nullopt;
  const EngineRow &form = engine == EngineKind::Metal ? row->msl : row->mlx;
  if (*form.form == 0)
    return std::nullopt; // refused for all types, which the engine reports
  for (Value value : valuesOf(op, row->values)) {
    Type element = getElementTypeOrSelf(value.getType());
    int column = columnOf(element);
    if (column < 0)
      continue;
    const TypeSupport &support = supportOf(form.cells[column]);
    bool refuses = support.support == Support::Refused || support.support == Support::InFloat32;
    if (!refuses || isException(op, form.cells[column]))
      continue;
    std::string sentence;
    llvm::raw_string_ostream(sentence) << element << " " << support.reason;
    return sentence;
  }
  return std::nullopt;
}

/// How the engine for Metal, or the passes before it, treat a storage type in this operation.
static Support supportOfStorage(Operation *op, const OperationRow &row, Type element) {
  uint8_t cell = row.msl.cells[columnOf(element)];
  return isException(op, cell) ? Support::Right : supportOf(cell).support;
}

static SmallVector<Type> storageTypesIn(Operation *op) {
  SmallVector<Type> types;
  for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Type type : values.getTypes())
      if (Type element = getElementTypeOrSelf(type); isStorageType(element))
        types.push_back(element);
  return types;
}

bool isComputedInFloat32(Operation *op) {
  const OperationRow *row = rowOf(op->getName().getStringRef());
  return row && llvm::any_of(storageTypesIn(op), [&](Type element) {
           return supportOfStorage(op, *row, element) == Support::InFloat32;
         });
}

Type storageTypeInArithmetic(Operation *op) {
  const OperationRow *row = rowOf(op->getName().getStringRef());
  for (Type element : storageTypesIn(op))
    if (!row || supportOfStorage(op, *row, element) != Support::Right)
      return element;
  return Type();
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// The rows of the registry, as written by triton-metal-tblgen.
#pragma once

#include "triton-metal/Operations/Registry.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace tmetal {

/// The values of an operation whose types its row describes.
enum class SpokenOf { all, results, firstOperand, secondOperand };

constexpr int kElementTypes = 0
#define TM_ELEMENT_TYPE(NAME, TEST, IS_STORAGE) +1
#include "triton-metal/Operations/Registry.inc"
    ;

struct EngineRow {
  const char *form, *note;
  uint8_t cells[kElementTypes]; // for supportOf()
};

struct OperationRow {
  const char *name, *kind;
  SpokenOf values;
  EngineRow msl, mlx;
};

llvm::ArrayRef<OperationRow> operationRows();
const TypeSupport &supportOf(uint8_t cell);

} // namespace tmetal

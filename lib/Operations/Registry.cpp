// SPDX-License-Identifier: MIT
#include "triton-metal/Operations/Registry.h"
#include "Rows.h"

namespace tmetal {

static const TypeSupport kSupports[] = {
    {Support::Right, ""},
    {Support::NotAdmitted, ""},
#define TM_REASON(NUMBER, SUPPORT, TEXT, UNLESS) {Support::SUPPORT, TEXT},
#include "triton-metal/Operations/Registry.inc"
};

const TypeSupport &supportOf(uint8_t cell) { return kSupports[cell]; }

llvm::ArrayRef<OperationRow> operationRows() {
  static const OperationRow rows[] = {
#define TM_CELLS(...) {__VA_ARGS__}
#define TM_OPERATION(NAME, KIND, VALUES, MSL_FORM, MSL_NOTE, MSL_CELLS, MLX_FORM, MLX_NOTE, MLX_CELLS)       \
  {NAME, KIND, SpokenOf::VALUES, {MSL_FORM, MSL_NOTE, MSL_CELLS}, {MLX_FORM, MLX_NOTE, MLX_CELLS}},
#include "triton-metal/Operations/Registry.inc"
#undef TM_CELLS
  };
  return rows;
}

const std::vector<std::string> &elementTypes() {
  static const std::vector<std::string> names = {
#define TM_ELEMENT_TYPE(NAME, TEST, IS_STORAGE) NAME,
#include "triton-metal/Operations/Registry.inc"
  };
  return names;
}

const std::vector<OperationEntry> &operationEntries() {
  static const std::vector<OperationEntry> entries = [] {
    auto form = [](const EngineRow &row) {
      EngineForm form = {row.form, row.note, {}};
      for (uint8_t cell : row.cells)
        form.types.push_back(supportOf(cell));
      return form;
    };
    std::vector<OperationEntry> all;
    for (const OperationRow &row : operationRows())
      all.push_back({row.name, row.kind, form(row.msl), form(row.mlx)});
    return all;
  }();
  return entries;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// The registry of operations in plain types: what each engine makes of an operation, and on which element
// types.
#pragma once

#include <string>
#include <vector>

namespace tmetal {

/// What an engine does with an operation on an element type.
enum class Support {
  Right,
  NotAdmitted, // no such operation: its verifier says no
  CpuOnly,     // right on the CPU device, refused on the chips
  Refused,
};

struct TypeSupport {
  Support support;
  const char *reason; // of CpuOnly and Refused: a clause that follows the name of the type, or a sentence
};

struct EngineForm {
  std::string form;               // what the operation becomes; empty when it is refused
  std::string note;               // why refused, or what to know
  std::vector<TypeSupport> types; // for each of elementTypes()
};

struct OperationEntry {
  std::string name, kind;
  EngineForm msl, mlx;
};

/// The names of the element types, in the order of columns.
const std::vector<std::string> &elementTypes();
/// One entry for each operation, in the order of Operations.td.
const std::vector<OperationEntry> &operationEntries();

} // namespace tmetal

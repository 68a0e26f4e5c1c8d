// SPDX-License-Identifier: MIT
// The registry of operations in plain types: how each engine handles an operation,
// and for which element types.
#pragma once

#include <string>
#include <vector>

namespace tmetal {

/// How an engine handles an operation on an element type.
enum class Support {
  Right,
  NotAdmitted, // there is no such operation, by its verifier
  Software,    // right; the chips compute it in software
  CpuOnly,     // supported on the CPU device, refused on the chips
  InFloat32,   // right: a pass before the engines computes it in float32
  Refused,
};

struct TypeSupport {
  Support support;
  const char *reason; // unless right as it is: a clause that follows the name of the type, or a sentence
};

struct EngineForm {
  std::string form;               // what the operation becomes; empty if it is refused
  std::string note;               // why it is refused, or a remark
  std::vector<TypeSupport> types; // one for each of elementTypes()
};

struct OperationEntry {
  std::string name, kind;
  EngineForm msl, mlx;
};

/// The names of the element types, in column order.
const std::vector<std::string> &elementTypes();
/// One entry for each operation, in the order of Operations.td.
const std::vector<OperationEntry> &operationEntries();

} // namespace tmetal

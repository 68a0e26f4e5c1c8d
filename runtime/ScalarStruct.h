// SPDX-License-Identifier: MIT
// The struct through which a Metal kernel receives its scalar arguments.
#pragma once

#include "triton-metal/Target/MSL.h"

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace tmetal {

using Number = std::variant<int64_t, double>;

/// The type and position of a scalar argument in the struct.
struct ScalarField {
  enum class Kind { Integer, Bool, Half, BFloat, Float, Double } kind;
  size_t parameter, offset, size;
};

/// The scalars among the parameters.
std::vector<ScalarField> scalarFields(const MslKernel &kernel);
/// Writes a value into the struct at `target`, converted to the field's type.
void writeScalar(std::byte *target, const ScalarField &field, const Number &value);

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "ScalarStruct.h"

#include <cstring>
#include <map>

namespace tmetal {

namespace {

using Kind = ScalarField::Kind;

uint16_t bfloatBits(double value) {
  auto single = static_cast<float>(value);
  uint32_t word;
  std::memcpy(&word, &single, sizeof word);
  if ((word & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((word >> 16) | 0x40); // so that a NaN stays one
  return static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

template <typename T> void write(std::byte *target, T value) { std::memcpy(target, &value, sizeof value); }

} // namespace

std::vector<ScalarField> scalarFields(const MslKernel &kernel) {
  static const std::map<std::string, Kind> kinds = {{"i1", Kind::Bool},
                                                    {"f16", Kind::Half},
                                                    {"bf16", Kind::BFloat},
                                                    {"f32", Kind::Float},
                                                    {"f64", Kind::Double}};
  std::vector<ScalarField> fields;
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    const MslParameter &parameter = kernel.parameters[i];
    if (parameter.isPointer)
      continue;
    auto kind = kinds.find(parameter.type);
    fields.push_back({kind == kinds.end() ? Kind::Integer : kind->second, i,
                      static_cast<size_t>(parameter.structOffset), static_cast<size_t>(parameter.size)});
  }
  return fields;
}

void writeScalar(std::byte *target, const ScalarField &field, const Number &number) {
  target += field.offset;
  const auto *integer = std::get_if<int64_t>(&number);
  if (field.kind == Kind::Bool)
    return write<uint8_t>(target, *integer & 1);
  if (field.kind == Kind::Integer) {
    std::memcpy(target, integer, field.size); // all supported machines are little-endian
    return;
  }
  double value = integer ? static_cast<double>(*integer) : std::get<double>(number);
  switch (field.kind) {
  case Kind::Half:
    return write(target, static_cast<_Float16>(value));
  case Kind::BFloat:
    return write(target, bfloatBits(value));
  case Kind::Float:
    return write(target, static_cast<float>(value));
  default:
    return write(target, value);
  }
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "Arguments.h"
#include "TypeNames.h"

#include <cstdlib>

namespace tmetal {

namespace {

constexpr int64_t kMaxGrid = 2147483647; // a grid extent is an i32 in the kernel

[[noreturn]] void fail(const KernelFacts &facts, size_t i, const std::string &sentence) {
  throw Error(ErrorKind::Argument, "[argument '" + facts.parameterNames[i] + "'] " + sentence);
}

void checkArgument(const KernelFacts &facts, size_t i, const Argument &argument) {
  const std::string &type = facts.parameterTypes[i];
  bool isPointer = isPointerType(type);
  bool isNumber = std::holds_alternative<int64_t>(argument) || std::holds_alternative<double>(argument);
  if (isPointer == isNumber)
    fail(facts, i, (isPointer ? "An array is needed for " : "A number is needed for ") + type + ".");
  if (const auto *integer = std::get_if<int64_t>(&argument); integer && type[0] == 'i') {
    int width = bitWidthOf(type);
    // Accepts signed and unsigned values, because the type of the parameter does not tell.
    if (width < 64 && (*integer < -(int64_t(1) << (width - 1)) || *integer >= int64_t(1) << width))
      fail(facts, i, std::to_string(*integer) + " does not fit in " + type + ".");
  }
  if (std::holds_alternative<double>(argument) && type[0] == 'i')
    fail(facts, i, "An integer is needed for " + type + ".");
  if (const auto *buffer = std::get_if<HostBuffer>(&argument); buffer && buffer->readOnly && facts.stored[i])
    fail(facts, i, "The array is read-only and the kernel stores to it.");
}

} // namespace

void checkLaunch(const KernelFacts &facts, const std::array<int64_t, 3> &grid,
                 const std::vector<Argument> &arguments) {
  for (int d = 0; d < 3; ++d)
    if (grid[d] < 1 || grid[d] > kMaxGrid)
      throw Error(ErrorKind::Argument, "[grid] Extent " + std::to_string(d) + " is " +
                                           std::to_string(grid[d]) + "; it must be from 1 to " +
                                           std::to_string(kMaxGrid) + ".");
  if (arguments.size() != facts.parameterNames.size())
    throw Error(ErrorKind::Argument, "[" + facts.name + "] Takes " +
                                         std::to_string(facts.parameterNames.size()) + " arguments, " +
                                         std::to_string(arguments.size()) + " were given.");
  for (size_t i = 0; i < arguments.size(); ++i)
    checkArgument(facts, i, arguments[i]);
}

std::vector<int> pointerParameters(const KernelFacts &facts) {
  std::vector<int> result;
  for (size_t i = 0; i < facts.parameterTypes.size(); ++i)
    if (isPointerType(facts.parameterTypes[i]))
      result.push_back(static_cast<int>(i));
  return result;
}

Storages storagesOf(const KernelFacts &facts, const std::vector<Argument> &arguments) {
  std::vector<Reached> reached;
  for (int i : pointerParameters(facts))
    reached.push_back(reachedThrough(arguments[i], facts.stored[i]));
  return Storages(reached);
}

ArgumentSpec specOf(const Storages &storages, size_t pointer, const Argument &argument) {
  ArgumentSpec spec;
  spec.kind = ArgumentSpec::Kind::Pointer;
  spec.storage = storages.of(pointer);
  if (const auto *host = std::get_if<HostBuffer>(&argument))
    spec.byteOffset = static_cast<int64_t>(host->address - storages[spec.storage].begin);
  return spec;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Facts of a kernel that hold for every launch. Plain C++, because the runtime uses them too.
#pragma once

#include <string>
#include <vector>

namespace tmetal {

struct KernelFacts {
  std::vector<std::string> parameterNames;
  std::vector<std::string> parameterTypes;
  std::vector<bool> stored;      // pointers that the kernel may write through
  std::vector<bool> specialized; // integers that affect an address, a mask, a bound or a condition
  std::string name;
};

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Stacks for the fibers of threadgroups.
#pragma once

#include <cstddef>

namespace tmetal {

/// `count` stacks of at least `bytes` each, one after the other, for the calling thread. They stay
/// valid until it requests more.
struct FiberStacks {
  char *first;
  size_t bytes; // of each
};
FiberStacks fiberStacks(size_t count, size_t bytes);

} // namespace tmetal

// SPDX-License-Identifier: MIT
// What a device lends to the fibers of a threadgroup. Shared by the device and the compiled texts.
#pragma once

namespace tm_fibers {

enum Kind : unsigned { read, write, atomic };

/// A memory access as the race detector sees it. Two accesses are ordered when a barrier for their memory
/// lies between them: one of the threadgroup, or one of the SIMD group that both threads belong to.
struct Access {
  const void *address;
  unsigned bytes, site; // site: the place in the text, as the number of a message
  Kind kind;
  unsigned thread;
  unsigned epochs[2]; // barriers passed so far: of the threadgroup, of the SIMD group
};

struct Workspace {
  char *stacks; // contiguous, one for each thread
  unsigned long stackBytes;
  unsigned threads; // in the threadgroup
  char *memory;     // threadgroup memory
  unsigned long memoryBytes;
  void *tracker;
  /// Whether `now` is not ordered with an earlier access, in a pair that was not reported yet.
  bool (*conflict)(void *tracker, const Access *now, Access *before);
};

} // namespace tm_fibers

// SPDX-License-Identifier: MIT
// What a device lends to the fibers of a threadgroup; the same for the device and for compiled texts.
#pragma once

namespace tm_fibers {

enum Kind : unsigned { read, write, atomic };

/// An access to memory in the eyes of a search for races. Two accesses are in order when a barrier for their
/// memory lies between them: of the threadgroup, or of the SIMD group that both threads belong to.
struct Access {
  const void *address;
  unsigned bytes, site; // where in the text: the number of a message
  Kind kind;
  unsigned thread;
  unsigned epochs[2]; // barriers so far: of the threadgroup, of the SIMD group
};

struct Workspace {
  char *stacks; // one after the other
  unsigned long stackBytes;
  unsigned threads; // of a threadgroup
  char *memory;     // of the threadgroup
  unsigned long memoryBytes;
  void *tracker;
  bool (*conflict)(void *tracker, const Access *now,
                   Access *before); // new, and unordered with an earlier one
};

} // namespace tm_fibers

// SPDX-License-Identifier: MIT
// What the CPU device lends to programs that poll memory. Shared by the device and the compiled texts.
#pragma once

namespace tm_waiting {

/// An element that a program waits for.
struct Poll {
  const void *address;
  unsigned bytes;
  unsigned long expected; // zero-extended
  bool ends;              // by itself, at a deadline
  unsigned site;          // the place in the text, as the number of a message
  unsigned program[3];
};

struct Host {
  void (*begin)(const Poll *);
  /// Called again and again while the program waits. Does not return if all programs wait for one another:
  /// the program is abandoned.
  void (*pause)(const Poll *, unsigned round);
  void (*end)(const Poll *);
  unsigned long (*nanoseconds)();
};

} // namespace tm_waiting

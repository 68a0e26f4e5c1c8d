// SPDX-License-Identifier: MIT
// A kernel as Metal Shading Language text, in plain types: what the printer makes and the runtime launches.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace tmetal {

/// What the text of a kernel depends on besides the kernel.
struct MslOptions {
  int simdgroups = 4; // of a threadgroup, which is one program
  std::string arch = "host";
  bool fpFusion = true; // a * b + c is rounded once
  /// One for each pointer parameter; arguments with equal numbers may overlap. Empty: no two do.
  std::vector<int> aliasGroups;
  bool checkAddresses = false, checkRaces = false, checkUndefined = false;

  bool operator==(const MslOptions &other) const {
    auto all = [](const MslOptions &o) {
      return std::tie(o.simdgroups, o.arch, o.fpFusion, o.aliasGroups, o.checkAddresses, o.checkRaces,
                      o.checkUndefined);
    };
    return all(*this) == all(other);
  }
};

/// A parameter of the kernel: a pointer is a buffer, a scalar some bytes of the arguments' struct.
struct MslParameter {
  std::string name;
  std::string type; // as in Triton IR: "!tt.ptr<f32>", "i32", ...
  bool isPointer = false;
  int bufferIndex = -1;
  int64_t structOffset = 0, size = 0;
  bool stored = false; // the kernel may write through this pointer
};

struct MslKernel {
  std::string text;
  std::string name;
  std::string function; // of the kernel in the text: its name, made safe
  int simdgroups = 4;
  int64_t threadgroupBytes = 0;
  int64_t stackBytes = 0; // of all tiles of a threadgroup
  std::vector<MslParameter> parameters;
  int argumentsBuffer = -1; // index of the struct of scalars
  int64_t argumentsSize = 0;
  int reportBuffer = -1; // index of the buffer of messages to the host
  /// Checking addresses: index of a buffer of two 64-bit integers for each pointer parameter, in their order:
  /// how many bytes in front of the address that is passed, and how many from there on, belong to the
  /// argument.
  int boundsBuffer = -1;

  /// What the host makes of a record that the kernel reports.
  struct Message {
    /// "print", "assert", or the finding of a check mode: "address" (payload: the index, 64 bits, in elements
    /// from the argument `text`), "undefined" (`text` says what), "race" (the site of an access to `text`).
    std::string kind;
    std::string text;
    std::string file;
    int line = 0;
    std::vector<std::string> types; // of the operands, as in Triton IR
    bool hex = false;
    int coordinates = 0; // words in front of the operands that say which element it is
  };
  std::vector<Message> messages;

  /// How often the kernel has what costs time.
  struct Counts {
    int64_t barriers = 0, shuffles = 0, products = 0, loops = 0, atomics = 0;
  };
  Counts counts;
};

} // namespace tmetal

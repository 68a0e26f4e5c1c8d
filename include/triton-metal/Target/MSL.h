// SPDX-License-Identifier: MIT
// A kernel as Metal Shading Language text, from the printer to the runtime. Plain C++.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace tmetal {

/// What the text of a kernel depends on, besides the kernel.
struct MslOptions {
  int simdgroups = 4; // in a threadgroup, which runs one program
  std::string arch = "host";
  bool fpFusion = true; // a * b + c is rounded only once
  /// A number for each pointer parameter; arguments with equal numbers may overlap. Empty: none do.
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

/// A parameter of the kernel. A pointer is a buffer; scalars are fields of the arguments struct.
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
  std::string function; // name of the kernel in the text, made safe
  int simdgroups = 4;
  int64_t threadgroupBytes = 0;
  int64_t stackBytes = 0; // for all tiles of a threadgroup
  std::vector<MslParameter> parameters;
  int argumentsBuffer = -1; // index of the struct of scalars
  int64_t argumentsSize = 0;
  int reportBuffer = -1; // index of the buffer for messages to the host
  /// With address checks: index of a buffer with two 64-bit integers for each pointer parameter,
  /// in order. They say how many bytes of the argument are in front of the address that is
  /// passed, and how many from there on.
  int boundsBuffer = -1;

  /// How the host interprets a record that the kernel reports.
  struct Message {
    /// "print", "assert", or the finding of a check mode: "address" (the payload is the 64-bit
    /// index, in elements from the argument `text`), "undefined" (`text` says what), "race" (the
    /// site of an access to `text`).
    std::string kind;
    std::string text;
    std::string file;
    int line = 0;
    std::vector<std::string> types; // those of the operands, as in Triton IR
    bool hex = false;
    int coordinates = 0; // words in front of the operands that give the coordinates of the element
  };
  std::vector<Message> messages;

  /// "file:line" of the first operation that computes with f64 in software; empty if there is none.
  std::string softwareFloat64;

  /// How many costly operations the kernel has.
  struct Counts {
    int64_t barriers = 0, shuffles = 0, products = 0, loops = 0, atomics = 0;
  };
  Counts counts;
};

} // namespace tmetal

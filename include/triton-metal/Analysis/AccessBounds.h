// SPDX-License-Identifier: MIT
// Decides from a kernel's integers alone whether a launch can reach memory outside of its arguments. The
// compiler describes the accesses of a kernel once, and the runtime evaluates them for each launch, so the
// types are plain C++.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tmetal {

/// The accesses of a kernel as a graph of integers. The operands of a node come before it.
struct AccessProgram {
  enum class Op : uint8_t {
    Constant,    // value
    Argument,    // parameter number `value` of the kernel
    ProgramId,   // along axis `value`
    NumPrograms, // along axis `value`
    Lane,        // a coordinate in a block: any of 0 .. value - 1
    Trip,        // any trip, counted from 0, of a loop from a to b with step c
    TripCount,   // the number of trips of such a loop
    Data,        // unknown: depends on the contents of memory
    Any,         // unknown: beyond this analysis
    Add,
    Sub,
    Mul,
    Div, // signed, towards zero
    Rem, // signed, with the sign of a
    DivU,
    RemU,
    Min,
    Max,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,  // signed
    ShiftRightU, // unsigned
    SignExtend,
    ZeroExtend,
    Truncate,
    Compare, // value: a Predicate
    Select,  // a ? b : c
  };
  enum Predicate : uint8_t { EQ, NE, LT, LE, GT, GE, ULT, ULE, UGT, UGE };
  struct Node {
    Op op = Op::Any;
    int width = 32; // bits of the result
    int a = -1, b = -1, c = -1;
    int64_t value = 0;
  };
  struct Access {
    int parameter = -1;          // the argument that the address belongs to; -1 if it may be one of several
    int offset = -1;             // node: the offset from the address of the argument, in bytes
    int bytes = 1;               // the size of the access
    std::vector<int> conditions; // nodes of one bit; the access happens only where all of them hold
    bool dataDependent = false;  // the offset depends on the contents of memory
    std::string file;
    int line = 0;
  };
  std::vector<Node> nodes;
  std::vector<Access> accesses;
};

/// The memory of an argument, in bytes before its address and from there on.
struct Reach {
  int64_t before = 0, after = 0;
  bool operator==(const Reach &other) const { return before == other.before && after == other.after; }
};

/// The accesses that cannot be shown to stay inside of their arguments in this launch. Accesses that depend
/// on data are left out; every other access that is not listed is inside. `integers` and `reaches` have an
/// element for each parameter, of which only the one that fits its type is read.
std::vector<int> unprovenAccesses(const AccessProgram &program, const std::array<int64_t, 3> &grid,
                                  const std::vector<int64_t> &integers, const std::vector<Reach> &reaches);

} // namespace tmetal

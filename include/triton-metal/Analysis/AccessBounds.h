// SPDX-License-Identifier: MIT
// Whether a launch can reach memory outside of its arguments, decided from the kernel's integers alone. Plain
// types: the compiler describes a kernel's accesses once, the runtime evaluates them for each launch.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tmetal {

/// The accesses of a kernel as a graph of integers. Operands of a node come before it.
struct AccessProgram {
  enum class Op : uint8_t {
    Constant,    // value
    Argument,    // of the kernel: parameter number `value`
    ProgramId,   // along axis `value`
    NumPrograms, // along axis `value`
    Lane,        // any of 0 .. value - 1: a coordinate of a block
    Trip,        // a: lower bound, b: upper bound, c: step of a loop; any of its trips, counted from 0
    TripCount,   // the same operands: how many trips the loop makes
    Data,        // anything: it depends on what is in memory
    Any,         // anything: beyond this analysis
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
    int parameter = -1;          // the argument that the address belongs to, -1 when there may be several
    int offset = -1;             // node: from the argument's address, in bytes
    int bytes = 1;               // touched from there on
    std::vector<int> conditions; // nodes of one bit; the access happens only where all of them hold
    bool dataDependent = false;  // the offset depends on what is in memory
    std::string file;
    int line = 0;
  };
  std::vector<Node> nodes;
  std::vector<Access> accesses;
};

/// What an argument may reach, in bytes before its address and from there on.
struct Reach {
  int64_t before = 0, after = 0;
  bool operator==(const Reach &other) const { return before == other.before && after == other.after; }
};

/// The accesses that cannot be shown to stay inside of their arguments in this launch; those that depend on
/// data are never among them. `integers` and `reaches` have an element for each parameter; what does not
/// apply to its type is ignored. An access that is not listed and does not depend on data is inside.
std::vector<int> unprovenAccesses(const AccessProgram &program, const std::array<int64_t, 3> &grid,
                                  const std::vector<int64_t> &integers, const std::vector<Reach> &reaches);

} // namespace tmetal

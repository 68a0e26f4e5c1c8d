// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/AccessBounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <random>

namespace tmetal {
namespace {

using Op = AccessProgram::Op;
using Grid = std::array<int64_t, 3>;

/// Builds programs with one array, which is parameter 0, followed by integers.
struct Builder {
  AccessProgram program;

  int node(Op op, int width, int a = -1, int b = -1, int c = -1, int64_t value = 0) {
    program.nodes.push_back({op, width, a, b, c, value});
    return static_cast<int>(program.nodes.size()) - 1;
  }
  int constant(int64_t value, int width = 32) { return node(Op::Constant, width, -1, -1, -1, value); }
  int argument(int parameter) { return node(Op::Argument, 32, -1, -1, -1, parameter); }
  int program_id(int axis = 0) { return node(Op::ProgramId, 32, -1, -1, -1, axis); }
  int lane(int64_t extent) { return node(Op::Lane, 32, -1, -1, -1, extent); }
  int add(int a, int b) { return node(Op::Add, 32, a, b); }
  int sub(int a, int b) { return node(Op::Sub, 32, a, b); }
  int mul(int a, int b) { return node(Op::Mul, 32, a, b); }
  int times(int a, int64_t factor) { return mul(a, constant(factor)); }
  int less(int a, int b) { return node(Op::Compare, 1, a, b, -1, AccessProgram::LT); }
  int both(int a, int b) { return node(Op::And, 1, a, b); }
  int wide(int a) { return node(Op::SignExtend, 64, a); }
  int trip(int lower, int upper, int step) {
    return node(Op::Truncate, 32, node(Op::Trip, 64, wide(lower), wide(upper), wide(step)));
  }
  void access(int index, std::vector<int> conditions = {}, int bytes = 4) {
    AccessProgram::Access access;
    access.parameter = 0;
    access.offset = node(Op::Mul, 64, wide(index), constant(bytes, 64));
    access.bytes = bytes;
    access.conditions = std::move(conditions);
    program.accesses.push_back(access);
  }
};

bool inside(const Builder &built, const Grid &grid, std::vector<int64_t> integers, Reach reach) {
  integers.insert(integers.begin(), 0); // the array
  std::vector<Reach> reaches(integers.size());
  reaches[0] = reach;
  return unprovenAccesses(built.program, grid, integers, reaches).empty();
}

/// Expects the launch to be shown inside of `elements`, and not inside of one byte less.
void expectExtent(const Builder &built, const Grid &grid, const std::vector<int64_t> &integers,
                  int64_t elements, int64_t before = 0) {
  EXPECT_TRUE(inside(built, grid, integers, {before, elements * 4}));
  EXPECT_FALSE(inside(built, grid, integers, {before, elements * 4 - 1}));
  if (before)
    EXPECT_FALSE(inside(built, grid, integers, {before - 1, elements * 4}));
}

TEST(AccessBounds, BlocksUnderAMask) {
  Builder b;
  int index = b.add(b.times(b.program_id(), 128), b.lane(128));
  b.access(index, {b.less(index, b.argument(1))});
  for (int64_t n : {1, 100, 127, 128, 129, 1000})
    expectExtent(b, {(n + 127) / 128, 1, 1}, {n}, n);
  EXPECT_TRUE(inside(b, {4, 1, 1}, {0}, {0, 0})) << "nothing happens";
  EXPECT_TRUE(inside(b, {4, 1, 1}, {-5}, {0, 0}));
}

TEST(AccessBounds, BlocksWithoutAMask) {
  Builder b;
  b.access(b.add(b.times(b.program_id(), 64), b.lane(64)));
  expectExtent(b, {5, 1, 1}, {}, 320);
}

TEST(AccessBounds, InFrontOfTheArray) {
  Builder b;
  b.access(b.sub(b.lane(16), b.argument(1)));
  expectExtent(b, {1, 1, 1}, {3}, 13, 12);
}

TEST(AccessBounds, TilesOfAMatrixInALoop) {
  // a[i * stride + k + trip * BK], i < M, k < K - trip * BK
  Builder b;
  int M = b.argument(1), K = b.argument(2), stride = b.argument(3), step = b.constant(32);
  int i = b.add(b.times(b.program_id(), 16), b.lane(16)), k = b.lane(32);
  int trip = b.trip(b.constant(0), K, step);
  int index = b.add(b.add(b.mul(i, stride), k), b.mul(trip, step));
  b.access(index,
           {b.less(b.mul(trip, step), K), b.both(b.less(i, M), b.less(k, b.sub(K, b.mul(trip, step))))});
  expectExtent(b, {3, 1, 1}, {40, 77, 80}, 39 * 80 + 77);
}

TEST(AccessBounds, GroupedProgramsWithoutMasks) {
  // The program order of Triton's matmul tutorial: group = pid / (G * columns), ...
  Builder b;
  int rows = b.argument(1), columns = b.argument(2), pid = b.program_id();
  int inGroup = b.times(columns, 8);
  int first = b.times(b.node(Op::Div, 32, pid, inGroup), 8);
  int height = b.node(Op::Min, 32, b.sub(rows, first), b.constant(8));
  int local = b.node(Op::Rem, 32, pid, inGroup);
  int row = b.add(first, b.node(Op::Rem, 32, local, height));
  b.access(row);
  expectExtent(b, {13 * 5, 1, 1}, {13, 5}, 13);
}

TEST(AccessBounds, QuotientAndRemainderOfOneNumber) {
  // A row of stride 100 and a column, both computed from a flat index under a mask.
  Builder b;
  int flat = b.add(b.times(b.program_id(), 32), b.lane(32)), width = b.argument(2);
  int row = b.node(Op::Div, 32, flat, width), column = b.node(Op::Rem, 32, flat, width);
  b.access(b.add(b.times(row, 100), column), {b.less(flat, b.argument(1))});
  EXPECT_TRUE(inside(b, {10, 1, 1}, {300, 30}, {0, (9 * 100 + 30) * 4}));
  EXPECT_FALSE(inside(b, {10, 1, 1}, {300, 30}, {0, (9 * 100 + 30) * 4 - 1}));
}

TEST(AccessBounds, ALoopTellsNothingOfWhatIsOutsideOfIt) {
  // for (j = pid; j < 3; ++j) runs in the first three programs, but the access before the loop happens in all
  // of them.
  Builder b;
  int pid = b.program_id();
  b.trip(pid, b.constant(3), b.constant(1));
  b.access(pid);
  expectExtent(b, {10, 1, 1}, {}, 10);
}

TEST(AccessBounds, AChoiceIsFollowedBothWays) {
  Builder b;
  int i = b.add(b.times(b.program_id(), 64), b.lane(64));
  int held = b.less(i, b.argument(1));
  b.access(b.node(Op::Select, 32, held, i, b.constant(0)));
  expectExtent(b, {3, 1, 1}, {150}, 150);
}

TEST(AccessBounds, WrappingIsNotALinearForm) {
  Builder b;
  b.access(b.node(Op::And, 32, b.times(b.add(b.program_id(), b.constant(1)), 1640531527), b.constant(255)));
  expectExtent(b, {100, 1, 1}, {}, 256);
  Builder wrapped;
  wrapped.access(wrapped.times(wrapped.add(wrapped.program_id(), wrapped.constant(3)), 1 << 30));
  EXPECT_FALSE(inside(wrapped, {1, 1, 1}, {}, {0, int64_t(1) << 40})) << "3 << 30 is negative in 32 bits";
}

TEST(AccessBounds, TrueIsMinusOneAsASignedNumber) {
  for (Op op : {Op::Min, Op::Sub, Op::Max}) {
    Builder b;
    int yes = b.constant(1, 1), no = b.constant(0, 1);
    // min(true, false) and false - true are true. max(true, false) is false, but the analysis does not know.
    b.access(b.lane(8), {op == Op::Sub ? b.node(op, 1, no, yes) : b.node(op, 1, yes, no)});
    EXPECT_FALSE(inside(b, {1, 1, 1}, {}, {0, 0}));
  }
  Builder b;
  b.access(b.lane(8), {b.less(b.constant(1, 1), b.constant(0, 1))});
  EXPECT_FALSE(inside(b, {1, 1, 1}, {}, {0, 0}));
}

TEST(AccessBounds, WhatDependsOnDataIsNotJudged) {
  Builder b;
  b.access(b.node(Op::Data, 32));
  b.program.accesses[0].dataDependent = true;
  EXPECT_TRUE(inside(b, {1, 1, 1}, {}, {0, 0}));
  b.program.accesses[0].dataDependent = false;
  EXPECT_FALSE(inside(b, {1, 1, 1}, {}, {0, 1 << 20}));
}

TEST(AccessBounds, ExtremesOfIntegersDoNotOverflow) {
  for (int64_t value :
       {int64_t(std::numeric_limits<int32_t>::min()), int64_t(std::numeric_limits<int32_t>::max())}) {
    Builder b;
    int x = b.argument(1);
    b.access(b.mul(b.mul(x, x), b.add(x, b.lane(2))));
    EXPECT_FALSE(inside(b, {1, 1, 1}, {value}, {0, 1 << 20}));
  }
}

// ---- random programs against an enumeration ----

/// Enumerates all combinations of values that the nodes of a program can take.
class Enumeration {
public:
  Enumeration(const AccessProgram &program, const Grid &grid, const std::vector<int64_t> &integers)
      : program(program), grid(grid), integers(integers), values(program.nodes.size()) {}

  /// The bytes [least, most) that the access touches; nullopt when it never happens.
  std::optional<std::pair<int64_t, int64_t>> extent() {
    visit(0);
    return found;
  }

private:
  static int64_t wrapped(int64_t value, int width) {
    return width == 1 ? value & 1
                      : static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - width)) >> (64 - width);
  }
  void each(size_t i, int64_t count) {
    for (int64_t value = 0; value < count; ++value) {
      values[i] = value;
      visit(i + 1);
    }
  }
  void visit(size_t i) {
    if (i == program.nodes.size()) {
      const AccessProgram::Access &access = program.accesses[0];
      for (int condition : access.conditions)
        if (!values[condition])
          return;
      int64_t begin = values[access.offset], end = begin + access.bytes;
      found = found ? std::make_pair(std::min(found->first, begin), std::max(found->second, end))
                    : std::make_pair(begin, end);
      return;
    }
    const AccessProgram::Node &node = program.nodes[i];
    if (node.op == Op::Lane)
      return each(i, node.value);
    if (node.op == Op::ProgramId)
      return each(i, grid[node.value]);
    if (node.op == Op::Trip) {
      int64_t span = values[node.b] - values[node.a], step = values[node.c];
      return each(i, span <= 0 ? 0 : (span + step - 1) / step);
    }
    values[i] = wrapped(result(node), node.width);
    visit(i + 1);
  }
  int64_t result(const AccessProgram::Node &node) const {
    int64_t a = node.a < 0 ? 0 : values[node.a], b = node.b < 0 ? 0 : values[node.b];
    switch (node.op) {
    case Op::Constant:
      return node.value;
    case Op::Argument:
      return integers[node.value];
    case Op::Add:
      return a + b;
    case Op::Sub:
      return a - b;
    case Op::Mul:
      return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    case Op::Div:
      return b ? a / b : 0;
    case Op::Rem:
      return b ? a % b : 0;
    case Op::Min:
      return std::min(a, b);
    case Op::Max:
      return std::max(a, b);
    case Op::And:
      return a & b;
    case Op::Or:
      return a | b;
    case Op::Xor:
      return a ^ b;
    case Op::ShiftRight:
      return a >> b;
    case Op::Compare:
      switch (node.value) {
      case AccessProgram::EQ:
        return a == b;
      case AccessProgram::NE:
        return a != b;
      case AccessProgram::LT:
        return a < b;
      case AccessProgram::LE:
        return a <= b;
      case AccessProgram::GT:
        return a > b;
      default:
        return a >= b;
      }
    case Op::Select:
      return a ? b : values[node.c];
    default: // extensions and truncations
      return a;
    }
  }

  const AccessProgram &program;
  Grid grid;
  std::vector<int64_t> integers;
  std::vector<int64_t> values;
  std::optional<std::pair<int64_t, int64_t>> found;
};

TEST(AccessBounds, RandomProgramsAreNeverCalledInsideWrongly) {
  int programs = 0, exact = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    auto upTo = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
    Builder b;
    Grid grid = {1 + upTo(4), 1 + upTo(3), 1};
    std::vector<int64_t> integers = {0, upTo(20), upTo(9) - 2};
    std::vector<int> pool = {b.program_id(0),     b.program_id(1), b.lane(1 + upTo(6)),
                             b.lane(1 + upTo(4)), b.argument(1),   b.argument(2)};
    std::vector<int> conditions;
    if (upTo(2)) { // inside of a loop
      int lower = b.constant(upTo(3)), upper = pool[static_cast<size_t>(upTo(6))],
          step = b.constant(1 + upTo(3));
      pool.push_back(b.add(lower, b.mul(b.trip(lower, upper, step), step)));
      conditions.push_back(b.less(pool.back(), upper));
    }
    auto any = [&] { return pool[static_cast<size_t>(upTo(static_cast<int64_t>(pool.size())))]; };
    for (int64_t k = 2 + upTo(7); k > 0; --k) {
      int a = any(), c = any();
      int64_t d = 1 + upTo(7);
      switch (upTo(12)) {
      case 0:
      case 1:
        pool.push_back(b.add(a, c));
        break;
      case 2:
        pool.push_back(b.sub(a, c));
        break;
      case 3:
      case 4:
        pool.push_back(b.times(a, d - 2));
        break;
      case 5:
        pool.push_back(b.node(upTo(2) ? Op::Div : Op::Rem, 32, a, b.constant(d)));
        break;
      case 6:
        pool.push_back(b.node(upTo(2) ? Op::Div : Op::Rem, 32, a,
                              b.node(Op::Max, 32, c, b.constant(1)))); // the divisor is never zero
        break;
      case 7:
        pool.push_back(b.node(upTo(2) ? Op::Min : Op::Max, 32, a, c));
        break;
      case 8:
        pool.push_back(b.node(Op::And, 32, a, b.constant((int64_t(1) << upTo(4)) - 1)));
        break;
      case 9:
        pool.push_back(b.node(Op::Select, 32, b.less(a, c), any(), any()));
        break;
      case 10:
        pool.push_back(upTo(2) ? b.mul(a, c) : b.node(Op::ShiftRight, 32, a, b.constant(upTo(3))));
        break;
      default:
        conditions.push_back(b.node(Op::Compare, 1, a, c, -1, upTo(6)));
        if (upTo(3) == 0)
          conditions.back() = b.node(Op::Xor, 1, conditions.back(), b.constant(1, 1));
        else if (upTo(3) == 0 && conditions.size() > 1)
          conditions.back() = b.node(upTo(2) ? Op::And : Op::Or, 1, conditions[0], conditions.back());
      }
    }
    b.access(pool.back(), conditions);
    std::vector<Reach> reaches(3);
    auto isInside = [&](int64_t least, int64_t most) {
      reaches[0] = {-least, most};
      return unprovenAccesses(b.program, grid, integers, reaches).empty();
    };
    auto extent = Enumeration(b.program, grid, integers).extent();
    ++programs;
    if (!extent) {
      exact += isInside(0, 0);
      continue;
    }
    auto [least, most] = *extent;
    EXPECT_FALSE(isInside(least, most - 1)) << "seed " << seed;
    EXPECT_FALSE(isInside(least + 1, most)) << "seed " << seed;
    exact += isInside(least, most);
  }
  EXPECT_GT(exact, programs * 3 / 4) << "of " << programs << ": too much is left to checked launches";
  RecordProperty("exact", exact);
}

} // namespace
} // namespace tmetal

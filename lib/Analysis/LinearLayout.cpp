// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/LinearLayout.h"

#include <cassert>

namespace tmetal {

static int64_t apply(const std::vector<int64_t> &bases, int64_t index) {
  int64_t result = 0;
  for (size_t bit = 0; bit < bases.size(); ++bit)
    if (index >> bit & 1)
      result ^= bases[bit];
  return result;
}

static int log2(int64_t value) {
  int result = 0;
  while (value > 1) {
    value >>= 1;
    ++result;
  }
  return result;
}

int64_t LinearLayout::numElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t LinearLayout::element(int64_t reg, int64_t lane, int64_t simdgroup) const {
  return apply(registers, reg) ^ apply(lanes, lane) ^ apply(simdgroups, simdgroup);
}

/// Assigns the bits of the dimensions, in the given order, to lanes first, then SIMD groups, then registers.
static LinearLayout dealBits(const std::vector<int64_t> &shape, const std::vector<int64_t> &order,
                             int numSimdgroups) {
  LinearLayout layout;
  layout.shape = shape;
  size_t next = 0;
  auto deal = [&](std::vector<int64_t> &bases, int count) {
    for (int i = 0; i < count; ++i)
      bases.push_back(next < order.size() ? order[next++] : 0);
  };
  deal(layout.lanes, 5);
  deal(layout.simdgroups, log2(numSimdgroups));
  deal(layout.registers, int(order.size() - next));
  return layout;
}

LinearLayout LinearLayout::blocked(const std::vector<int64_t> &shape, int numSimdgroups) {
  return blockedAlong(shape, int(shape.size()) - 1, numSimdgroups);
}

LinearLayout LinearLayout::blockedAlong(const std::vector<int64_t> &shape, int axis, int numSimdgroups) {
  std::vector<int64_t> order;
  auto append = [&](int dim) {
    int64_t stride = 1;
    for (size_t inner = dim + 1; inner < shape.size(); ++inner)
      stride *= shape[inner];
    for (int64_t bit = 1; bit < shape[dim]; bit <<= 1)
      order.push_back(bit * stride);
  };
  if (!shape.empty())
    append(axis);
  for (int dim = int(shape.size()) - 1; dim >= 0; --dim)
    if (dim != axis)
      append(dim);
  return dealBits(shape, order, numSimdgroups);
}

LinearLayout LinearLayout::sliced(int axis) const {
  int shift = 0;
  for (size_t dim = axis + 1; dim < shape.size(); ++dim)
    shift += log2(shape[dim]);
  int count = log2(shape[axis]);
  int64_t low = (int64_t(1) << shift) - 1;
  auto without = [&](int64_t basis) { return (basis & low) | (basis >> (shift + count) << shift); };
  LinearLayout result = *this;
  result.shape.erase(result.shape.begin() + axis);
  result.registers.clear();
  for (int64_t basis : registers)
    if (int64_t image = without(basis))
      result.registers.push_back(image);
  for (std::vector<int64_t> *bases : {&result.lanes, &result.simdgroups})
    for (int64_t &basis : *bases)
      basis = without(basis);
  return result;
}

bool RegisterMap::isStatic() const {
  for (const std::vector<int64_t> *parts : {&fromLanes, &fromSimdgroups})
    for (int64_t part : *parts)
      if (part != 0)
        return false;
  return true;
}

std::optional<RegisterMap> readWithinThread(const LinearLayout &have, const LinearLayout &want) {
  assert(have.lanes.size() == want.lanes.size() && have.simdgroups.size() == want.simdgroups.size());
  // The span of the registers of `have` in echelon form: each vector with the registers that combine to it.
  struct Row {
    int64_t vector, registers;
  };
  std::vector<Row> rows;
  auto reduce = [&](int64_t vector, int64_t &made) {
    made = 0;
    for (const Row &row : rows)
      if ((vector ^ row.vector) < vector) { // has the leading bit of the row
        vector ^= row.vector;
        made ^= row.registers;
      }
    return vector;
  };
  for (size_t bit = 0; bit < have.registers.size(); ++bit) {
    int64_t made;
    int64_t rest = reduce(have.registers[bit], made);
    if (rest == 0)
      continue;
    Row row{rest, made ^ (int64_t(1) << bit)};
    size_t place = 0;
    while (place < rows.size() && rows[place].vector > rest)
      ++place;
    rows.insert(rows.begin() + place, row);
  }
  RegisterMap map;
  auto solve = [&](int64_t vector, std::vector<int64_t> &out) {
    int64_t made;
    if (reduce(vector, made) != 0)
      return false;
    out.push_back(made);
    return true;
  };
  for (int64_t basis : want.registers)
    if (!solve(basis, map.fromRegisters))
      return std::nullopt;
  // The position of the thread already contributes what it does in `have`.
  for (size_t bit = 0; bit < want.lanes.size(); ++bit)
    if (!solve(want.lanes[bit] ^ have.lanes[bit], map.fromLanes))
      return std::nullopt;
  for (size_t bit = 0; bit < want.simdgroups.size(); ++bit)
    if (!solve(want.simdgroups[bit] ^ have.simdgroups[bit], map.fromSimdgroups))
      return std::nullopt;
  return map;
}

} // namespace tmetal

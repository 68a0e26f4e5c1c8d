// SPDX-License-Identifier: MIT
// Which element each register of each thread of a threadgroup holds: a linear map of bits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tmetal {

/// A linear map over GF(2) from the bits of (register, lane, SIMD group) to the row-major index of an element
/// of a block whose extents are powers of two. A basis of 0: what differs in this bit holds copies of one
/// element.
struct LinearLayout {
  std::vector<int64_t> shape, registers, lanes, simdgroups; // there are 5 bits of lanes

  bool operator==(const LinearLayout &other) const {
    return shape == other.shape && registers == other.registers && lanes == other.lanes &&
           simdgroups == other.simdgroups;
  }
  bool operator!=(const LinearLayout &other) const { return !(*this == other); }
  int64_t numElements() const;
  int64_t numRegisters() const { return int64_t(1) << registers.size(); }
  int64_t element(int64_t reg, int64_t lane, int64_t simdgroup) const;

  /// Row-major: element = register * threads + SIMD group * 32 + lane. The high bits of threads are free when
  /// the block is smaller than the threadgroup.
  static LinearLayout blocked(const std::vector<int64_t> &shape, int numSimdgroups);
  /// The same with dimension `axis` running fastest.
  static LinearLayout blockedAlong(const std::vector<int64_t> &shape, int axis, int numSimdgroups);
  /// The layout of the result of a reduction along `axis`, where each thread along the axis has a copy.
  LinearLayout sliced(int axis) const;
};

/// Where, among its own registers, a thread finds what another layout asks for: contributions to the register
/// index, combined by exclusive or.
struct RegisterMap {
  std::vector<int64_t> fromRegisters, fromLanes, fromSimdgroups;
  /// The same register in all threads.
  bool isStatic() const;
};

/// How a thread reads the elements of `want` from a value that it holds in `have` (of the same block). None
/// when it does not hold them all.
std::optional<RegisterMap> readWithinThread(const LinearLayout &have, const LinearLayout &want);

} // namespace tmetal

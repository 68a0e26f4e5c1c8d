// SPDX-License-Identifier: MIT
// Which element each register of each thread of a threadgroup holds: a linear map of bits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace tmetal {

/// A linear map over GF(2) from the bits of (register, lane, SIMD group) to the row-major index of an element
/// of a block whose extents are powers of two. A basis vector of 0 means copies: changing this bit does not
/// change the element.
struct LinearLayout {
  std::vector<int64_t> shape, registers, lanes, simdgroups; // a lane has 5 bits

  bool operator==(const LinearLayout &other) const {
    return shape == other.shape && registers == other.registers && lanes == other.lanes &&
           simdgroups == other.simdgroups;
  }
  bool operator!=(const LinearLayout &other) const { return !(*this == other); }
  int64_t numElements() const;
  int64_t numRegisters() const { return int64_t(1) << registers.size(); }
  int64_t element(int64_t reg, int64_t lane, int64_t simdgroup) const;

  /// Row-major: element = register * threads + SIMD group * 32 + lane. When the block is smaller than the
  /// threadgroup, the high bits of the thread select copies.
  static LinearLayout blocked(const std::vector<int64_t> &shape, int numSimdgroups);
  /// The same, with dimension `axis` running fastest.
  static LinearLayout blockedAlong(const std::vector<int64_t> &shape, int axis, int numSimdgroups);
  /// The layout of the result of a reduction along `axis`, in which each thread along the axis has a copy.
  LinearLayout sliced(int axis) const;
};

/// Which of its own registers holds the element that another layout asks a thread for: contributions to the
/// register number, combined by exclusive or.
struct RegisterMap {
  std::vector<int64_t> fromRegisters, fromLanes, fromSimdgroups;
  /// Whether all threads use the same register.
  bool isStatic() const;
};

/// How a thread reads the elements of layout `want` from a value of the same block that it holds in layout
/// `have`; nullopt when it does not hold them all.
std::optional<RegisterMap> readWithinThread(const LinearLayout &have, const LinearLayout &want);

} // namespace tmetal

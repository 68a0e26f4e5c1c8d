// SPDX-License-Identifier: MIT
// An array for code that runs in every launch. Up to a typical number of elements, it neither
// allocates nor initialises memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace tmetal {

template <typename T, size_t kInline = 24> class InlineArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
  /// The elements are not initialised.
  explicit InlineArray(size_t count) : count(count) {
    if (count > kInline)
      more = std::make_unique<T[]>(count);
  }
  InlineArray(const InlineArray &) = delete;
  InlineArray &operator=(const InlineArray &) = delete;

  T *data() { return more ? more.get() : reinterpret_cast<T *>(here); }
  T &operator[](size_t i) { return data()[i]; }
  operator std::span<const T>() { return {data(), count}; }

private:
  size_t count;
  alignas(T) std::byte here[kInline * sizeof(T)];
  std::unique_ptr<T[]> more;
};

} // namespace tmetal

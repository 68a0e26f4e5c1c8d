// SPDX-License-Identifier: MIT
// Calls a kernel function of any Metal text from one CUDA thread, with the
// arguments that its parameters need.
#pragma once

namespace tm_entry {

enum Source {
  buffer,
  thread_position_in_grid,
  thread_position_in_threadgroup,
  threadgroup_position_in_grid,
  threads_per_grid,
  threads_per_threadgroup,
  threadgroups_per_grid,
  thread_index_in_threadgroup,
  thread_index_in_simdgroup,
  simdgroup_index_in_threadgroup,
  simdgroups_per_threadgroup,
  threads_per_simdgroup
};

METAL_FUNC metal::uint3 value_of(Source source) {
  const metal::uint3 group(__nvvm_read_ptx_sreg_ctaid_x(), __nvvm_read_ptx_sreg_ctaid_y(),
                           __nvvm_read_ptx_sreg_ctaid_z());
  const metal::uint3 groups(__nvvm_read_ptx_sreg_nctaid_x(), __nvvm_read_ptx_sreg_nctaid_y(),
                            __nvvm_read_ptx_sreg_nctaid_z());
  const metal::uint3 position(__nvvm_read_ptx_sreg_tid_x(), __nvvm_read_ptx_sreg_tid_y(),
                              __nvvm_read_ptx_sreg_tid_z());
  const metal::uint3 size(__nvvm_read_ptx_sreg_ntid_x(), __nvvm_read_ptx_sreg_ntid_y(),
                          __nvvm_read_ptx_sreg_ntid_z());
  const uint index = position.x + size.x * (position.y + size.y * position.z);
  switch (source) {
  case thread_position_in_grid:
    return group * size + position;
  case thread_position_in_threadgroup:
    return position;
  case threadgroup_position_in_grid:
    return group;
  case threads_per_grid:
    return groups * size;
  case threads_per_threadgroup:
    return size;
  case threadgroups_per_grid:
    return groups;
  case thread_index_in_threadgroup:
    return index;
  case thread_index_in_simdgroup:
    return index % 32;
  case simdgroup_index_in_threadgroup:
    return index / 32;
  case simdgroups_per_threadgroup:
    return (size.x * size.y * size.z + 31) / 32;
  default:
    return 32;
  }
}

/// A position, converted to the type of the parameter.
template <typename T> struct Argument {
  METAL_FUNC static T get(Source source, void *) { return T(value_of(source).x); }
};
template <typename T> struct Argument<metal::vec<T, 2>> {
  METAL_FUNC static metal::vec<T, 2> get(Source source, void *) {
    return metal::vec<T, 2>(T(value_of(source).x), T(value_of(source).y));
  }
};
template <typename T> struct Argument<metal::vec<T, 3>> {
  METAL_FUNC static metal::vec<T, 3> get(Source source, void *) { return metal::vec<T, 3>(value_of(source)); }
};
template <typename T> struct Argument<T *> {
  METAL_FUNC static T *get(Source, void *address) { return static_cast<T *>(address); }
};
template <typename T> struct Argument<T &> {
  METAL_FUNC static T &get(Source, void *address) { return *static_cast<T *>(address); }
};

/// What a parameter gets: a source, and the address if it is a buffer.
struct From {
  Source source;
  void *address;
};

template <typename... P, typename... F> METAL_FUNC void call(void (*kernel_function)(P...), F... from) {
  kernel_function(Argument<__remove_cv(P)>::get(from.source, from.address)...);
}

} // namespace tm_entry

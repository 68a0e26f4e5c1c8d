// SPDX-License-Identifier: MIT
// Calls a kernel once for each thread of each threadgroup, with the arguments that its parameters ask for.
#pragma once

namespace tm_entry {

enum Source {
  buffer,
  threadgroup_memory,
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
  threads_per_simdgroup,
  quadgroup_index_in_threadgroup,
  thread_index_in_quadgroup
};
struct From {
  Source source;
  int index;
};
struct Size {
  unsigned x, y, z;
};
struct Place {
  Size grid, threads, group, position; // grid in threads
  unsigned index, count;
};

/// Converts a position to the type of the parameter.
template <typename T> struct As {
  static T from(Size s) { return T(s.x); }
};
template <typename T> struct As<metal::vec<T, 2>> {
  static metal::vec<T, 2> from(Size s) { return {T(s.x), T(s.y)}; }
};
template <typename T> struct As<metal::vec<T, 3>> {
  static metal::vec<T, 3> from(Size s) { return {T(s.x), T(s.y), T(s.z)}; }
};

inline Size value_of(Source source, const Place &p) {
  switch (source) {
  case thread_position_in_grid:
    return {p.group.x * p.threads.x + p.position.x, p.group.y * p.threads.y + p.position.y,
            p.group.z * p.threads.z + p.position.z};
  case thread_position_in_threadgroup:
    return p.position;
  case threadgroup_position_in_grid:
    return p.group;
  case threads_per_grid:
    return p.grid;
  case threads_per_threadgroup:
    return p.threads;
  case threadgroups_per_grid:
    return {(p.grid.x + p.threads.x - 1) / p.threads.x, (p.grid.y + p.threads.y - 1) / p.threads.y,
            (p.grid.z + p.threads.z - 1) / p.threads.z};
  case thread_index_in_threadgroup:
    return {p.index, 0, 0};
  case thread_index_in_simdgroup:
    return {p.index % 32, 0, 0};
  case simdgroup_index_in_threadgroup:
    return {p.index / 32, 0, 0};
  case simdgroups_per_threadgroup:
    return {(p.count + 31) / 32, 0, 0};
  case threads_per_simdgroup:
    return {32, 0, 0};
  case quadgroup_index_in_threadgroup:
    return {p.index / 4, 0, 0};
  case thread_index_in_quadgroup:
    return {p.index % 4, 0, 0};
  default:
    return {0, 0, 0};
  }
}

alignas(64) inline thread_local unsigned char threadgroup_bytes[8][32768];

template <typename T> struct Argument {
  static T get(From f, void *const *, const Place &p) {
    return As<__remove_cv(T)>::from(value_of(f.source, p));
  }
};
template <typename T> struct Argument<T *> {
  static T *get(From f, void *const *buffers, const Place &) {
    return static_cast<T *>(f.source == buffer ? buffers[f.index] : threadgroup_bytes[f.index]);
  }
};
template <typename T> struct Argument<T &> {
  static T &get(From f, void *const *buffers, const Place &p) { return *Argument<T *>::get(f, buffers, p); }
};

template <size_t... I> struct Indices {};

template <typename... P> struct Caller {
  template <size_t... I>
  static void call(void (*f)(P...), const From *from, void *const *buffers, const Place &p, Indices<I...>) {
    f(Argument<P>::get(from[I], buffers, p)...);
  }
};
template <size_t N, size_t... I> struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <size_t... I> struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

/// Runs all threads that lie in the grid.
template <typename... P>
int launch(void (*f)(P...), const From *from, void *const *buffers, const unsigned *grid,
           const unsigned *threads) {
  Place p{{grid[0], grid[1], grid[2]}, {threads[0], threads[1], threads[2]}, {}, {}, 0, 0};
  Size groups = value_of(threadgroups_per_grid, p);
  for (p.group.z = 0; p.group.z < groups.z; ++p.group.z)
    for (p.group.y = 0; p.group.y < groups.y; ++p.group.y)
      for (p.group.x = 0; p.group.x < groups.x; ++p.group.x) {
        auto rest = [](unsigned grid, unsigned group, unsigned size) {
          return grid - group * size < size ? grid - group * size : size;
        };
        Size live = {rest(p.grid.x, p.group.x, p.threads.x), rest(p.grid.y, p.group.y, p.threads.y),
                     rest(p.grid.z, p.group.z, p.threads.z)};
        bool fine = tm_threads::run(live.x * live.y * live.z, [&](unsigned index) {
          Place mine = p;
          mine.index = index;
          mine.count = live.x * live.y * live.z;
          mine.position = {index % live.x, index / live.x % live.y, index / (live.x * live.y)};
          Caller<P...>::call(f, from, buffers, mine, typename MakeIndices<sizeof...(P)>::type());
        });
        if (!fine)
          return 1;
      }
  return 0;
}

} // namespace tm_entry

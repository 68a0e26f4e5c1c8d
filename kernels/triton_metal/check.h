// SPDX-License-Identifier: MIT
// Functions called by texts that were printed with a check mode. A fault becomes a record for the
// host (report.h) with the number of the message, which names the line and the argument; the access
// itself is skipped.
#pragma once

#include "report.h"

#include <metal_stdlib>

// The text calls these before each access of a thread, for a device that looks for races.
#if defined(TM_CHECK_RACES)
#define TM_TRACK_READ(ADDRESS, BYTES, SITE)                                                                  \
  tm::track(tm_report, tm_pid, ADDRESS, BYTES, SITE, tm_fibers::Kind::read)
#define TM_TRACK_WRITE(ADDRESS, BYTES, SITE)                                                                 \
  tm::track(tm_report, tm_pid, ADDRESS, BYTES, SITE, tm_fibers::Kind::write)
#define TM_TRACK_ATOMIC(ADDRESS, BYTES, SITE)                                                                \
  tm::track(tm_report, tm_pid, ADDRESS, BYTES, SITE, tm_fibers::Kind::atomic)
#elif !defined(TM_TRACK_READ)
#define TM_TRACK_READ(ADDRESS, BYTES, SITE) (void)(SITE)
#define TM_TRACK_WRITE(ADDRESS, BYTES, SITE) (void)(SITE)
#define TM_TRACK_ATOMIC(ADDRESS, BYTES, SITE) (void)(SITE)
#endif

namespace tm {

// ---- races ----

#if defined(TM_CHECK_RACES)
/// Reports an access that is not ordered with one of another thread: the site of that one, and the
/// kinds of both.
static inline void track(device uint *buffer, uint3 program, const volatile device void *address, uint bytes,
                         uint site, tm_fibers::Kind kind) {
  tm_fibers::Access before;
  if (!tm_fibers::conflicts(address, bytes, site, kind, &before))
    return;
  if (device uint *record = report(buffer, site, program)) {
    put(record, before.site);
    put(record, uint(kind));
    put(record, uint(before.kind));
  }
}
#endif

// ---- addresses ----

/// Whether pointer[index] belongs to the argument. `bounds` holds the number of bytes before the argument's
/// address and from there on.
template <typename A, typename T>
inline bool inside(constant long *bounds, device A *argument, device T *pointer, long index) {
  long offset = long(ulong(pointer)) - long(ulong(argument)) + index * long(sizeof(T));
  return offset >= -bounds[0] && offset <= bounds[1] - long(sizeof(T));
}

/// Reports pointer[index] by its index relative to `origin`. Returns false.
template <typename A, typename T>
inline bool outside(device uint *buffer, uint site, uint3 program, device A *origin, device T *pointer,
                    long index) {
  device uint *record = report(buffer, site, program);
  if (record) {
    long offset = long(ulong(pointer)) - long(ulong(origin)) + index * long(sizeof(T));
    put(record, (offset < 0 ? offset - long(sizeof(T)) + 1 : offset) / long(sizeof(T)));
  }
  return false;
}

static inline bool inside_threadgroup(device uint *buffer, uint site, uint3 program, int index, int count) {
  if (index >= 0 && index < count)
    return true;
  device uint *record = report(buffer, site, program);
  if (record)
    put(record, long(index));
  return false;
}

// ---- undefined values ----

// A value that may be undefined has a companion: 0 when it is defined, else 1 + the number of the message
// that says where the undefined value came from.

static inline uint either(uint a, uint b) { return a != 0 ? a : b; }
template <typename... Rest> inline uint either(uint a, uint b, Rest... rest) {
  return either(either(a, b), rest...);
}

/// For a && b and a || b: when one operand alone decides the result, the other may be undefined.
static inline uint either_and(bool a, uint of_a, bool b, uint of_b) {
  return (of_a == 0 && !a) || (of_b == 0 && !b) ? 0 : either(of_a, of_b);
}
static inline uint either_or(bool a, uint of_a, bool b, uint of_b) {
  return (of_a == 0 && a) || (of_b == 0 && b) ? 0 : either(of_a, of_b);
}

/// Reports an undefined value that is used.
static inline void undefined(device uint *buffer, uint origin, uint3 program) {
  if (origin != 0)
    report(buffer, origin - 1, program);
}

/// Whether the quotient exists: no division by zero and no signed overflow.
template <typename T> inline bool divides(T a, T b) {
  return b != T(0) && !(b == T(-1) && a < T(0) && T(a - T(1)) > T(0));
}
template <typename T> inline bool divides_unsigned(T, T b) { return b != T(0); }
template <typename T> inline bool shifts(T, T by) { return by >= T(0) && by < T(8 * sizeof(T)); }
static inline bool shifts(bool, bool by) { return !by; }

/// Whether x, truncated, fits the integer type I.
template <typename I, typename F> inline bool fits_integer(F x) {
  constexpr bool is_signed = I(-1) < I(0);
  const F end = F(ulong(1) << (8 * sizeof(I) - 2)) * F(is_signed ? 2 : 4);
  const F truncated = x < F(0) ? -F(metal::floor(-float(x))) : x; // for -1 < x < 0 only the sign matters
  return x < end && (is_signed ? x >= -end || truncated >= -end : x > F(-1));
}
template <typename I> inline bool fits_integer(half x) { return fits_integer<I, float>(float(x)); }
template <typename I> inline bool fits_integer(bfloat x) { return fits_integer<I, float>(float(x)); }

} // namespace tm

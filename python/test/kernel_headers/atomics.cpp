// SPDX-License-Identifier: MIT
// Operating-system threads that change the same elements, for each type: no change may be lost.
#ifdef TM_TEST_METAL_TEXT // the text for Metal, with the operations of the CPU's Metal standard library
#include <metal_stdlib>
#include <triton_metal/atomics.h>
#else
#include <triton_metal.h>
#endif

// Defined in threads.cpp, because kernel text clashes with the C library (struct tm).
extern "C" void run_threads(int count, void (*work)(void *, int), void *data);
extern "C" void yield_thread();

namespace {

constexpr int threads = 4, rounds = 4000,
              elements = 5; // five, so that words are shared between elements and with the guards

template <typename Work> void inParallel(Work work) {
  run_threads(threads, [](void *data, int t) { (*static_cast<Work *>(data))(t); }, &work);
}

template <typename T> bool same(T a, T b) { return __builtin_memcmp(&a, &b, sizeof(T)) == 0; }

template <typename T> int checkType() {
  int failures = 0;
  auto expect = [&](bool ok, int where) { failures |= ok ? 0 : 1 << where; };
  alignas(8) T data[elements + 2];
  auto reset = [&] {
    for (T &x : data)
      x = T(0);
  };
  T *p = data + 1;
  reset();
  // Small numbers are exact in every type, and the sums return to where they began.
  inParallel([&](int) {
    for (int i = 0; i < rounds; ++i) {
      tm::atomic_add(p + i % elements, T(1), tm::acq_rel);
      tm::atomic_add(p + i % elements, T(-1), tm::relaxed);
      tm::atomic_sub(p + i % elements, T(2), tm::relaxed);
      tm::atomic_sub(p + i % elements, T(-2), tm::release);
    }
  });
  for (T x : data)
    expect(x == T(0), 0);
  // Each of 100 tickets is drawn once.
  reset();
  int seen[100] = {};
  inParallel([&](int) {
    for (int i = 0; i < 100 / threads; ++i)
      __atomic_fetch_add(seen + int(tm::atomic_add(p + 2, T(1), tm::acq_rel)) % 100, 1, __ATOMIC_RELAXED);
  });
  for (int count : seen)
    expect(count == 1, 1);
  expect(p[2] == T(100), 1);
  // Maximum and minimum.
  reset();
  inParallel([&](int t) {
    for (int i = 0; i < 30; ++i) {
      tm::atomic_max(p + 1, T(i * threads + t), tm::acq_rel);
      tm::atomic_min(p + 3, T(-(i * threads + t)), tm::acquire);
    }
  });
  expect(p[1] == T(119), 2);
  expect(T(-1) > T(0) || p[3] == T(-119), 3);
  // A lock, taken by compare-and-exchange and released by exchange.
  reset();
  int guarded = 0;
  inParallel([&](int) {
    for (int i = 0; i < 300; ++i) {
      while (!same(tm::atomic_cas(p, T(0), T(1), tm::acquire), T(0)))
        yield_thread();
      ++guarded;
      tm::atomic_exchange(p, T(0), tm::release);
    }
  });
  expect(guarded == 300 * threads && p[0] == T(0), 4);
  tm::atomic_store(p + 2, T(5), tm::release);
  expect(same(tm::atomic_load(p + 2, tm::acquire), T(5)) && same(p[1], T(0)) && same(p[3], T(0)), 6);
  expect(same(data[0], T(0)) && same(data[elements + 1], T(0)), 5);
  return failures;
}

template <typename T> int checkBits() {
  alignas(8) T data[elements] = {};
  inParallel([&](int t) {
    for (int i = 0; i < rounds; ++i) {
      tm::atomic_xor(data + i % elements, T(1 << t), tm::relaxed);
      tm::atomic_or(data + i % elements, T(1 << (4 + t % 3)), tm::acq_rel);
    }
  });
  int failures = 0;
  for (T x : data)
    failures += x == T(0x70) ? 0 : 1;
  inParallel([&](int t) { tm::atomic_and(data + 1, T(~(1 << (4 + t % 3))), tm::acq_rel); });
  return failures + (data[1] == T(0) && data[0] == T(0x70) ? 0 : 100);
}

template <typename T> int checkUnsigned() {
  alignas(8) T data[elements] = {T(1), T(-2), T(5), T(-3), T(7)};
  int failures = 0;
  failures += tm::atomic_umax(data + 0, T(-1), tm::acq_rel) == T(1) && data[0] == T(-1) ? 0 : 1;
  failures += tm::atomic_umin(data + 1, T(3), tm::acq_rel) == T(-2) && data[1] == T(3) ? 0 : 2;
  failures += data[2] == T(5) && data[3] == T(-3) ? 0 : 4;
  return failures;
}

/// No loop may run for ever on a NaN in memory, which is ordered by its bits.
template <typename T> int checkNan() {
  T nan = T(__builtin_nanf("")), data[2] = {nan, T(1)};
  int failures = 0;
  T old = tm::atomic_add(data, T(1), tm::relaxed);
  failures += old != old && data[0] != data[0] ? 0 : 1;
  old = tm::atomic_max(data + 1, nan, tm::relaxed);
  failures += old == T(1) && data[1] != data[1] ? 0 : 2;
  old = tm::atomic_min(data + 1, T(2), tm::relaxed);
  failures += old != old && data[1] == T(2) ? 0 : 4;
  data[0] = nan;
  old = tm::atomic_cas(data, nan, T(3), tm::relaxed);
  failures += old != old && data[0] == T(3) ? 0 : 8;
  return failures;
}

} // namespace

extern "C" int check_atomics(int which) {
  switch (which) {
  case 0:
    return checkType<int>() | checkType<uint>() << 8;
  case 1:
    return checkType<float>();
  case 2:
    return checkType<half>() | checkType<bfloat>() << 8;
  case 3:
    return checkType<char>() | checkType<uchar>() << 8;
  case 4:
    return checkType<short>() | checkType<ushort>() << 8;
  case 5:
    return checkBits<int>() | checkBits<uchar>() << 8 | checkBits<short>() << 16;
  case 6:
    return checkUnsigned<char>() | checkUnsigned<short>() << 8 | checkUnsigned<int>() << 16;
  case 7:
    return checkNan<float>() | checkNan<half>() << 8 | checkNan<bfloat>() << 16;
#if defined(TM_HAS_ATOMIC64)
  case 8:
    return checkType<long>() | checkType<ulong>() << 8 | checkType<double>() << 16;
  case 9:
    return checkBits<long>() | checkUnsigned<long>() << 8 | checkNan<double>() << 16;
#endif
  default:
    return -1;
  }
}

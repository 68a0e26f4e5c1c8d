// SPDX-License-Identifier: MIT
// The buffer of messages to the host. Word 0 counts the records that were requested, word 1 says how
// many fit. Records of 16 words follow: the number of the message, the position of the program, 12
// words of payload.
#pragma once

#include <metal_stdlib>

namespace tm {

/// The payload of a new record, or null when the buffer is full.
inline device uint *report(device uint *buffer, uint message, uint3 program) {
  uint index =
      metal::atomic_fetch_add_explicit((device metal::atomic_uint *)buffer, 1u, metal::memory_order_relaxed);
  if (index >= buffer[1])
    return nullptr;
  device uint *record = buffer + 2 + ulong(index) * 16;
  record[0] = message;
  record[1] = program.x;
  record[2] = program.y;
  record[3] = program.z;
  return record + 4;
}

inline void put(device uint * thread & at, uint value) { *at++ = value; }
inline void put(device uint * thread & at, int value) { *at++ = uint(value); }
inline void put(device uint * thread & at, ulong value) {
  *at++ = uint(value);
  *at++ = uint(value >> 32);
}
inline void put(device uint * thread & at, long value) { put(at, ulong(value)); }
inline void put(device uint * thread & at, short value) { put(at, int(value)); }
inline void put(device uint * thread & at, char value) { put(at, int(value)); }
inline void put(device uint * thread & at, uchar value) { put(at, uint(value)); }
inline void put(device uint * thread & at, bool value) { put(at, value ? 1u : 0u); }
inline void put(device uint * thread & at, float value) { put(at, as_type<uint>(value)); }
inline void put(device uint * thread & at, half value) { put(at, uint(as_type<ushort>(value))); }
inline void put(device uint * thread & at, bfloat value) { put(at, uint(as_type<ushort>(value))); }
#ifdef TM_HAS_DOUBLE
inline void put(device uint * thread & at, double value) { put(at, as_type<ulong>(value)); }
#endif
template <typename T> inline void put(device uint * thread & at, device T *value) { put(at, ulong(value)); }

} // namespace tm

// SPDX-License-Identifier: MIT
// An Apple GPU.
#pragma once

#include "device_threads.h"

#define TM_UNROLL_GPU TM_UNROLL
// Empty: Metal's language has no such mark that its compiler promises to use.
#define TM_READ_ONLY
#define TM_POSITION TM_POSITION_OF_THREAD
#define TM_BEGIN(SIMDGROUPS, BYTES) alignas(16) threadgroup uchar tm_memory[(BYTES) > 0 ? (BYTES) : 16];
#define TM_ENTRY(NAME)

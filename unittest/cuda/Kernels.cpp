// SPDX-License-Identifier: MIT
#include "Kernels.h"

namespace tmetal_test {

namespace {

const char *const kHead = R"(.version 6.4
.target sm_70
.address_size 64
)";

} // namespace

std::string stepPtx() {
  return std::string(kHead) + R"(
.visible .entry step(
  .param .u64 step_param_0,
  .param .u64 step_param_1,
  .param .u32 step_param_2
)
.maxntid 128
{
  .reg .pred %p;
  .reg .b32 %r<8>;
  .reg .b64 %rd<5>;
  ld.param.u64 %rd0, [step_param_0];
  ld.param.u64 %rd1, [step_param_1];
  ld.global.u32 %r0, [%rd1];
  ld.global.u32 %r1, [%rd1+4];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p, %r5, %r0;
  @%p bra DONE;
  mul.wide.u32 %rd2, %r5, 4;
  add.u64 %rd3, %rd0, %rd2;
  ld.global.u32 %r6, [%rd3];
  mad.lo.u32 %r7, %r6, 3, %r1;
  st.global.u32 [%rd3], %r7;
DONE:
  ret;
}
)";
}

std::string slowPtx() {
  return std::string(kHead) + R"(
.visible .entry slow(
  .param .u64 slow_param_0,
  .param .u64 slow_param_1,
  .param .u32 slow_param_2
)
.maxntid 32
{
  .reg .pred %p<2>;
  .reg .b32 %r<5>;
  .reg .b64 %rd<8>;
  mov.u32 %r0, %tid.x;
  setp.ne.u32 %p0, %r0, 0;
  @%p0 bra DONE;
  ld.param.u64 %rd0, [slow_param_0];
  ld.param.u64 %rd1, [slow_param_1];
  ld.global.u32 %r1, [%rd1];
  cvt.u64.u32 %rd2, %r1;
  ld.global.u32 %r2, [%rd1+4];
  mov.u64 %rd3, %globaltimer;
WAIT:
  mov.u64 %rd4, %globaltimer;
  sub.u64 %rd5, %rd4, %rd3;
  setp.lt.u64 %p1, %rd5, %rd2;
  @%p1 bra WAIT;
  ld.global.u32 %r3, [%rd0];
  mad.lo.u32 %r4, %r3, 3, %r2;
  st.global.u32 [%rd0], %r4;
DONE:
  ret;
}
)";
}

std::string wildPtx() {
  return std::string(kHead) + R"(
.visible .entry wild(
  .param .u64 wild_param_0,
  .param .u32 wild_param_1
)
.maxntid 32
{
  .reg .b32 %r<1>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd0, [wild_param_0];
  add.u64 %rd1, %rd0, 1099511627776;
  mov.u32 %r0, 1;
  st.global.u32 [%rd1], %r0;
  ret;
}
)";
}

std::string otherPtx() {
  return std::string(kHead) + R"(
.extern .shared .align 16 .b8 more[];
.visible .entry other(
  .param .u32 other_param_0,
  .param .u64 other_param_1,
  .param .u32 other_param_2
)
{
  .reg .b32 %r<12>;
  .reg .b64 %rd<5>;
  ld.param.u32 %r0, [other_param_0];
  ld.param.u64 %rd0, [other_param_1];
  ld.param.u32 %r1, [other_param_2];
  mov.u32 %r2, %tid.x;
  mov.u32 %r3, %tid.y;
  mov.u32 %r4, %ntid.x;
  mad.lo.u32 %r5, %r3, %r4, %r2;
  mul.lo.u32 %r6, %r0, 1000;
  mad.lo.u32 %r7, %r1, 100, %r6;
  add.u32 %r8, %r7, %r5;
  mov.u32 %r9, more;
  mad.lo.u32 %r10, %r5, 4, %r9;
  st.shared.u32 [%r10], %r8;
  bar.sync 0;
  ld.shared.u32 %r11, [%r10];
  mul.wide.u32 %rd1, %r5, 4;
  add.u64 %rd2, %rd0, %rd1;
  st.global.u32 [%rd2], %r11;
  ret;
}
)";
}

} // namespace tmetal_test

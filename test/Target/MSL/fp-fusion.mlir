// SPDX-License-Identifier: MIT
// RUN: triton-metal-translate --emit-msl %s | FileCheck %s --check-prefix=ONCE
// RUN: triton-metal-translate --emit-msl --fp-fusion=false %s | FileCheck %s --check-prefix=TWICE

// ONCE: tm::fma(arg1, arg2, arg3)
// TWICE-NOT: fma
// TWICE: arg1 * arg2
tt.func public @axpy(%p: !tt.ptr<f32>, %x: f32, %y: f32, %z: f32) {
  %0 = arith.mulf %x, %y : f32
  %1 = arith.addf %0, %z : f32
  tt.store %p, %1 : !tt.ptr<f32>
  tt.return
}

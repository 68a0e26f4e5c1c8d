// SPDX-License-Identifier: MIT
// Not read-only: arguments that the kernel stores to, those that overlap with them, and those it reads as volatile.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s --check-prefixes=CHECK,APART < %t.metal
// RUN: %compile-msl %t.metal
// RUN: triton-metal-translate --emit-msl --alias-groups 0,1,0,2 %s | FileCheck %s --check-prefixes=CHECK,OVERLAP

// APART: kernel void k(device float *TM_READ_ONLY a {{\[\[}}
// OVERLAP: kernel void k(device float *a {{\[\[}}
// CHECK-NEXT: device float *TM_READ_ONLY b {{\[\[}}
// CHECK-NEXT: device float *c {{\[\[}}
// CHECK-NEXT: device float *d {{\[\[}}
tm.kernel @k attributes {simdgroups = 4 : i64, threadgroupBytes = 0 : i64, parameterNames = ["a", "b", "c", "d"]} {
^bb0(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %c: !tt.ptr<f32>, %d: !tt.ptr<f32>):
  %x = tm.load %a : !tt.ptr<f32> -> f32
  %y = tm.load %b : !tt.ptr<f32> -> f32
  %w = tm.load %d {isVolatile} : !tt.ptr<f32> -> f32
  %z = arith.addf %x, %y : f32
  tm.single {
    tm.store %z, %c : f32, !tt.ptr<f32>
  }
}

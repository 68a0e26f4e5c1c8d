// SPDX-License-Identifier: MIT
// A store through a pointer that is selected from two arguments may go anywhere, so nothing is marked as read-only.
// RUN: triton-metal-translate --emit-msl %s | FileCheck %s

// CHECK: kernel void k(device float *a {{\[\[}}
// CHECK-NEXT: device float *b {{\[\[}}
// CHECK-NEXT: device float *c {{\[\[}}
tm.kernel @k attributes {simdgroups = 4 : i64, threadgroupBytes = 0 : i64, parameterNames = ["a", "b", "c", "n"]} {
^bb0(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %c: !tt.ptr<f32>, %n: i32):
  %x = tm.load %a : !tt.ptr<f32> -> f32
  %y = tm.load %c : !tt.ptr<f32> -> f32
  %z = arith.addf %x, %y : f32
  %zero = arith.constant 0 : i32
  %first = arith.cmpi sgt, %n, %zero : i32
  %p = arith.select %first, %a, %b : !tt.ptr<f32>
  tm.single {
    tm.store %z, %p : f32, !tt.ptr<f32>
  }
}

// SPDX-License-Identifier: MIT
// Loops and branches, in uniform code and inside regions.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

#all = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
// CHECK-LABEL: kernel void control(
tm.kernel @control attributes {simdgroups = 1 : i64, parameterNames = ["p", "a", "b", "s", "w"]} {
^bb0(%p: !tt.ptr<f32>, %a: i32, %b: i32, %s: i32, %w: i64):
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c7 = arith.constant 7 : i32
  %c100 = arith.constant 100 : i32
  %big = arith.constant 2147483647 : i32
  // A step of 1 cannot overflow past the end.
  // CHECK: int v0 = 0;
  // CHECK-NEXT: int v1 = a;
  // CHECK-NEXT: for (int i2 = a; i2 < b; ++i2) {
  // CHECK-NEXT:   const int v3 = tm::add(v0, i2);
  // CHECK-NEXT:   v0 = v1;
  // CHECK-NEXT:   v1 = v3;
  // CHECK-NEXT: }
  %0:2 = scf.for %i = %a to %b step %c1 iter_args(%x = %c0, %y = %a) -> (i32, i32) : i32 {
    %sum = arith.addi %x, %i : i32
    scf.yield %y, %sum : i32, i32
  }
  // Nor can another constant step when the end is far from the largest integer.
  // CHECK: for (int [[H:i[0-9]+]] = 0; [[H]] < 100; [[H]] += 7) {
  scf.for %i = %c0 to %c100 step %c7 : i32 {
  }
  // CHECK: const long [[T:n[0-9]+]] = tm::trip_count(0, 2147483647, 7);
  // CHECK-NEXT: for (long [[K:k[0-9]+]] = 0; [[K]] < [[T]]; ++[[K]]) {
  // CHECK-NEXT:   const int {{i[0-9]+}} = tm::add(0, tm::mul(int([[K]]), 7));
  scf.for %i = %c0 to %big step %c7 : i32 {
  }
  // CHECK: tm::trip_count(a, b, s)
  scf.for %i = %a to %b step %s : i32 {
  }
  %w1 = arith.constant 1 : i64
  // CHECK: for (long [[J:i[0-9]+]] = w; [[J]] < w; ++[[J]]) {
  scf.for %i = %w to %w step %w1 : i64 {
  }
  // CHECK: const bool [[C:v[0-9]+]] = v0 < v1;
  %c = arith.cmpi slt, %0#0, %0#1 : i32
  // CHECK-NEXT: int [[R:v[0-9]+]];
  // CHECK-NEXT: device float *[[Q:v[0-9]+]];
  // CHECK-NEXT: if ([[C]]) {
  // CHECK-NEXT:   device float *[[M:v[0-9]+]] = p + a;
  // CHECK-NEXT:   [[R]] = v0;
  // CHECK-NEXT:   [[Q]] = [[M]];
  // CHECK-NEXT: } else {
  // CHECK-NEXT:   [[R]] = 7;
  // CHECK-NEXT:   [[Q]] = p;
  // CHECK-NEXT: }
  %1:2 = scf.if %c -> (i32, !tt.ptr<f32>) {
    %moved = tt.addptr %p, %a : !tt.ptr<f32>, i32
    scf.yield %0#0, %moved : i32, !tt.ptr<f32>
  } else {
    scf.yield %c7, %p : i32, !tt.ptr<f32>
  }
  // CHECK: if ([[C]]) {
  // CHECK-NEXT: TM_ONE {
  // CHECK-NOT: else
  // CHECK: int [[B:v[0-9]+]] = [[R]];
  scf.if %c {
    tm.single {
      %one = arith.constant 1.0 : f32
      tm.store %one, %1#1 : f32, !tt.ptr<f32>
    }
  }
  // CHECK-NEXT: int [[E:v[0-9]+]];
  // CHECK-NEXT: while (true) {
  // CHECK-NEXT:   const bool [[D:v[0-9]+]] = [[B]] < a;
  // CHECK-NEXT:   [[E]] = [[B]];
  // CHECK-NEXT:   if (!([[D]]))
  // CHECK-NEXT:     break;
  // CHECK-NEXT:   const int [[N:v[0-9]+]] = tm::add([[E]], b);
  // CHECK-NEXT:   [[B]] = [[N]];
  // CHECK-NEXT: }
  %2 = scf.while (%x = %1#0) : (i32) -> i32 {
    %d = arith.cmpi slt, %x, %a : i32
    scf.condition(%d) %x : i32
  } do {
  ^bb0(%x: i32):
    %next = arith.addi %x, %b : i32
    scf.yield %next : i32
  }
  // CHECK-NEXT: TM_REGION {
  // CHECK-NEXT:   const int r = 0;
  // CHECK-NEXT:   float [[X:v[0-9]+]] = 0.0f;
  // CHECK-NEXT:   for (int [[I:i[0-9]+]] = 0; [[I]] < [[E]]; ++[[I]]) {
  tm.region #all {
  ^bb0(%r: i32):
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %i = %c0 to %2 step %c1 iter_args(%x = %zero) -> (f32) : i32 {
      %v = tm.load %p[%i : i32] : !tt.ptr<f32> -> f32
      %next = arith.addf %x, %v : f32
      scf.yield %next : f32
    }
    %at = tm.coord %r, #all dim 0
    tm.store %sum, %p[%at : i32] : f32, !tt.ptr<f32>
  }
}

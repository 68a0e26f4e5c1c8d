// SPDX-License-Identifier: MIT
// When a region gets a version without masks, and when it does not.
// RUN: triton-metal-opt %s -split-input-file -tm-specialize-full-tiles | FileCheck %s

// The last element is the worst corner of i < n. A 32-bit offset that no mask bounds must not wrap.
// CHECK-LABEL: tm.kernel @last
// CHECK: %[[LAST:.*]] = arith.constant 127 : i64
// CHECK: arith.cmpi slt
// CHECK: scf.if
// CHECK: tm.region
// CHECK-NOT: mask
// CHECK: } else {
// CHECK: tm.load {{.*}} mask
#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
tm.kernel @last attributes {simdgroups = 4 : i64, parameterNames = ["p", "n"]} {
^bb0(%p: !tt.ptr<f32>, %n: i32):
  tm.region #l vectorizable {
  ^bb0(%r: i32):
    %i = tm.coord %r, #l dim 0
    %in = arith.cmpi slt, %i, %n : i32
    %v = tm.load %p[%i : i32] mask %in : !tt.ptr<f32> -> f32
    tm.store %v, %p[%i : i32] mask %in : f32, !tt.ptr<f32>
  }
}

// -----

// A mask that depends on data stays in both versions, unlike the other one.
// CHECK-LABEL: tm.kernel @data
// CHECK: scf.if
// CHECK: %[[DATA:.*]] = arith.trunci
// CHECK: tm.store {{.*}} mask %[[DATA]]
// CHECK: } else {
// CHECK: %[[BOTH:.*]] = arith.andi
// CHECK: tm.store {{.*}} mask %[[BOTH]]
#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
tm.kernel @data attributes {simdgroups = 4 : i64, parameterNames = ["p", "q", "n"]} {
^bb0(%p: !tt.ptr<i32>, %q: !tt.ptr<i32>, %n: i32):
  tm.region #l {
  ^bb0(%r: i32):
    %i = tm.coord %r, #l dim 0
    %in = arith.cmpi slt, %i, %n : i32
    %v = tm.load %p[%i : i32] : !tt.ptr<i32> -> i32
    %odd = arith.trunci %v : i32 to i1
    %both = arith.andi %in, %odd : i1
    tm.store %v, %q[%i : i32] mask %both : i32, !tt.ptr<i32>
  }
}

// -----

// No second version: there is no mask, and the pointer is not a base with an offset.
// CHECK-LABEL: tm.kernel @plain
// CHECK-NOT: scf.if
#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
tm.kernel @plain attributes {simdgroups = 4 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<f32>):
  tm.region #l {
  ^bb0(%r: i32):
    %v = tm.load %p : !tt.ptr<f32> -> f32
    tm.store %v, %p : f32, !tt.ptr<f32>
  }
}

// -----

// Unsigned comparisons and products of coordinates are not affine, so the region stays as it is.
// CHECK-LABEL: tm.kernel @unknown
// CHECK-NOT: scf.if
// CHECK-COUNT-2: mask
// CHECK-NOT: mask
#l = #tm.linear<shape = [16, 8], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
tm.kernel @unknown attributes {simdgroups = 4 : i64, parameterNames = ["p", "n"]} {
^bb0(%p: !tt.ptr<f32>, %n: i32):
  tm.region #l {
  ^bb0(%r: i32):
    %i = tm.coord %r, #l dim 0
    %j = tm.coord %r, #l dim 1
    %k = arith.muli %i, %j : i32
    %in = arith.cmpi ult, %i, %n : i32
    %also = arith.cmpi slt, %k, %n : i32
    %v = tm.load %p[%k : i32] mask %in : !tt.ptr<f32> -> f32
    tm.store %v, %p[%k : i32] mask %also : f32, !tt.ptr<f32>
  }
}

// -----

// Atomics and messages would gain nothing.
// CHECK-LABEL: tm.kernel @atomic
// CHECK-NOT: scf.if
#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
tm.kernel @atomic attributes {simdgroups = 4 : i64, parameterNames = ["p", "n"]} {
^bb0(%p: !tt.ptr<i32>, %n: i32):
  tm.region #l {
  ^bb0(%r: i32):
    %i = tm.coord %r, #l dim 0
    %in = arith.cmpi slt, %i, %n : i32
    %v = tm.load %p[%i : i32] mask %in : !tt.ptr<i32> -> i32
    %old = tm.atomic_rmw add, relaxed, gpu, %p[%i : i32], %v mask %in : !tt.ptr<i32>, i32 -> i32
  }
}

// SPDX-License-Identifier: MIT
// Every operation, attribute and type survives a round trip in the short and in the generic form.
// RUN: triton-metal-opt %s | triton-metal-opt | FileCheck %s
// RUN: triton-metal-opt %s -mlir-print-op-generic | triton-metal-opt | FileCheck %s

#blocked = #tm.linear<shape = [16, 32], registers = [128, 256], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
#copies = #tm.linear<shape = [16], registers = [], lanes = [1, 2, 4, 8, 0], simdgroups = [0, 0]>
#lanes = #tm.linear<shape = [4], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = [1, 2]>
#one = #tm.linear<shape = [], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = [0, 0]>

// CHECK-LABEL: tm.kernel @everything attributes {
// CHECK-SAME: aliasGroups = array<i64: -1, 0, 0, -1>
// CHECK-SAME: parameterNames = ["x", "p", "q", "n"]
// CHECK-SAME: simdgroups = 4
// CHECK-SAME: threadgroupBytes = 8192
tm.kernel @everything attributes {simdgroups = 4 : i64, threadgroupBytes = 8192 : i64, parameterNames = ["x", "p", "q", "n"],
                                  aliasGroups = array<i64: -1, 0, 0, -1>} {
^bb0(%x: f32, %p: !tt.ptr<f32>, %q: !tt.ptr<i32>, %n: i32):
  %c0 = arith.constant 0 : i32
  // CHECK: %[[T:.*]] = tm.tile : <f32, {{.*}}>
  %t = tm.tile : !tm.tile<f32, #blocked>
  %u = tm.tile : !tm.tile<f32, #blocked>
  // CHECK: tm.tile : <f32, <shape = [], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = [0, 0]>>
  %o = tm.tile : !tm.tile<f32, #one>
  // CHECK: tm.tile : <!tt.ptr<f32>, {{.*}}>
  %pointers = tm.tile : !tm.tile<!tt.ptr<f32>, #lanes>
  // CHECK: tm.shared at 0 : <512 x f32>
  %a = tm.shared at 0 : <512 x f32>
  // CHECK: tm.shared at 2048 : <512 x f32>
  %b = tm.shared at 2048 : <512 x f32>
  // CHECK: tm.shared : <16 x i32>
  %bins = tm.shared : <16 x i32>
  // CHECK: tm.region <shape = [16, 32], registers = [128, 256], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]> vectorizable {
  // CHECK-NEXT: ^bb0(%[[R:.*]]: i32):
  tm.region #blocked vectorizable {
  ^bb0(%r: i32):
    // CHECK: tm.coord %[[R]], <shape = [16, 32], {{.*}}> dim 1
    %column = tm.coord %r, #blocked dim 1
    // CHECK: %[[I:.*]] = tm.element %[[R]], <shape = [16, 32]
    %i = tm.element %r, #blocked
    // CHECK: tm.lane
    %lane = tm.lane
    // CHECK: tm.simdgroup
    %group = tm.simdgroup
    %in = arith.cmpi slt, %i, %n : i32
    // CHECK: tm.load %{{.*}} : !tt.ptr<f32> -> f32
    %v0 = tm.load %p : !tt.ptr<f32> -> f32
    // CHECK: tm.load %{{.*}}[%[[I]] : i32] mask %{{.*}} other %{{.*}} : f32 {isVolatile} : !tt.ptr<f32> -> f32
    %v1 = tm.load %p[%i : i32] mask %in other %x : f32 {isVolatile} : !tt.ptr<f32> -> f32
    // CHECK: tm.put %{{.*}}, %[[T]][%[[R]]] : f32, <f32, {{.*}}>
    tm.put %v1, %t[%r] : f32, !tm.tile<f32, #blocked>
    // CHECK: tm.get %[[T]][%[[R]]] : <f32, {{.*}}> -> f32
    %v2 = tm.get %t[%r] : !tm.tile<f32, #blocked> -> f32
    %wide = arith.extsi %i : i32 to i64
    // CHECK: tm.store %{{.*}}, %{{.*}}[%{{.*}} : i64] mask %{{.*}} : f32, !tt.ptr<f32>
    tm.store %v2, %p[%wide : i64] mask %in : f32, !tt.ptr<f32>
    // CHECK: tm.shared_store %{{.*}}, %{{.*}}[%[[I]]] mask %{{.*}} : f32, <512 x f32>
    tm.shared_store %v2, %a[%i] mask %in : f32, !tm.shared<512 x f32>
    // CHECK: tm.shared_load %{{.*}}[%[[I]]] : <512 x f32> -> f32
    %v3 = tm.shared_load %a[%i] : !tm.shared<512 x f32> -> f32
    // CHECK: tm.shared_atomic_add %{{.*}}, %{{.*}}[%{{.*}}] mask %{{.*}} : <16 x i32>
    tm.shared_atomic_add %i, %bins[%c0] mask %in : !tm.shared<16 x i32>
    // CHECK: tm.print "v" hex true values %{{.*}}, %{{.*}} : f32, i32 at %{{.*}}, %{{.*}} : i32, i32 {isSigned = array<i32: 1, 0>}
    tm.print "v" hex true values %v3, %i : f32, i32 at %column, %i : i32, i32 {isSigned = array<i32: 1, 0>}
    // CHECK: tm.assert %{{.*}}, "in range"
    tm.assert %in, "in range"
  }
  // CHECK: tm.region <shape = [16], registers = [], {{.*}}> {
  // CHECK: tm.atomic_rmw add, acq_rel, gpu, %{{.*}}[%{{.*}} : i32], %{{.*}} mask %{{.*}} : !tt.ptr<i32>, i32 -> i32
  tm.region #copies {
  ^bb0(%r: i32):
    %i = tm.element %r, #copies
    %in = arith.cmpi slt, %i, %n : i32
    %old = tm.atomic_rmw add, acq_rel, gpu, %q[%i : i32], %i mask %in : !tt.ptr<i32>, i32 -> i32
  }
  // CHECK: tm.single {
  tm.single {
    // CHECK: tm.atomic_cas acquire, cta, %{{.*}}, %{{.*}}, %{{.*}} : !tt.ptr<i32>, i32, i32 -> i32
    %0 = tm.atomic_cas acquire, cta, %q, %n, %c0 : !tt.ptr<i32>, i32, i32 -> i32
    // CHECK: tm.atomic_load relaxed, sys, %{{.*}}[%{{.*}} : i32] : !tt.ptr<i32> -> i32
    %1 = tm.atomic_load relaxed, sys, %q[%n : i32] : !tt.ptr<i32> -> i32
    // CHECK: tm.atomic_store release, gpu, %{{.*}}, %{{.*}} : i32, !tt.ptr<i32>
    tm.atomic_store release, gpu, %1, %q : i32, !tt.ptr<i32>
    // CHECK: tm.print "done" hex false {isSigned = array<i32>}
    tm.print "done" hex false {isSigned = array<i32>}
  }
  // CHECK: tm.get %{{.*}}[%{{.*}}] : <f32, {{.*}}> -> f32
  %scalar = tm.get %o[%c0] : !tm.tile<f32, #one> -> f32
  // CHECK: tm.shuffle_xor %[[T]] to %{{.*}} mask 16 : <f32, {{.*}}> to <f32, {{.*}}>
  tm.shuffle_xor %t to %u mask 16 : !tm.tile<f32, #blocked> to !tm.tile<f32, #blocked>
  // CHECK: tm.shuffle_up %[[T]] to %{{.*}} delta 1 : <f32, {{.*}}> to <f32, {{.*}}>
  tm.shuffle_up %t to %u delta 1 : !tm.tile<f32, #blocked> to !tm.tile<f32, #blocked>
  // CHECK: tm.barrier none
  // CHECK-NEXT: tm.barrier threadgroup
  // CHECK-NEXT: tm.barrier device
  // CHECK-NEXT: tm.barrier device_threadgroup
  tm.barrier none
  tm.barrier threadgroup
  tm.barrier device
  tm.barrier device_threadgroup
  // CHECK: %[[F:.*]] = tm.fragments : <16 by 16 x f32, 2 by 2>
  %f = tm.fragments : !tm.fragments<16 by 16 x f32, 2 by 2>
  %g = tm.fragments : !tm.fragments<16 by 16 x f32, 2 by 2>
  // CHECK: tm.fragments_fill %[[F]], %{{.*}} : <16 by 16 x f32, 2 by 2>, f32
  tm.fragments_fill %f, %x : !tm.fragments<16 by 16 x f32, 2 by 2>, f32
  // CHECK: tm.fragments_copy %[[F]] to %{{.*}} : <16 by 16 x f32, 2 by 2> to <16 by 16 x f32, 2 by 2>
  tm.fragments_copy %f to %g : !tm.fragments<16 by 16 x f32, 2 by 2> to !tm.fragments<16 by 16 x f32, 2 by 2>
  // CHECK: tm.multiply_accumulate %[[F]], %{{.*}} stride 32, %{{.*}} stride 32 transposed depth 32 : <16 by 16 x f32, 2 by 2>, <512 x f32>, <512 x f32>
  tm.multiply_accumulate %f, %a stride 32, %b stride 32 transposed depth 32 : !tm.fragments<16 by 16 x f32, 2 by 2>, !tm.shared<512 x f32>, !tm.shared<512 x f32>
  // CHECK: tm.multiply_accumulate %[[F]], %{{.*}} stride 16 transposed, %{{.*}} stride 16 depth 32 :
  tm.multiply_accumulate %f, %a stride 16 transposed, %b stride 16 depth 32 : !tm.fragments<16 by 16 x f32, 2 by 2>, !tm.shared<512 x f32>, !tm.shared<512 x f32>
  // CHECK: tm.multiply_accumulate %[[F]], %{{.*}} stride 16, %{{.*}} stride 16 depth 16 batches 2 :
  tm.multiply_accumulate %f, %a stride 16, %b stride 16 depth 16 batches 2 : !tm.fragments<16 by 16 x f32, 2 by 2>, !tm.shared<512 x f32>, !tm.shared<512 x f32>
  // CHECK: tm.fragments_store %[[F]] rows 8 count 8 to %{{.*}} stride 16 : <16 by 16 x f32, 2 by 2>, <512 x f32>
  tm.fragments_store %f rows 8 count 8 to %a stride 16 : !tm.fragments<16 by 16 x f32, 2 by 2>, !tm.shared<512 x f32>
}

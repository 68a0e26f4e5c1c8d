// SPDX-License-Identifier: MIT
// Regions, tiles and indices: regions are loops over any number of registers; the lane's part of an index stays affine.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

#plain = #tm.linear<shape = [65536], registers = [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>
#matrix = #tm.linear<shape = [16, 64], registers = [256, 512], lanes = [1, 2, 4, 8, 64], simdgroups = [16, 128]>
#reversed = #tm.linear<shape = [32], registers = [], lanes = [16, 8, 4, 2, 1], simdgroups = [0, 0]>
#overlapping = #tm.linear<shape = [32], registers = [], lanes = [1, 3, 4, 8, 16], simdgroups = [0, 0]>
#lanes = #tm.linear<shape = [8], registers = [1], lanes = [0, 0, 0, 0, 0], simdgroups = [2, 4]>
#all = #tm.linear<shape = [2], registers = [1], lanes = [0, 0, 0, 0, 0], simdgroups = [0, 0]>
// CHECK-LABEL: kernel void regions(
tm.kernel @regions attributes {simdgroups = 4 : i64, parameterNames = ["x"]} {
^bb0(%x: !tt.ptr<f32>):
  // CHECK: TM_TILE(float, t0, 512)
  %t = tm.tile : !tm.tile<f32, #plain>
  // CHECK-NEXT: TM_SG_TILE(int, t1, 2)
  %g = tm.tile : !tm.tile<i32, #lanes>
  // CHECK-NEXT: TM_U_TILE(device float *, t2, 2)
  %u = tm.tile : !tm.tile<!tt.ptr<f32>, #all>
  // CHECK-NEXT: for (int r = 0; r < 512; ++r) TM_REGION_SAFE {
  // CHECK-NEXT:   const int v3 = r * 128 + int(tm_sg) * 32 + int(tm_lane);
  // CHECK-NEXT:   const float v4 = x[v3];
  // CHECK-NEXT:   TM_AT(t0, r) = v4;
  // CHECK-NEXT: }
  tm.region #plain vectorizable {
  ^bb0(%r: i32):
    %i = tm.element %r, #plain
    %v = tm.load %x[%i : i32] : !tt.ptr<f32> -> f32
    tm.put %v, %t[%r] : f32, !tm.tile<f32, #plain>
  }
  // CHECK-NEXT: TM_UNROLL_GPU for (int r = 0; r < 4; ++r) TM_REGION {
  // CHECK-NEXT:   const int v5 = r * 4 + (int(tm_sg) >> 1) * 2 + (int(tm_lane) >> 4);
  // CHECK-NEXT:   const int v6 = (int(tm_sg) & TM_MASK(1)) * 16 + (int(tm_lane) & TM_MASK(15));
  tm.region #matrix {
  ^bb0(%r: i32):
    %row = tm.coord %r, #matrix dim 0
    %column = tm.coord %r, #matrix dim 1
    // Each lane reads a tile that all lanes share.
    // CHECK-NEXT:   const int v7 = TM_SG_AT(t1, 0);
    %c0 = arith.constant 0 : i32
    %v = tm.get %g[%c0] : !tm.tile<i32, #lanes> -> i32
    // CHECK-NEXT:   const int v8 = tm::add(int(tm_lane), int(tm_sg));
    %lane = tm.lane
    %group = tm.simdgroup
    %sum = arith.addi %lane, %group : i32
  }
  // CHECK: TM_REGION {
  // CHECK-NEXT:   const int r = 0;
  // CHECK-NEXT:   const int v9 = (int(tm_lane) & TM_MASK(1)) * 16 + ((int(tm_lane) >> 1) & TM_MASK(1)) * 8 + ((int(tm_lane) >> 2) & TM_MASK(1)) * 4 + ((int(tm_lane) >> 3) & TM_MASK(1)) * 2 + (int(tm_lane) >> 4);
  // CHECK-NEXT:   const int v10 = (int(tm_lane) & TM_MASK(1)) ^ (((int(tm_lane) >> 1) & TM_MASK(1)) * 3) ^ ((int(tm_lane) >> 2) * 4);
  tm.region #reversed {
  ^bb0(%r: i32):
    %i = tm.element %r, #reversed
    %j = tm.element %r, #overlapping
  }
  // CHECK: TM_UNROLL_GPU for (int r = 0; r < 2; ++r) TM_SG_REGION {
  // CHECK-NEXT:   const int v11 = r + int(tm_sg) * 2;
  // CHECK-NEXT:   TM_SG_AT(t1, r) = v11;
  tm.region #lanes vectorizable {
  ^bb0(%r: i32):
    %i = tm.element %r, #lanes
    tm.put %i, %g[%r] : i32, !tm.tile<i32, #lanes>
  }
  // CHECK: TM_UNROLL_GPU for (int r = 0; r < 2; ++r) TM_U_REGION {
  // CHECK-NEXT:   TM_U_AT(t2, r) = x;
  tm.region #all {
  ^bb0(%r: i32):
    tm.put %x, %u[%r] : !tt.ptr<f32>, !tm.tile<!tt.ptr<f32>, #all>
  }
  // CHECK: TM_BARRIER(mem_none)
  // CHECK-NEXT: TM_BARRIER(mem_threadgroup)
  // CHECK-NEXT: TM_BARRIER(mem_device)
  // CHECK-NEXT: TM_BARRIER(mem_device_and_threadgroup)
  tm.barrier none
  tm.barrier threadgroup
  tm.barrier device
  tm.barrier device_threadgroup
  %s = tm.tile : !tm.tile<f32, #plain>
  // CHECK: TM_SHUFFLE_XOR(t12, t0, 512, 16)
  tm.shuffle_xor %t to %s mask 16 : !tm.tile<f32, #plain> to !tm.tile<f32, #plain>
  // CHECK-NEXT: TM_SHUFFLE_UP(t12, t0, 512, 1)
  tm.shuffle_up %t to %s delta 1 : !tm.tile<f32, #plain> to !tm.tile<f32, #plain>
}

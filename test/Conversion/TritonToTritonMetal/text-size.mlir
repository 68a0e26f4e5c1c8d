// SPDX-License-Identifier: MIT
// The text does not grow with the block, because a region is a loop over registers.
// RUN: sed 's/BLOCK/256/g' %s | triton-metal-translate --emit-msl - -o %t.256
// RUN: sed 's/BLOCK/4096/g' %s | triton-metal-translate --emit-msl - -o %t.4096
// RUN: sed 's/BLOCK/65536/g' %s | triton-metal-translate --emit-msl - -o %t.65536
// RUN: wc -l < %t.256 > %t.lines
// RUN: wc -l < %t.4096 | diff %t.lines -
// RUN: wc -l < %t.65536 | diff %t.lines -
// RUN: FileCheck %s < %t.4096
// RUN: %compile-msl %t.4096

// CHECK-COUNT-8: for (int r = 0; r < 32; ++r) TM_REGION_{{SAFE|ACCUMULATE}} {
tt.func public @softmax(%x: !tt.ptr<f32>, %n: i32) {
  %range = tt.make_range {start = 0 : i32, end = BLOCK : i32} : tensor<BLOCKxi32>
  %ns = tt.splat %n : i32 -> tensor<BLOCKxi32>
  %in = arith.cmpi slt, %range, %ns : tensor<BLOCKxi32>
  %least = arith.constant dense<0xFF800000> : tensor<BLOCKxf32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<BLOCKx!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<BLOCKx!tt.ptr<f32>>, tensor<BLOCKxi32>
  %v = tt.load %xp, %in, %least : tensor<BLOCKx!tt.ptr<f32>>
  %max = "tt.reduce"(%v) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %m = arith.maxnumf %a, %b : f32
    tt.reduce.return %m : f32
  }) : (tensor<BLOCKxf32>) -> f32
  %maxs = tt.splat %max : f32 -> tensor<BLOCKxf32>
  %d = arith.subf %v, %maxs : tensor<BLOCKxf32>
  %e = math.exp %d : tensor<BLOCKxf32>
  %sums = "tt.scan"(%e) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tt.scan.return %s : f32
  }) : (tensor<BLOCKxf32>) -> tensor<BLOCKxf32>
  tt.store %xp, %sums, %in : tensor<BLOCKx!tt.ptr<f32>>
  tt.return
}

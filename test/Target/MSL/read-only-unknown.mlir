// SPDX-License-Identifier: MIT
// A store through a pointer that is selected from two arguments goes to one of them. A pointer that was kept in a tile
// is not followed: the store may go anywhere, so nothing is marked as read-only.
// RUN: split-file %s %t
// RUN: triton-metal-translate --emit-msl %t/chosen.mlir | FileCheck %s --check-prefix=CHOSEN
// RUN: triton-metal-translate --emit-msl %t/kept.mlir | FileCheck %s --check-prefix=KEPT

//--- chosen.mlir
// CHOSEN: kernel void k(device float *a {{\[\[}}
// CHOSEN-NEXT: device float *b {{\[\[}}
// CHOSEN-NEXT: device float *TM_READ_ONLY c {{\[\[}}
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

//--- kept.mlir
#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>

// KEPT: kernel void k(device float *a {{\[\[}}
// KEPT-NEXT: device float *b {{\[\[}}
tm.kernel @k attributes {simdgroups = 1 : i64, threadgroupBytes = 0 : i64, parameterNames = ["a", "b"]} {
^bb0(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>):
  %x = tm.load %b : !tt.ptr<f32> -> f32
  %t = tm.tile : !tm.tile<!tt.ptr<f32>, #l>
  tm.region #l {
  ^bb0(%r: i32):
    tm.put %a, %t[%r] : !tt.ptr<f32>, !tm.tile<!tt.ptr<f32>, #l>
    %p = tm.get %t[%r] : !tm.tile<!tt.ptr<f32>, #l> -> !tt.ptr<f32>
    tm.store %x, %p : f32, !tt.ptr<f32>
  }
}

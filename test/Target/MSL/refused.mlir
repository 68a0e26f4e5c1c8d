// SPDX-License-Identifier: MIT
// What a chip cannot do is refused with the source line and the reason; the CPU may be able to run the same text.
// RUN: split-file %s %t
// RUN: not triton-metal-translate --emit-msl --arch=m4 %t/atomic.mlir 2>&1 | FileCheck %s --check-prefix=ATOMIC
// RUN: triton-metal-translate --emit-msl %t/atomic.mlir -o %t/atomic.metal
// RUN: not triton-metal-translate --emit-msl %t/extern.mlir 2>&1 | FileCheck %s --check-prefix=EXTERN
// RUN: not triton-metal-translate --emit-msl %t/print.mlir 2>&1 | FileCheck %s --check-prefix=PRINT
// RUN: not triton-metal-translate --emit-msl --arch=m1 %t/threadgroup.mlir 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: not triton-metal-translate --emit-msl --simdgroups=64 %t/print.mlir 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: not triton-metal-translate --emit-msl %t/buffers.mlir 2>&1 | FileCheck %s --check-prefix=BUFFERS
// RUN: not triton-metal-translate --emit-msl --arch=m77 %t/atomic.mlir 2>&1 | FileCheck %s --check-prefix=ARCH
// ARCH: [arch] There is no hardware profile 'm77'; known are host, m1,

//--- atomic.mlir
// ATOMIC: kernel.py:4:2: [tm.atomic_rmw] 'exch' of i64 is refused on m4: Metal has no 64-bit atomic for it, and the halves of two values could mix. Use 32 bits, or run it on the CPU device.
tt.func public @wide(%p: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %old = tt.atomic_rmw exch, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":4:2)
  tt.return
}
//--- extern.mlir
// EXTERN: kernel.py:5:1: [tt.extern_elementwise] The function '__nv_nonsense' belongs to another backend.
tt.func public @foreign(%p: !tt.ptr<f32>, %x: f32) {
  %y = tt.extern_elementwise %x {libname = "", libpath = "", pure = true, symbol = "__nv_nonsense"} : (f32) -> f32 loc("kernel.py":5:1)
  tt.store %p, %y : !tt.ptr<f32>
  tt.return
}
//--- print.mlir
// PRINT: kernel.py:6:1: [tm.print] A print has room for 12 words; this one needs 14: print fewer operands at once.
// THREADS: {{.*}}threads{{.*}}2048{{.*}}1024
tt.func public @long(%x: i64) {
  tt.print " " {hex = false, isSigned = array<i32: 1, 1, 1, 1, 1, 1, 1>} : %x, %x, %x, %x, %x, %x, %x : i64, i64, i64, i64, i64, i64, i64 loc("kernel.py":6:1)
  tt.return
}
//--- threadgroup.mlir
// MEMORY: {{.*}}shared memory{{.*}}49152{{.*}}32768
tt.func public @scans(%x: !tt.ptr<i64>) {
  %range = tt.make_range {start = 0 : i32, end = 65536 : i32} : tensor<65536xi32>
  %xs = tt.splat %x : !tt.ptr<i64> -> tensor<65536x!tt.ptr<i64>>
  %xp = tt.addptr %xs, %range : tensor<65536x!tt.ptr<i64>>, tensor<65536xi32>
  %v = tt.load %xp : tensor<65536x!tt.ptr<i64>>
  %s:3 = "tt.scan"(%v, %v, %v) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: i64, %b: i64, %c: i64, %d: i64, %e: i64, %f: i64):
    %g = arith.addi %a, %d : i64
    %h = arith.addi %b, %e : i64
    %i = arith.addi %c, %f : i64
    tt.scan.return %g, %h, %i : i64, i64, i64
  }) : (tensor<65536xi64>, tensor<65536xi64>, tensor<65536xi64>) -> (tensor<65536xi64>, tensor<65536xi64>, tensor<65536xi64>)
  %t = arith.addi %s#0, %s#1 : tensor<65536xi64>
  %u = arith.addi %t, %s#2 : tensor<65536xi64>
  tt.store %xp, %u : tensor<65536x!tt.ptr<i64>>
  tt.return
}
//--- buffers.mlir
// BUFFERS: kernel.py:7:1: [kernel] A Metal kernel takes at most 31 buffers; this one needs 32
tt.func public @many(%p0: !tt.ptr<f32>, %p1: !tt.ptr<f32>, %p2: !tt.ptr<f32>, %p3: !tt.ptr<f32>, %p4: !tt.ptr<f32>, %p5: !tt.ptr<f32>, %p6: !tt.ptr<f32>, %p7: !tt.ptr<f32>, %p8: !tt.ptr<f32>, %p9: !tt.ptr<f32>, %p10: !tt.ptr<f32>, %p11: !tt.ptr<f32>, %p12: !tt.ptr<f32>, %p13: !tt.ptr<f32>, %p14: !tt.ptr<f32>, %p15: !tt.ptr<f32>, %p16: !tt.ptr<f32>, %p17: !tt.ptr<f32>, %p18: !tt.ptr<f32>, %p19: !tt.ptr<f32>, %p20: !tt.ptr<f32>, %p21: !tt.ptr<f32>, %p22: !tt.ptr<f32>, %p23: !tt.ptr<f32>, %p24: !tt.ptr<f32>, %p25: !tt.ptr<f32>, %p26: !tt.ptr<f32>, %p27: !tt.ptr<f32>, %p28: !tt.ptr<f32>, %p29: !tt.ptr<f32>, %p30: !tt.ptr<f32>, %p31: !tt.ptr<f32>) {
  %one = arith.constant 1.0 : f32
  tt.store %p0, %one : !tt.ptr<f32>
  tt.store %p1, %one : !tt.ptr<f32>
  tt.store %p2, %one : !tt.ptr<f32>
  tt.store %p3, %one : !tt.ptr<f32>
  tt.store %p4, %one : !tt.ptr<f32>
  tt.store %p5, %one : !tt.ptr<f32>
  tt.store %p6, %one : !tt.ptr<f32>
  tt.store %p7, %one : !tt.ptr<f32>
  tt.store %p8, %one : !tt.ptr<f32>
  tt.store %p9, %one : !tt.ptr<f32>
  tt.store %p10, %one : !tt.ptr<f32>
  tt.store %p11, %one : !tt.ptr<f32>
  tt.store %p12, %one : !tt.ptr<f32>
  tt.store %p13, %one : !tt.ptr<f32>
  tt.store %p14, %one : !tt.ptr<f32>
  tt.store %p15, %one : !tt.ptr<f32>
  tt.store %p16, %one : !tt.ptr<f32>
  tt.store %p17, %one : !tt.ptr<f32>
  tt.store %p18, %one : !tt.ptr<f32>
  tt.store %p19, %one : !tt.ptr<f32>
  tt.store %p20, %one : !tt.ptr<f32>
  tt.store %p21, %one : !tt.ptr<f32>
  tt.store %p22, %one : !tt.ptr<f32>
  tt.store %p23, %one : !tt.ptr<f32>
  tt.store %p24, %one : !tt.ptr<f32>
  tt.store %p25, %one : !tt.ptr<f32>
  tt.store %p26, %one : !tt.ptr<f32>
  tt.store %p27, %one : !tt.ptr<f32>
  tt.store %p28, %one : !tt.ptr<f32>
  tt.store %p29, %one : !tt.ptr<f32>
  tt.store %p30, %one : !tt.ptr<f32>
  tt.store %p31, %one : !tt.ptr<f32>
  tt.return
} loc("kernel.py":7:1)

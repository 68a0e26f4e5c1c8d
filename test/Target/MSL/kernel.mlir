// SPDX-License-Identifier: MIT
// The outer parts of a kernel: parameters, the struct of scalars, names, lines of the user's code.
// RUN: triton-metal-translate --emit-msl --facts %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

// CHECK: // kernel index as k_index: 4 SIMD groups, 512 bytes of threadgroup memory, 1088 of tiles
// CHECK: // parameter x_ptr, !tt.ptr<f32>: buffer 0
// CHECK: // parameter flag, i1: bytes 0 to 1
// CHECK: // parameter float4, i64: bytes 8 to 16
// CHECK: // parameter kernel, !tt.ptr<i1>: buffer 1, stored
// CHECK: // parameter scale, f16: bytes 16 to 18
// CHECK: // arguments: buffer 2, 24 bytes; report: buffer -1; bounds: buffer -1

// CHECK-LABEL: #include <triton_metal.h>
// CHECK-EMPTY:
// CHECK-NEXT: struct tm_arguments {
// CHECK-NEXT:   uchar flag;
// CHECK-NEXT:   long float4_;
// CHECK-NEXT:   half scale;
// CHECK-NEXT: };
// CHECK-EMPTY:
// CHECK-NEXT: {{\[\[}}max_total_threads_per_threadgroup(128)]]
// CHECK-NEXT: kernel void k_index(device float *TM_READ_ONLY x_ptr {{\[\[}}buffer(0)]],
// CHECK-NEXT:     device uchar *kernel_ {{\[\[}}buffer(1)]],
// CHECK-NEXT:     constant tm_arguments &tm_args {{\[\[}}buffer(2)]],
// CHECK-NEXT:     TM_POSITION) {
// CHECK-NEXT:   TM_BEGIN(4, 512)
// CHECK-NEXT:   const bool flag = tm_args.flag != 0;
// CHECK-NEXT:   const long float4_ = tm_args.float4_;
// CHECK-NEXT:   const int v0 = int(tm_pid.y); // add.py:12
// CHECK-NEXT:   const int v1 = int(tm_grid.x); // add.py:13
// CHECK-NEXT:   const int v2 = tm::add(v0, v1); // mine.py:13
// CHECK-NEXT:   const long v3 = long(v2);
// CHECK-NEXT:   const long v4 = tm::add(v3, float4_); // lib.py:3
// CHECK-NEXT:   TM_TILE(float, t5, 2)
// CHECK-NEXT:   TM_ONE {
// CHECK-NEXT:     kernel_[v4] = uchar(flag);
// CHECK-NEXT:   }
// CHECK-NEXT:   TM_END
// CHECK-NEXT: }
// CHECK-NEXT: TM_ENTRY(k_index)
tm.kernel @index attributes {simdgroups = 4 : i64, threadgroupBytes = 512 : i64,
                             parameterNames = ["x_ptr", "flag", "float4", "kernel", "scale"]} {
^bb0(%x: !tt.ptr<f32>, %flag: i1, %n: i64, %k: !tt.ptr<i1>, %s: f16):
  %0 = tt.get_program_id y : i32 loc("/home/user/add.py":12:3)
  %1 = tt.get_num_programs x : i32 loc("pid"("/home/user/add.py":13:3))
  // Functions of Triton's own library are not the user's code, others are.
  %2 = arith.addi %0, %1 : i32 loc(callsite("/usr/lib/triton/language/standard.py":7:1 at "mine.py":13:1))
  %3 = arith.extsi %2 : i32 to i64 loc("mine.py":13:9)
  %4 = arith.addi %3, %n : i64 loc(fused[callsite("lib.py":3:1 at "mine.py":14:1)])
  %t = tm.tile : !tm.tile<f32, #tm.linear<shape = [256], registers = [128], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>>
  tm.single {
    tm.store %flag, %k[%4 : i64] : i1, !tt.ptr<i1>
  }
}

// SPDX-License-Identifier: MIT
// Arrays share bytes unless they are live at the same time.
// RUN: triton-metal-opt %s -tm-allocate-threadgroup-memory | FileCheck %s
// RUN: not triton-metal-opt %s -tm-allocate-threadgroup-memory="limit=1500" 2>&1 | FileCheck %s --check-prefix=SHORT

#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>

// One array after the other.
// CHECK-LABEL: tm.kernel @apart
// CHECK-SAME: threadgroupBytes = 512
tm.kernel @apart attributes {simdgroups = 4 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  // CHECK: tm.shared at 0 : <128 x f32>
  %a = tm.shared : <128 x f32>
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %a[%r] : f32, !tm.shared<128 x f32>
  }
  // CHECK: tm.shared at 0 : <64 x f32>
  %b = tm.shared : <64 x f32>
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %b[%r] : f32, !tm.shared<64 x f32>
  }
}

// The first array is read after the second was declared. Offsets are multiples of 16 bytes; large arrays come first.
// CHECK-LABEL: tm.kernel @together
// CHECK-SAME: threadgroupBytes = 528
// SHORT-NOT: OutOfResources
tm.kernel @together attributes {simdgroups = 4 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  // CHECK: tm.shared at 512 : <3 x f16>
  %a = tm.shared : <3 x f16>
  // CHECK: tm.shared at 0 : <128 x f32>
  %b = tm.shared : <128 x f32>
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %b[%r] : f32, !tm.shared<128 x f32>
    %h = tm.shared_load %a[%r] : !tm.shared<3 x f16> -> f16
  }
}

// What a loop reads is live during the whole loop, because the next trip reads it again.
// CHECK-LABEL: tm.kernel @loop
// CHECK-SAME: threadgroupBytes = 1536
// SHORT: OutOfResources: threadgroup memory: 1536 bytes needed, 1500 available
tm.kernel @loop attributes {simdgroups = 4 : i64, parameterNames = ["v", "n"]} {
^bb0(%v: f32, %n: i32):
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: tm.shared at 0 : <128 x f32>
  %a = tm.shared : <128 x f32>
  scf.for %i = %c0 to %n step %c1 : i32 {
    tm.region #l {
    ^bb0(%r: i32):
      %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
    }
    // CHECK: tm.shared at 512 : <128 x f32>
    %b = tm.shared : <128 x f32>
    tm.region #l {
    ^bb0(%r: i32):
      tm.shared_store %v, %b[%r] : f32, !tm.shared<128 x f32>
    }
    // The first array of the trip is dead by now.
    // CHECK: tm.shared at 512 : <128 x f32>
    %c = tm.shared : <128 x f32>
    // CHECK: tm.shared at 1024 : <64 x f64>
    %d = tm.shared : <64 x f64>
    tm.region #l {
    ^bb0(%r: i32):
      tm.shared_store %v, %c[%r] : f32, !tm.shared<128 x f32>
      %x = tm.shared_load %d[%r] : !tm.shared<64 x f64> -> f64
    }
  }
}

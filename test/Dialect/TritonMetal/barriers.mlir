// SPDX-License-Identifier: MIT
// A barrier stands where threads could touch the same memory, and nowhere else.
// RUN: triton-metal-opt %s -tm-place-barriers | FileCheck %s

#l = #tm.linear<shape = [128], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]>

// CHECK-LABEL: tm.kernel @write_read_read
tm.kernel @write_read_read attributes {simdgroups = 4 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %a = tm.shared at 0 : <128 x f32>
  %other = tm.shared at 512 : <128 x f32>
  // CHECK-NOT: tm.barrier
  // CHECK: tm.shared_store
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %a[%r] : f32, !tm.shared<128 x f32>
  }
  // CHECK-NOT: tm.barrier
  // CHECK: tm.shared_store
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %other[%r] : f32, !tm.shared<128 x f32>
  }
  // CHECK: tm.barrier threadgroup
  // CHECK-NEXT: tm.region
  // CHECK: tm.shared_load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
  }
  // CHECK-NOT: tm.barrier
  // CHECK: tm.shared_load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.shared_load %other[%r] : !tm.shared<128 x f32> -> f32
  }
}

// Another array with some of the same bytes.
// CHECK-LABEL: tm.kernel @shared_bytes
tm.kernel @shared_bytes attributes {simdgroups = 4 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %a = tm.shared at 0 : <128 x f32>
  %b = tm.shared at 496 : <8 x f32>
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
  }
  // CHECK: tm.shared_load
  // CHECK: tm.barrier threadgroup
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %b[%r] : f32, !tm.shared<8 x f32>
  }
}

// CHECK-LABEL: tm.kernel @atomics_commute
// CHECK-NOT: tm.barrier
// CHECK-LABEL: tm.kernel @loop
tm.kernel @atomics_commute attributes {simdgroups = 4 : i64, parameterNames = ["v"]} {
^bb0(%v: i32):
  %a = tm.shared at 0 : <128 x i32>
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_atomic_add %v, %a[%r] : !tm.shared<128 x i32>
  }
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_atomic_add %v, %a[%r] : !tm.shared<128 x i32>
  }
}

// Around a loop too: the next trip overwrites what this one reads.
tm.kernel @loop attributes {simdgroups = 4 : i64, parameterNames = ["v", "n"]} {
^bb0(%v: f32, %n: i32):
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %a = tm.shared at 0 : <128 x f32>
  // CHECK: scf.for
  // CHECK-NEXT: tm.barrier threadgroup
  // CHECK: tm.shared_store
  // CHECK: tm.barrier threadgroup
  // CHECK: tm.shared_load
  // CHECK-NOT: tm.barrier
  scf.for %i = %c0 to %n step %c1 : i32 {
    tm.region #l {
    ^bb0(%r: i32):
      tm.shared_store %v, %a[%r] : f32, !tm.shared<128 x f32>
    }
    tm.region #l {
    ^bb0(%r: i32):
      %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
    }
  }
}

// An existing barrier counts for the memory that it orders.
// CHECK-LABEL: tm.kernel @present
tm.kernel @present attributes {simdgroups = 4 : i64, parameterNames = ["v", "p"]} {
^bb0(%v: f32, %p: !tt.ptr<f32>):
  %a = tm.shared at 0 : <128 x f32>
  tm.region #l {
  ^bb0(%r: i32):
    tm.shared_store %v, %a[%r] : f32, !tm.shared<128 x f32>
    tm.store %v, %p[%r : i32] : f32, !tt.ptr<f32>
  }
  // CHECK: tm.barrier threadgroup
  tm.barrier threadgroup
  // CHECK-NOT: tm.barrier
  // CHECK: tm.shared_load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
  }
  // CHECK: tm.barrier device
  // CHECK: tm.load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.load %p[%r : i32] : !tt.ptr<f32> -> f32
  }
}

// Accesses to device memory are told apart by parameter and alias group.
// CHECK-LABEL: tm.kernel @parameters
tm.kernel @parameters attributes {simdgroups = 4 : i64, parameterNames = ["v", "p", "q", "s"],
                                  aliasGroups = array<i64: -1, 0, -1, 0>} {
^bb0(%v: f32, %p: !tt.ptr<f32>, %q: !tt.ptr<f32>, %s: !tt.ptr<f32>):
  tm.region #l {
  ^bb0(%r: i32):
    tm.store %v, %p[%r : i32] : f32, !tt.ptr<f32>
  }
  // CHECK: tm.store
  // CHECK-NOT: tm.barrier
  // CHECK: tm.load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.load %q[%r : i32] : !tt.ptr<f32> -> f32
  }
  // CHECK: tm.barrier device
  // CHECK: tm.load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.load %s[%r : i32] : !tt.ptr<f32> -> f32
  }
}

// An access in one side of a branch is enough.
// CHECK-LABEL: tm.kernel @branch
tm.kernel @branch attributes {simdgroups = 4 : i64, parameterNames = ["v", "c"]} {
^bb0(%v: f32, %c: i1):
  %a = tm.shared at 0 : <128 x f32>
  scf.if %c {
    tm.region #l {
    ^bb0(%r: i32):
      tm.shared_store %v, %a[%r] : f32, !tm.shared<128 x f32>
    }
  }
  // CHECK: scf.if
  // CHECK: tm.shared_store
  // CHECK: tm.barrier threadgroup
  // CHECK-NEXT: tm.region
  // CHECK: tm.shared_load
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.shared_load %a[%r] : !tm.shared<128 x f32> -> f32
  }
}

// A pointer that was chosen between two parameters meets a store to either, and none to a third.
// CHECK-LABEL: tm.kernel @chosen
tm.kernel @chosen attributes {simdgroups = 4 : i64, parameterNames = ["a", "b", "c", "first"]} {
^bb0(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %c: !tt.ptr<f32>, %first: i1):
  %p = arith.select %first, %a, %b : !tt.ptr<f32>
  %x = tm.load %p : !tt.ptr<f32> -> f32
  // CHECK-NOT: tm.barrier
  // CHECK: tm.single
  tm.single {
    tm.store %x, %c : f32, !tt.ptr<f32>
  }
  // CHECK: tm.barrier device
  // CHECK-NEXT: tm.single
  tm.single {
    tm.store %x, %b : f32, !tt.ptr<f32>
  }
}

// SPDX-License-Identifier: MIT
// RUN: not triton-metal-opt %s --split-input-file --raise-to-mlx="grid=2 args=ptr:64,ptr:64" 2>&1 | FileCheck %s

// CHECK: kernel.py:7:5: [tt.atomic_cas] Compare-and-swap
module {
  tt.func public @swap(%x: !tt.ptr<i32>, %y: !tt.ptr<i32>) {
    %c0 = arith.constant 0 : i32
    %old = tt.atomic_cas acq_rel, gpu, %x, %c0, %c0 : (!tt.ptr<i32>, i32, i32) -> i32 loc("kernel.py":7:5)
    tt.return
  }
}

// -----

// The program would wait for a store of another program.
// CHECK: kernel.py:9:3: [tt.load] The loop's condition depends on memory that the kernel stores to
module {
  tt.func public @wait(%x: !tt.ptr<i32>, %y: !tt.ptr<i32>) {
    %c0 = arith.constant 0 : i32
    tt.store %x, %c0 : !tt.ptr<i32>
    scf.while : () -> () {
      %v = tt.load %x : !tt.ptr<i32> loc("kernel.py":9:3)
      %go = arith.cmpi eq, %v, %c0 : i32
      scf.condition(%go)
    } do {
      scf.yield
    }
    tt.return
  }
}

// -----

// CHECK: Loads element 17 of 16: too few bytes, or a mask is missing.
module {
  tt.func public @beyond(%x: !tt.ptr<i32>, %y: !tt.ptr<i32>) {
    %c8 = arith.constant 8 : i32
    %pid = tt.get_program_id x : i32
    %more = arith.addi %pid, %c8 : i32
    %far = arith.addi %more, %c8 : i32
    %p = tt.addptr %x, %far : !tt.ptr<i32>, i32
    %v = tt.load %p : !tt.ptr<i32>
    tt.store %y, %v : !tt.ptr<i32>
    tt.return
  }
}

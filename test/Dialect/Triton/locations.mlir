// SPDX-License-Identifier: MIT
// Names and call sites survive a round trip, and loop hints keep their aliases.
// RUN: triton-metal-opt %s -mlir-print-debuginfo -mlir-use-nameloc-as-prefix | triton-metal-opt -mlir-print-debuginfo -mlir-use-nameloc-as-prefix | FileCheck %s

// CHECK-DAG: #[[LICM:.*]] = #llvm.loop_licm<disable = true, versioningDisable = true>
// CHECK-DAG: #loop_annotation = #llvm.loop_annotation<licm = #[[LICM]]>
// CHECK: tt.func public @named(%rows: i32 loc("rows"(#{{.*}})))
tt.func public @named(%arg0: i32 loc("rows"("k.py":3:1))) {
  // CHECK: %pid = tt.get_program_id x : i32 loc(#[[PID:.*]])
  %0 = tt.get_program_id x : i32 loc("pid"("k.py":4:11))
  // CHECK: %v = "tt.reduce"
  // CHECK: }) : (tensor<4xi32>) -> i32 loc(#[[CALL:.*]])
  %r = tt.make_range {end = 4 : i32, start = 0 : i32} : tensor<4xi32>
  %1 = "tt.reduce"(%r) <{axis = 0 : i32}> ({
  ^bb0(%a: i32, %b: i32):
    %s = arith.addi %a, %b : i32
    tt.reduce.return %s : i32
  }) : (tensor<4xi32>) -> i32 loc("v"(callsite("lib.py":10:2 at "k.py":5:3)))
  // CHECK: } {llvm.loop_annotation = #loop_annotation, tt.flatten, tt.num_stages = 3 : i32}
  scf.for %i = %0 to %arg0 step %1 : i32 {
  } {llvm.loop_annotation = #llvm.loop_annotation<licm = <disable = true, versioningDisable = true>>, tt.flatten, tt.num_stages = 3 : i32}
  tt.return
}
// CHECK-DAG: loc("k.py":4:11)
// CHECK-DAG: loc(callsite(#{{.*}} at #{{.*}}))

// SPDX-License-Identifier: MIT
// Memory accesses that the verifiers reject.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

tm.kernel @load_pointer attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: i64):
  // expected-error @+1 {{needs a pointer, not 'i64'}}
  %v = tm.load %p : i64 -> f32
}

// -----

tm.kernel @load_type attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<f32>):
  // expected-error @+1 {{has a result of type 'f16' where 'f32' is kept}}
  %v = tm.load %p : !tt.ptr<f32> -> f16
}

// -----

tm.kernel @load_offset attributes {simdgroups = 1 : i64, parameterNames = ["p", "i"]} {
^bb0(%p: !tt.ptr<f32>, %i: i16):
  // expected-error @+1 {{has an offset of type 'i16'; i32 and i64 are possible}}
  %v = tm.load %p[%i : i16] : !tt.ptr<f32> -> f32
}

// -----

tm.kernel @load_other attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<f32>, %x: f32):
  // expected-error @+1 {{has a value for a false mask, but no mask}}
  %v = tm.load %p other %x : f32 : !tt.ptr<f32> -> f32
}

// -----

tm.kernel @load_other_type attributes {simdgroups = 1 : i64, parameterNames = ["p", "m", "x"]} {
^bb0(%p: !tt.ptr<f32>, %m: i1, %x: f16):
  // expected-error @+1 {{has another value of type 'f16' where 'f32' is kept}}
  %v = tm.load %p mask %m other %x : f16 : !tt.ptr<f32> -> f32
}

// -----

tm.kernel @store_place attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<f32>, %x: f32):
  // expected-error @+1 {{would be done by every thread alike: it belongs in a tm.region or tm.single}}
  tm.store %x, %p : f32, !tt.ptr<f32>
}

// -----

tm.kernel @store_type attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<f32>, %x: i32):
  tm.single {
    // expected-error @+1 {{has a value of type 'i32' where 'f32' is kept}}
    tm.store %x, %p : i32, !tt.ptr<f32>
  }
}

// -----

tm.kernel @rmw_place attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<i32>, %x: i32):
  // expected-error @+1 {{it belongs in a tm.region or tm.single}}
  %o = tm.atomic_rmw add, relaxed, gpu, %p, %x : !tt.ptr<i32>, i32 -> i32
}

// -----

tm.kernel @rmw_kind attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<f32>, %x: f32):
  tm.single {
    // expected-error @+1 {{'add' is for integers, not 'f32'}}
    %o = tm.atomic_rmw add, relaxed, gpu, %p, %x : !tt.ptr<f32>, f32 -> f32
  }
}

// -----

tm.kernel @rmw_float attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<i32>, %x: i32):
  tm.single {
    // expected-error @+1 {{'fadd' is for floats, not 'i32'}}
    %o = tm.atomic_rmw fadd, relaxed, gpu, %p, %x : !tt.ptr<i32>, i32 -> i32
  }
}

// -----

tm.kernel @rmw_result attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<i32>, %x: i32):
  tm.single {
    // expected-error @+1 {{has a result of type 'i64' where 'i32' is kept}}
    %o = tm.atomic_rmw add, relaxed, gpu, %p, %x : !tt.ptr<i32>, i32 -> i64
  }
}

// -----

tm.kernel @cas_compare attributes {simdgroups = 1 : i64, parameterNames = ["p", "x", "y"]} {
^bb0(%p: !tt.ptr<i32>, %x: i32, %y: i64):
  tm.single {
    // expected-error @+1 {{has a comparison of type 'i64' where 'i32' is kept}}
    %o = tm.atomic_cas relaxed, gpu, %p, %y, %x : !tt.ptr<i32>, i64, i32 -> i32
  }
}

// -----

tm.kernel @atomic_load_type attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<i32>):
  tm.single {
    // expected-error @+1 {{has a result of type 'f32' where 'i32' is kept}}
    %o = tm.atomic_load relaxed, gpu, %p : !tt.ptr<i32> -> f32
  }
}

// -----

tm.kernel @atomic_store_place attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<i32>, %x: i32):
  // expected-error @+1 {{it belongs in a tm.region or tm.single}}
  tm.atomic_store relaxed, gpu, %x, %p : i32, !tt.ptr<i32>
}

// -----

// expected-error @+1 {{an array has at least one element, not 0}}
func.func @empty_array(%a: !tm.shared<0 x f32>)

// -----

// expected-error @+1 {{an array holds numbers or pointers, not 'index'}}
func.func @array_element(%a: !tm.shared<4 x index>)

// -----

tm.kernel @array_end attributes {simdgroups = 1 : i64, threadgroupBytes = 512 : i64, parameterNames = []} {
  // expected-error @+1 {{ends at byte 528 of 512 bytes of threadgroup memory}}
  %a = tm.shared at 16 : <128 x f32>
}

// -----

tm.kernel @array_begin attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{lies at byte 4, where no 'i64' can begin}}
  %a = tm.shared at 4 : <16 x i64>
}

// -----

tm.kernel @shared_load_type attributes {simdgroups = 1 : i64, parameterNames = ["i"]} {
^bb0(%i: i32):
  %a = tm.shared : <16 x f32>
  // expected-error @+1 {{has a result of type 'f16' where 'f32' is kept}}
  %v = tm.shared_load %a[%i] : !tm.shared<16 x f32> -> f16
}

// -----

tm.kernel @shared_load_index attributes {simdgroups = 1 : i64, parameterNames = []} {
  %i = arith.constant 16 : i32
  %a = tm.shared : <16 x f32>
  // expected-error @+1 {{names element 16 of 16}}
  %v = tm.shared_load %a[%i] : !tm.shared<16 x f32> -> f32
}

// -----

tm.kernel @shared_store_index attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %i = arith.constant -1 : i32
  %a = tm.shared : <16 x f32>
  tm.single {
    // expected-error @+1 {{names element -1 of 16}}
    tm.shared_store %v, %a[%i] : f32, !tm.shared<16 x f32>
  }
}

// -----

tm.kernel @shared_store_place attributes {simdgroups = 1 : i64, parameterNames = ["v", "i"]} {
^bb0(%v: f32, %i: i32):
  %a = tm.shared : <16 x f32>
  // expected-error @+1 {{it belongs in a tm.region or tm.single}}
  tm.shared_store %v, %a[%i] : f32, !tm.shared<16 x f32>
}

// -----

tm.kernel @shared_add attributes {simdgroups = 1 : i64, parameterNames = ["v", "i"]} {
^bb0(%v: i32, %i: i32):
  %a = tm.shared : <16 x i64>
  tm.single {
    // expected-error @+1 {{adds to an array of i32, not of 'i64'}}
    tm.shared_atomic_add %v, %a[%i] : !tm.shared<16 x i64>
  }
}

// -----

tm.kernel @print_signs attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: i32):
  tm.single {
    // expected-error @+1 {{has 1 values and 0 signs}}
    tm.print "v" hex false values %v : i32 {isSigned = array<i32>}
  }
}

// -----

tm.kernel @print_coordinates attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: i32):
  tm.single {
    // expected-error @+1 {{has coordinates, but stands for no element of a block}}
    tm.print "v" hex false at %v : i32 {isSigned = array<i32>}
  }
}

// -----

tm.kernel @assert_place attributes {simdgroups = 1 : i64, parameterNames = ["c"]} {
^bb0(%c: i1):
  // expected-error @+1 {{it belongs in a tm.region or tm.single}}
  tm.assert %c, "never"
}

// SPDX-License-Identifier: MIT
// What the verifiers reject. Memory, threads and matrices have files of their own.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{extent 24 is not a power of two}}
#l = #tm.linear<shape = [24], registers = [], lanes = [1, 2, 4, 8, 0], simdgroups = []>

// -----

// expected-error @+1 {{a SIMD group has 5 bits of lanes, not 4}}
#l = #tm.linear<shape = [16], registers = [], lanes = [1, 2, 4, 8], simdgroups = []>

// -----

// expected-error @+1 {{a threadgroup has at most 5 bits of SIMD groups, not 6}}
#l = #tm.linear<shape = [16], registers = [], lanes = [1, 2, 4, 8, 0], simdgroups = [0, 0, 0, 0, 0, 0]>

// -----

// expected-error @+1 {{basis 16 lies outside of the block's 16 elements}}
#l = #tm.linear<shape = [16], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>

// -----

// expected-error @+1 {{has 3 SIMD groups; 1, 2, 4, 8, 16 and 32 are possible}}
tm.kernel @odd attributes {simdgroups = 3 : i64, parameterNames = []} {
}

// -----

// expected-error @+1 {{has 1 parameters and 2 names}}
tm.kernel @names attributes {simdgroups = 1 : i64, parameterNames = ["x", "y"]} {
^bb0(%x: f32):
}

// -----

// expected-error @+1 {{takes numbers and pointers, not 'tensor<4xf32>'}}
tm.kernel @parameter attributes {simdgroups = 1 : i64, parameterNames = ["x"]} {
^bb0(%x: tensor<4xf32>):
}

// -----

// expected-error @+1 {{has 1 parameters and 2 alias groups}}
tm.kernel @groups attributes {simdgroups = 1 : i64, parameterNames = ["x"], aliasGroups = array<i64: 0, 0>} {
^bb0(%x: !tt.ptr<f32>):
}

// -----

// expected-error @+1 {{has -16 bytes of threadgroup memory}}
tm.kernel @bytes attributes {simdgroups = 1 : i64, parameterNames = [], threadgroupBytes = -16 : i64} {
}

// -----

// expected-error @+1 {{belongs in a tm.kernel}}
tm.barrier threadgroup

// -----

#l = #tm.linear<shape = [64], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32]>
tm.kernel @region_groups attributes {simdgroups = 4 : i64, parameterNames = []} {
  // expected-error @+1 {{has a layout over 2 SIMD groups in a kernel of 4}}
  tm.region #l {
  ^bb0(%r: i32):
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @region_argument attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{has one argument, the number of the register (i32)}}
  tm.region #l {
  ^bb0(%r: i64):
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @region_in_region attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{belongs in uniform code, not in a tm.region or tm.single}}
    tm.region #l {
    ^bb0(%s: i32):
    }
  }
}

// -----

tm.kernel @single_argument attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{has no arguments}}
  tm.single {
  ^bb0(%r: i32):
  }
}

// -----

tm.kernel @single_in_single attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.single {
    // expected-error @+1 {{belongs in uniform code}}
    tm.single {
    }
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @coord_dimension attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{asks for dimension 1 of 1}}
    %i = tm.coord %r, #l dim 1
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @coord_place attributes {simdgroups = 1 : i64, parameterNames = ["r"]} {
^bb0(%r: i32):
  // expected-error @+1 {{is of each thread by itself: it belongs in a tm.region}}
  %i = tm.coord %r, #l dim 0
}

// -----

#l = #tm.linear<shape = [64], registers = [32], lanes = [1, 2, 4, 8, 16], simdgroups = []>
#s = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @element_register attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{is in a region of 2 registers, but names one of 1}}
    %i = tm.element %r, #s
  }
}

// -----

tm.kernel @lane_place attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.single {
    // expected-error @+1 {{it belongs in a tm.region}}
    %i = tm.lane
  }
}

// -----

tm.kernel @simdgroup_place attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{it belongs in a tm.region}}
  %i = tm.simdgroup
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
// expected-error @+1 {{a tile holds numbers or pointers, not 'index'}}
func.func @tile_element(%t: !tm.tile<index, #l>)

// -----

#l = #tm.linear<shape = [64], registers = [24], lanes = [1, 2, 4, 8, 16], simdgroups = []>
// expected-error @+1 {{a tile holds every element of its block, but this layout reaches 32 of 64}}
func.func @tile_layout(%t: !tm.tile<f32, #l>)

// -----

#l = #tm.linear<shape = [64], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32]>
tm.kernel @tile_groups attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{has a layout over 2 SIMD groups in a kernel of 1}}
  %t = tm.tile : !tm.tile<f32, #l>
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @tile_place attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{belongs in uniform code}}
    %t = tm.tile : !tm.tile<f32, #l>
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @get_type attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{has a result of type 'f16' where 'f32' is kept}}
    %v = tm.get %t[%r] : !tm.tile<f32, #l> -> f16
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @get_uniformly attributes {simdgroups = 1 : i64, parameterNames = ["r"]} {
^bb0(%r: i32):
  %t = tm.tile : !tm.tile<f32, #l>
  // expected-error @+1 {{in uniform code reads a tile that is not the same in all threads}}
  %v = tm.get %t[%r] : !tm.tile<f32, #l> -> f32
}

// -----

#u = #tm.linear<shape = [1], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = []>
tm.kernel @get_place attributes {simdgroups = 1 : i64, parameterNames = ["r"]} {
^bb0(%r: i32):
  %t = tm.tile : !tm.tile<f32, #u>
  tm.single {
    // expected-error @+1 {{does not belong in a tm.single}}
    %v = tm.get %t[%r] : !tm.tile<f32, #u> -> f32
  }
}

// -----

#l = #tm.linear<shape = [64], registers = [32], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @get_register attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  %two = arith.constant 2 : i32
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{names register 2 of 2}}
    %v = tm.get %t[%two] : !tm.tile<f32, #l> -> f32
  }
}

// -----

#l = #tm.linear<shape = [64], registers = [32], lanes = [1, 2, 4, 8, 16], simdgroups = []>
#s = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @put_register attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %t = tm.tile : !tm.tile<f32, #s>
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{is in a region of 2 registers, but names one of 1}}
    tm.put %v, %t[%r] : f32, !tm.tile<f32, #s>
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @put_type attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: i32):
  %t = tm.tile : !tm.tile<f32, #l>
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{has a value of type 'i32' where 'f32' is kept}}
    tm.put %v, %t[%r] : i32, !tm.tile<f32, #l>
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @put_place attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %t = tm.tile : !tm.tile<f32, #l>
  %zero = arith.constant 0 : i32
  tm.single {
    // expected-error @+1 {{it belongs in a tm.region}}
    tm.put %v, %t[%zero] : f32, !tm.tile<f32, #l>
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
#u = #tm.linear<shape = [1], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = []>
tm.kernel @put_sharing attributes {simdgroups = 1 : i64, parameterNames = ["v"]} {
^bb0(%v: f32):
  %t = tm.tile : !tm.tile<f32, #l>
  tm.region #u {
  ^bb0(%r: i32):
    // expected-error @+1 {{sets a tile that differs between threads, in a region that does not}}
    tm.put %v, %t[%r] : f32, !tm.tile<f32, #l>
  }
}

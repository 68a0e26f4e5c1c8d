// SPDX-License-Identifier: MIT
// Passes on the `tm` dialect.
#ifndef TRITON_METAL_TRITON_METAL_PASSES
#define TRITON_METAL_TRITON_METAL_PASSES

include "mlir/Pass/PassBase.td"

def SpecializeFullTiles : Pass<"tm-specialize-full-tiles", "::mlir::ModuleOp"> {
  let summary = "regions get a version without masks for blocks that are full";
  let description = [{
    An offset or a comparison that is affine in the coordinates takes its extreme values at corners of the region's box.
    These are computed in front of the region, in 64 bits. Where every 32-bit offset stays inside of its type and every
    comparison of a mask holds at its worst corner, a version of the region runs that has no masks and whose addresses
    are a uniform pointer plus affine terms. Masks that are not affine stay. Regions with atomics, messages or accesses in
    nested control flow are left alone.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tm::TMDialect",
                           "::tmetal::tt::TritonDialect"];
}

def AllocateThreadgroupMemory : Pass<"tm-allocate-threadgroup-memory", "::mlir::ModuleOp"> {
  let summary = "arrays in threadgroup memory get their places";
  let description = [{
    An array lives from its declaration to the end of its last use in the block that declares it; a use inside of a
    loop lasts as long as the loop. Arrays that live at different times share bytes. More than `limit` bytes is an
    error that begins with `OutOfResources`.
  }];
  let options = [Option<"limit", "limit", "int64_t", "32768", "bytes of threadgroup memory">];
}

def PlaceBarriers : Pass<"tm-place-barriers", "::mlir::ModuleOp"> {
  let summary = "barriers between accesses of different threads to the same memory";
  let description = [{
    Two accesses to the same bytes, one of which writes, in different statements of uniform code, need a barrier
    between them that orders their memory: on every path, around loops too. Atomic accesses do not conflict with one
    another. Threadgroup arrays are told apart by their bytes, device memory by the parameter that an address stems
    from and the kernel's `aliasGroups`: parameters of one group (0 or more) may overlap. Barriers that are there
    already count.
  }];
  let dependentDialects = ["::tmetal::tm::TMDialect"];
}

#endif

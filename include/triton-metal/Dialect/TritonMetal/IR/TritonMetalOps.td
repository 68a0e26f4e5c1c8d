// SPDX-License-Identifier: MIT
// The `tm` dialect (TritonMetal): programs in the form in which the threads of one threadgroup execute them.
//
// The body of a kernel is code that all threads of the threadgroup run alike ("uniform" code: scalars and
// structured control flow), interleaved with `tm.region`s, in which each thread works on its own elements.
// Regions contain no barriers; whatever crosses threads (barriers, shuffles, matrix fragments) stands
// between regions, in uniform control flow. The scalar operations in regions and in uniform code are those
// of `arith`, `math` and `tt`.
#ifndef TRITON_METAL_TRITON_METAL_OPS
#define TRITON_METAL_TRITON_METAL_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "triton-metal/Dialect/Triton/IR/MemoryAccessInterfaces.td"
include "triton-metal/Dialect/Triton/IR/TritonAttrs.td"
include "triton-metal/Dialect/TritonMetal/IR/TritonMetalEnums.td"

def TM_Dialect : Dialect {
  let name = "tm";
  let cppNamespace = "::tmetal::tm";
  let summary = "Thread-level programs of one Metal threadgroup";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::tmetal::tt::TritonDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

// ---- attributes ----

def TM_LinearLayoutAttr : AttrDef<TM_Dialect, "LinearLayout"> {
  let mnemonic = "linear";
  let summary = "which element each register of each thread holds";
  let description = [{
    A linear map of bits. Bit k of a register number contributes `registers[k]` to the row-major index of the
    element in a block of `shape`, bit k of the lane contributes `lanes[k]` (there are five), and bit k of the
    SIMD group's number `simdgroups[k]`. Contributions are combined by exclusive or. A contribution of 0 means
    that threads (or registers) that differ in this bit hold copies of the same element.
  }];
  let parameters = (ins OptionalArrayRefParameter<"int64_t">:$shape, OptionalArrayRefParameter<"int64_t">:$registers,
                        OptionalArrayRefParameter<"int64_t">:$lanes, OptionalArrayRefParameter<"int64_t">:$simdgroups);
  let assemblyFormat = [{
    `<` `shape` `=` `[` (`]`) : ($shape^ `]`)? `,` `registers` `=` `[` (`]`) : ($registers^ `]`)? `,` `lanes` `=`
    `[` (`]`) : ($lanes^ `]`)? `,` `simdgroups` `=` `[` (`]`) : ($simdgroups^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
    int64_t getNumRegisters() const { return int64_t(1) << getRegisters().size(); }
    int64_t getNumSimdgroups() const { return int64_t(1) << getSimdgroups().size(); }
    /// Whether all lanes of a SIMD group hold the same elements.
    bool isLaneUniform() const;
    /// Whether all threads of the threadgroup hold the same elements.
    bool isUniform() const;
  }];
}

// ---- types ----

def TM_TileType : TypeDef<TM_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "variable for a block: some registers in each thread";
  let description = [{
    Mutable. `layout` assigns an element to each register of each thread. Elements are scalars or `!tt.ptr`.
  }];
  let parameters = (ins "::mlir::Type":$elementType, "::tmetal::tm::LinearLayoutAttr":$layout);
  let assemblyFormat = "`<` $elementType `,` $layout `>`";
  let genVerifyDecl = 1;
}

def TM_SharedType : TypeDef<TM_Dialect, "Shared"> {
  let mnemonic = "shared";
  let summary = "array in threadgroup memory";
  let parameters = (ins "int64_t":$numElements, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $numElements `x` $elementType `>`";
  let genVerifyDecl = 1;
}

def TM_FragmentsType : TypeDef<TM_Dialect, "Fragments"> {
  let mnemonic = "fragments";
  let summary = "variable for a matrix, in 8x8 fragments distributed over the SIMD groups";
  let description = [{
    A matrix of `rows` x `columns` elements, cut into `simdgroupRows` x `simdgroupColumns` equal rectangles.
    SIMD group g holds the fragments of rectangle (g / simdgroupColumns, g % simdgroupColumns). Which lane
    holds which element of a fragment is not specified.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType, "int64_t":$simdgroupRows,
                        "int64_t":$simdgroupColumns);
  let assemblyFormat = [{
    `<` $rows `by` $columns `x` $elementType `,` $simdgroupRows `by` $simdgroupColumns `>`
  }];
  let genVerifyDecl = 1;
}

class TM_Op<string mnemonic, list<Trait> traits = []> : Op<TM_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

// ---- the kernel ----

def TM_KernelOp : TM_Op<"kernel", [IsolatedFromAbove, Symbol, SingleBlock, NoTerminator, AutomaticAllocationScope]> {
  let summary = "kernel with one threadgroup for each program";
  let description = [{
    The arguments of the block are the parameters: `!tt.ptr` or a scalar. `simdgroups` is the size of the
    threadgroup in units of 32 threads. `threadgroupBytes` is set when threadgroup memory is allocated.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$simdgroups, OptionalAttr<I64Attr>:$threadgroupBytes,
                       StrArrayAttr:$parameterNames);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def TM_RegionOp : TM_Op<"region", [SingleBlock, NoTerminator, RecursiveMemoryEffects]> {
  let summary = "loop of each thread over its registers";
  let description = [{
    The body runs once for each register number (its only block argument, an i32) of each thread. Iterations
    run in no particular order and without a barrier, so they must not depend on each other. `layout` is the
    iteration space. With a lane-uniform layout a CPU may run the body once for a SIMD group, with a uniform
    one once for the threadgroup. So the tiles that such a body writes must be of that kind too, and its
    effect on memory is that of a single lane, or of a single thread. `vectorizable` promises that no two
    threads of the region access the same memory, except to read it.
  }];
  let arguments = (ins TM_LinearLayoutAttr:$layout, UnitAttr:$vectorizable);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$layout (`vectorizable` $vectorizable^)? $body attr-dict";
}

def TM_SingleOp : TM_Op<"single", [SingleBlock, NoTerminator, RecursiveMemoryEffects]> {
  let summary = "code for one thread of the threadgroup";
  let description = [{
    In uniform code: scalar side effects happen once for each program. Results leave through memory only.
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
}

// ---- positions (in regions) ----

def TM_CoordOp : TM_Op<"coord", [Pure]> {
  let summary = "coordinate of a register's element along one dimension";
  let arguments = (ins I32:$reg, TM_LinearLayoutAttr:$layout, I64Attr:$dim);
  let results = (outs I32:$result);
  let assemblyFormat = "$reg `,` $layout `dim` $dim attr-dict";
}
def TM_ElementOp : TM_Op<"element", [Pure]> {
  let summary = "row-major index of a register's element";
  let arguments = (ins I32:$reg, TM_LinearLayoutAttr:$layout);
  let results = (outs I32:$result);
  let assemblyFormat = "$reg `,` $layout attr-dict";
}
def TM_LaneOp : TM_Op<"lane", [Pure]> {
  let summary = "index of the thread in its SIMD group";
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}
def TM_SimdgroupOp : TM_Op<"simdgroup", [Pure]> {
  let summary = "index of the SIMD group in the threadgroup";
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}

// ---- tiles ----

def TM_TileOp : TM_Op<"tile", [MemoryEffects<[MemAlloc]>]> {
  let summary = "declaration of a tile, initially undefined";
  let results = (outs TM_TileType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}
def TM_GetOp : TM_Op<"get", [MemoryEffects<[MemRead]>]> {
  let summary = "reads a register of this thread";
  let description = "The index counts registers of the tile's layout.";
  let arguments = (ins TM_TileType:$tile, I32:$reg);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$tile `[` $reg `]` attr-dict `:` type($tile) `->` type($result)";
}
def TM_PutOp : TM_Op<"put", [MemoryEffects<[MemWrite]>]> {
  let summary = "sets a register of this thread";
  let arguments = (ins AnyType:$value, TM_TileType:$tile, I32:$reg);
  let assemblyFormat = "$value `,` $tile `[` $reg `]` attr-dict `:` type($value) `,` type($tile)";
}

// ---- memory ----

// An access to an element of device memory.
class TM_Access<string mnemonic, list<Trait> traits>
    : TM_Op<mnemonic, !listconcat(traits, [AttrSizedOperandSegments])>;

def TM_LoadOp : TM_Access<"load", [TM_ReadsDevice, MemoryEffects<[MemRead]>]> {
  let summary = "reads an element of device memory";
  let description = [{
    Reads `ptr[offset]`. The offset counts elements (i32 or i64, signed; 0 if absent). If `mask` is false,
    memory is not read and the result is `other` (zero if absent). Allowed in regions and in uniform code.
  }];
  let arguments = (ins AnyType:$ptr, Optional<AnySignlessInteger>:$offset, Optional<I1>:$mask,
                       Optional<AnyType>:$other, UnitAttr:$isVolatile);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $ptr (`[` $offset^ `:` type($offset) `]`)? (`mask` $mask^)? (`other` $other^ `:` type($other))? attr-dict
    `:` type($ptr) `->` type($result)
  }];
}
def TM_StoreOp : TM_Access<"store", [TM_WritesDevice, MemoryEffects<[MemWrite]>]> {
  let summary = "sets an element of device memory";
  let arguments = (ins AnyType:$value, AnyType:$ptr, Optional<AnySignlessInteger>:$offset, Optional<I1>:$mask);
  let assemblyFormat = [{
    $value `,` $ptr (`[` $offset^ `:` type($offset) `]`)? (`mask` $mask^)? attr-dict `:` type($value) `,` type($ptr)
  }];
}
def TM_AtomicRMWOp : TM_Access<"atomic_rmw", [TM_UpdatesDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "atomic update of an element of device memory";
  let description = "The result is the old value, or undefined if the mask is false.";
  let arguments = (ins TT_RMWOp:$kind, AnyType:$ptr, Optional<AnySignlessInteger>:$offset, AnyType:$value,
                       Optional<I1>:$mask, TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $kind `,` $sem `,` $scope `,` $ptr (`[` $offset^ `:` type($offset) `]`)? `,` $value (`mask` $mask^)? attr-dict
    `:` type($ptr) `,` type($value) `->` type($result)
  }];
}
def TM_AtomicCASOp : TM_Access<"atomic_cas", [TM_UpdatesDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "atomic compare-and-swap of an element of device memory";
  let description = "Compares bits. The result is the old value, or undefined if the mask is false.";
  let arguments = (ins AnyType:$ptr, Optional<AnySignlessInteger>:$offset, AnyType:$compare, AnyType:$value,
                       Optional<I1>:$mask, TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr (`[` $offset^ `:` type($offset) `]`)? `,` $compare `,` $value (`mask` $mask^)? attr-dict
    `:` type($ptr) `,` type($compare) `,` type($value) `->` type($result)
  }];
}
def TM_AtomicLoadOp : TM_Access<"atomic_load", [TM_ReadsDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "atomic read of an element of device memory";
  let arguments = (ins AnyType:$ptr, Optional<AnySignlessInteger>:$offset, Optional<I1>:$mask, TT_MemSemantic:$sem,
                       TT_MemSyncScope:$scope);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr (`[` $offset^ `:` type($offset) `]`)? (`mask` $mask^)? attr-dict
    `:` type($ptr) `->` type($result)
  }];
}
def TM_AtomicStoreOp : TM_Access<"atomic_store", [TM_WritesDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "atomic write of an element of device memory";
  let arguments = (ins AnyType:$value, AnyType:$ptr, Optional<AnySignlessInteger>:$offset, Optional<I1>:$mask,
                       TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let assemblyFormat = [{
    $sem `,` $scope `,` $value `,` $ptr (`[` $offset^ `:` type($offset) `]`)? (`mask` $mask^)? attr-dict
    `:` type($value) `,` type($ptr)
  }];
}

def TM_DeadlineOp : TM_Op<"deadline", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the time in so many nanoseconds";
  let arguments = (ins I64:$timeout);
  let results = (outs I64:$result);
  let assemblyFormat = "$timeout attr-dict";
}
def TM_AtomicPollOp : TM_Access<"atomic_poll", [TM_ReadsDeviceAtomically, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until an element of device memory has a given value";
  let description = [{
    The result is true, or false if the element did not get there before `deadline`. It is read at least once.
    If the mask is false, nothing is read and the result is undefined.
  }];
  let arguments = (ins AnyType:$ptr, Optional<AnySignlessInteger>:$offset, AnySignlessInteger:$expected,
                       Optional<I1>:$mask, Optional<I64>:$deadline, TT_MemSemantic:$sem, TT_MemSyncScope:$scope);
  let results = (outs I1:$result);
  let assemblyFormat = [{
    $sem `,` $scope `,` $ptr (`[` $offset^ `:` type($offset) `]`)? `,` $expected (`mask` $mask^)?
    (`until` $deadline^)? attr-dict `:` type($ptr) `,` type($expected)
  }];
}

def TM_SharedOp : TM_Op<"shared", [MemoryEffects<[MemAlloc]>]> {
  let summary = "declaration of an array in threadgroup memory";
  let description = [{
    `offset` (bytes) is set when threadgroup memory is allocated; arrays with disjoint lifetimes may share it.
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs TM_SharedType:$result);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($result)";
}
// An access to elements of arrays in threadgroup memory.
class TM_ArrayAccess<string mnemonic, list<Trait> traits>
    : TM_Op<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<TM_ThreadgroupAccessOpInterface>])>;

def TM_SharedLoadOp : TM_ArrayAccess<"shared_load", [MemoryEffects<[MemRead]>]> {
  let summary = "reads an element of an array in threadgroup memory";
  let arguments = (ins TM_SharedType:$array, I32:$index);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$array `[` $index `]` attr-dict `:` type($array) `->` type($result)";
}
def TM_SharedStoreOp : TM_ArrayAccess<"shared_store", [MemoryEffects<[MemWrite]>]> {
  let summary = "sets an element of an array in threadgroup memory";
  let arguments = (ins AnyType:$value, TM_SharedType:$array, I32:$index, Optional<I1>:$mask);
  let assemblyFormat = "$value `,` $array `[` $index `]` (`mask` $mask^)? attr-dict `:` type($value) `,` type($array)";
}
def TM_SharedAtomicAddOp : TM_ArrayAccess<"shared_atomic_add", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "atomic addition to a 32-bit integer of an array in threadgroup memory";
  let arguments = (ins I32:$value, TM_SharedType:$array, I32:$index, Optional<I1>:$mask);
  let assemblyFormat = "$value `,` $array `[` $index `]` (`mask` $mask^)? attr-dict `:` type($array)";
}

// ---- across threads (uniform code) ----

def TM_BarrierOp : TM_Op<"barrier", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until all threads of the threadgroup have arrived";
  let arguments = (ins TM_MemoryFence:$fence);
  let assemblyFormat = "$fence attr-dict";
}
def TM_ShuffleXorOp : TM_Op<"shuffle_xor", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "exchanges registers between lanes whose numbers differ in the bits of a mask";
  let description = [{
    Copies every register of `source` to the same register of `result`, another tile with the same layout.
  }];
  let arguments = (ins TM_TileType:$source, TM_TileType:$result, I64Attr:$mask);
  let assemblyFormat = "$source `to` $result `mask` $mask attr-dict `:` type($source) `to` type($result)";
}
def TM_ShuffleUpOp : TM_Op<"shuffle_up", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "takes registers from the lane `delta` below; lanes below `delta` get unspecified values";
  let arguments = (ins TM_TileType:$source, TM_TileType:$result, I64Attr:$delta);
  let assemblyFormat = "$source `to` $result `delta` $delta attr-dict `:` type($source) `to` type($result)";
}

// ---- matrix fragments (uniform code) ----

def TM_FragmentsOp : TM_Op<"fragments", [MemoryEffects<[MemAlloc]>]> {
  let summary = "declaration of a matrix in fragments, initially undefined";
  let results = (outs TM_FragmentsType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}
def TM_FragmentsFillOp : TM_Op<"fragments_fill", [MemoryEffects<[MemWrite]>]> {
  let summary = "sets every element of a matrix in fragments";
  let arguments = (ins TM_FragmentsType:$matrix, AnyFloat:$value);
  let assemblyFormat = "$matrix `,` $value attr-dict `:` type($matrix) `,` type($value)";
}
def TM_FragmentsCopyOp : TM_Op<"fragments_copy", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies a matrix in fragments";
  let arguments = (ins TM_FragmentsType:$source, TM_FragmentsType:$result);
  let assemblyFormat = "$source `to` $result attr-dict `:` type($source) `to` type($result)";
}
def TM_FragmentsStoreOp : TM_ArrayAccess<"fragments_store", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "stores rows of a matrix in an array in threadgroup memory";
  let description = [{
    Stores rows `firstRow` up to `firstRow + numRows` (multiples of 8). Row `firstRow` begins at element
    0 of the array, and each further row `stride` elements later. SIMD groups whose rectangle lies
    outside of these rows do nothing.
  }];
  let arguments = (ins TM_FragmentsType:$matrix, TM_SharedType:$array, I64Attr:$firstRow, I64Attr:$numRows,
                       I64Attr:$stride);
  let assemblyFormat = [{
    $matrix `rows` $firstRow `count` $numRows `to` $array `stride` $stride attr-dict `:` type($matrix) `,` type($array)
  }];
}
def TM_MultiplyAccumulateOp : TM_ArrayAccess<"multiply_accumulate", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "matrix product of two arrays in threadgroup memory, added to a matrix in fragments";
  let description = [{
    `matrix += a * b`, where a has rows x depth and b has depth x columns elements, row-major with `strideA`
    and `strideB` elements from row to row. With `transposeA` (`transposeB`) the array holds the transposed
    operand, row-major. Operands are f16, bf16 or f32. Depth, rows and columns are multiples of 8, also in the
    rectangle of each SIMD group. With `batches`, the matrix and each array hold that many matrices one below the
    other, and each is a product of its own; its rows fill rectangles, or are a part of one.
  }];
  let arguments = (ins TM_FragmentsType:$matrix, TM_SharedType:$a, TM_SharedType:$b, I64Attr:$depth, I64Attr:$strideA,
                       I64Attr:$strideB, UnitAttr:$transposeA, UnitAttr:$transposeB,
                       DefaultValuedAttr<I64Attr, "1">:$batches);
  let assemblyFormat = [{
    $matrix `,` $a `stride` $strideA (`transposed` $transposeA^)? `,` $b `stride` $strideB (`transposed` $transposeB^)?
    `depth` $depth (`batches` $batches^)? attr-dict `:` type($matrix) `,` type($a) `,` type($b)
  }];
}

// ---- messages to the host ----

def TM_PrintOp : TM_Op<"print", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "sends the values of one element to the report of the launch";
  let description = [{
    Allowed in regions and in tm.single. `coordinates` are the position of the element in its block.
  }];
  let arguments = (ins StrAttr:$prefix, BoolAttr:$hex, Variadic<AnyType>:$values, Variadic<I32>:$coordinates,
                       DenseI32ArrayAttr:$isSigned);
  let assemblyFormat = [{
    $prefix `hex` $hex (`values` $values^ `:` type($values))? (`at` $coordinates^ `:` type($coordinates))? attr-dict
  }];
}
def TM_AssertOp : TM_Op<"assert", [MemoryEffects<[MemWrite]>]> {
  let summary = "reports an element for which the condition is false";
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

#endif

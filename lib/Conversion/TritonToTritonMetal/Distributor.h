// SPDX-License-Identifier: MIT
// Distributes the operations of a kernel over the threads of a threadgroup.
//
// Scalars become scalars of uniform code. A block value is pulled, not pushed: whoever needs it in a region
// asks for the element that a thread works on, and the request travels through shape operations as a linear
// map of bits. What ends a request is computed on the spot (ranges, splats and cheap arithmetic on them),
// read from the region at hand, from a tile when the thread holds the element, or else from threadgroup
// memory.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace tmetal {

/// Which element of a block each thread of a region wants: layout, then exclusive or with a constant.
struct Request {
  LinearLayout layout;
  int64_t flip = 0;

  /// The request as the operand of a shape operation sees it.
  Request through(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> images, int64_t constant = 0) const;
};

class Distributor {
public:
  /// `operandBytes`: threadgroup memory for the two operands of a matrix product.
  Distributor(mlir::ModuleOp module, const MslOptions &options, int64_t operandBytes);
  void run();

  // One rule per operation; the table in Rules.cpp names them.
  void lowerScalar(mlir::Operation *op);      // any operation on scalars: a copy in uniform code
  void lowerElementwise(mlir::Operation *op); // a copy on the scalars of a thread
  void lowerNothing(mlir::Operation *op);     // pulled by its users, or without effect
  void lowerShape(mlir::Operation *op);       // pulled, a map of bits
  void lowerUnsplat(mlir::Operation *op);
  void lowerLoad(mlir::Operation *op);
  void lowerStore(mlir::Operation *op);
  void lowerAtomic(mlir::Operation *op);
  void lowerReduce(mlir::Operation *op);
  void lowerScan(mlir::Operation *op);
  void lowerDot(mlir::Operation *op);
  void lowerGather(mlir::Operation *op);
  void lowerHistogram(mlir::Operation *op);
  void lowerMapElementwise(mlir::Operation *op);
  void lowerFor(mlir::Operation *op);
  void lowerIf(mlir::Operation *op);
  void lowerWhile(mlir::Operation *op);
  void lowerBarrier(mlir::Operation *op);
  void lowerPrint(mlir::Operation *op);
  void lowerAssert(mlir::Operation *op);

private:
  using Value = mlir::Value;
  using Location = mlir::Location;
  using Builder = mlir::ImplicitLocOpBuilder;

  struct Access { // of device memory, by a region
    Value root;   // the kernel's pointer parameter; null when it is not known
    Value pointers, mask;
    bool writes = false;
  };
  struct Region {
    tm::RegionOp op;
    LinearLayout layout;
    std::map<std::tuple<void *, std::vector<int64_t>, int64_t>, Value> scalars; // by value and request
    std::vector<Access> accesses;
    bool open = true;
  };
  struct Block { // where a block value is kept
    Region *region = nullptr;
    Value scalar; // in `region`, at request `layout` ^ `flip`
    Value tile;   // of `layout`, holding element ^ `flip`
    Value fragments;
    LinearLayout layout;
    int64_t flip = 0;
    bool ownersOnly = false; // copies in other threads are not valid
  };

  struct SharedCopy { // of a block value, row-major in threadgroup memory
    Value array;
    mlir::Block *block; // of uniform code: where it may be read
  };

  // ---- layouts ----
  static std::vector<int64_t> shapeOf(Value value);
  LinearLayout blocked(llvm::ArrayRef<int64_t> shape) const;
  /// The layout that suits a block value; none for one that is computed wherever it is needed.
  std::optional<LinearLayout> preferredLayout(Value value);
  LinearLayout layoutFor(Value value);
  tm::LinearLayoutAttr attribute(const LinearLayout &layout) const;
  Request ownRequest(const LinearLayout &layout) const { return {layout, 0}; }

  // ---- regions ----
  Region &openRegion(const LinearLayout &layout, Location loc);
  void closeRegion() { current = nullptr; }
  /// Whether the operands of `op`, as `request` asks for them, can be had inside of the open region.
  bool available(Value value, const Request &request, Region &region, int depth = 0);
  /// The region for work at `layout` on `values`: the open one where that is possible.
  Region &regionFor(const LinearLayout &layout, mlir::ValueRange values, Location loc);
  Region &newRegion(const LinearLayout &layout, Location loc);
  Builder at(Region &region, Location loc) const;
  Value registerOf(Region &region) const { return region.op.getBody().getArgument(0); }
  /// The scalar that a thread of the region has for the requested element.
  Value get(Region &region, Value value, const Request &request);
  Value getUncached(Region &region, Value value, const Request &request);
  Value pullThrough(Region &region, mlir::Operation *op, mlir::OpResult result, const Request &request);
  Value elementIndex(Region &region, const Request &request, Location loc);
  Value coordinate(Region &region, const Request &request, int dim, Location loc);
  Value readTile(Region &region, const Block &block, const Request &request, Location loc, bool &possible,
                 bool probe);
  Value bits(Builder &b, Value source, llvm::ArrayRef<int64_t> contributions);
  Value ownerMask(Region &region, const LinearLayout &layout, Location loc);
  Value andMask(Builder &b, Value a, Value c) {
    return !a ? c : !c ? a : Value(mlir::arith::AndIOp::create(b, a, c));
  }
  bool isLazy(Value value);
  int lazyCost(Value value);

  // ---- keeping values ----
  void define(Value value, Region &region, Value scalar, const Request &request, bool ownersOnly = false);
  Value newTile(mlir::Type element, const LinearLayout &layout, Location loc);
  /// A tile with the value; made where the value was computed.
  Value materializeTile(Value value);
  /// An array of threadgroup memory with the value, row-major.
  Value materializeShared(Value value, Location loc);
  void fragmentsToTile(Value value, Location loc);
  void putInto(Value value, Value tile, const LinearLayout &layout, Location loc);
  Value toScalar(Value value, Location loc); // of a block of one element
  int64_t byteWidth(mlir::Type element) const;
  /// Storage of i1 and of 8-bit floats in memory.
  Value sharedLoad(Builder &b, Value array, Value index);

  // ---- uniform code ----
  Builder uniform(Location loc);
  Builder beforeOpenRegion(Location loc);
  Value scalar(Value value) { return scalars.lookupOrDefault(value); }
  void lowerBlock(mlir::Block &block);
  void lower(mlir::Operation *op);
  Value copyUniformly(Value source, Location loc, llvm::function_ref<Value(Builder &)> compute,
                      mlir::Type type);

  // ---- memory ----
  Value rootOf(Value pointer);
  bool mayAlias(Value rootA, Value rootB) const;
  bool conflicts(const Region &region, const Access &access);
  bool isInjective(Value pointers);
  Value splitPointer(Builder &b, Value pointer, Value &offset);
  bool isStored(Value root) const;

  // ---- combining ----
  llvm::SmallVector<Value> combine(Builder &b, mlir::Region &combiner, mlir::ValueRange lhs,
                                   mlir::ValueRange rhs);
  void inlineBody(Builder &b, mlir::Block &body, mlir::IRMapping &map);
  bool dotInFragments(mlir::Operation *op, int64_t &simdgroupRows, int64_t &simdgroupColumns);
  Value accumulatorOf(mlir::scf::ForOp loop, unsigned index);
  [[noreturn]] void refuse(mlir::Operation *op, const std::string &reason);

  mlir::ModuleOp module;
  MslOptions options;
  int simdgroups;
  int64_t operandBytes;
  tm::KernelOp kernel;
  mlir::OpBuilder builder; // in uniform code
  mlir::IRMapping scalars;
  llvm::DenseMap<Value, Block> blocks;
  llvm::DenseMap<Value, SharedCopy> sharedCopies;
  llvm::DenseMap<Value, std::optional<LinearLayout>> layouts;
  llvm::DenseMap<Value, int> lazyCosts;
  llvm::DenseSet<Value> layoutsInWork;
  std::vector<std::unique_ptr<Region>> regions;
  Region *current = nullptr;
  llvm::DenseMap<Value, int> aliasGroupOf; // of pointer parameters
  llvm::DenseSet<Value> storedRoots;
  bool storesUnknown = false;

  friend struct RuleTable;
};

/// A request as a key.
std::vector<int64_t> flatten(const Request &request);
/// The operands that a request for `value`, which no thread keeps, is passed on to. False as soon as `visit`
/// is.
bool forEachPulled(mlir::Value value, const Request &request,
                   llvm::function_ref<bool(mlir::Value, const Request &)> visit);

/// `file.py:LINE:COL: ` of the user's code, or empty.
std::string placeOf(mlir::Location loc);

/// How an operation is lowered, or why it is refused.
struct DistributionRule {
  const char *name;
  void (Distributor::*lower)(mlir::Operation *); // null: refused
  const char *note;
};
const DistributionRule *findDistributionRule(llvm::StringRef name);
/// Refuses operations on element types that the registry does not call right.
void checkElementTypes(tt::FuncOp kernel);

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Decides where code is written while a kernel is distributed: uniform code, its
// regions, and work of one thread.
#pragma once

#include "DeviceMemory.h"
#include "Request.h"

#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>
#include <memory>

namespace tmetal {

tm::LinearLayoutAttr attributeOf(mlir::MLIRContext *context, const LinearLayout &layout);

/// A `tm.region` that is being written: what a thread does for each of its registers, which scalars it has
/// for blocks, and which device memory it accesses.
class ThreadRegion {
public:
  ThreadRegion(tm::RegionOp op, const LinearLayout &layout) : op(op), layout(layout) {}

  tm::RegionOp getOp() const { return op; }
  const LinearLayout &getLayout() const { return layout; }
  /// Requests the thread's own element.
  Request ownRequest() const { return {layout, 0}; }
  mlir::Value registerIndex() const;
  /// A builder at the end of the region.
  mlir::ImplicitLocOpBuilder at(mlir::Location loc) const;

  /// The scalar for the requested element, or null.
  mlir::Value find(mlir::Value block, const Request &request) const;
  void remember(mlir::Value block, const Request &request, mlir::Value scalar);

  std::vector<DeviceAccess> accesses;

private:
  tm::RegionOp op;
  LinearLayout layout;
  std::map<std::pair<const void *, Request>, mlir::Value> scalars;
};

/// Tracks the place in uniform code where code is written; at most one region is open there. Writing uniform
/// code closes the region. Declarations go in front of it.
class RegionBuilder {
public:
  using Builder = mlir::ImplicitLocOpBuilder;

  explicit RegionBuilder(mlir::MLIRContext *context) : builder(context) {}

  mlir::MLIRContext *getContext() const { return builder.getContext(); }
  mlir::Block *getBlock() const { return builder.getInsertionBlock(); }

  // ---- uniform code ----
  /// Closes the open region, and writes behind it.
  Builder uniform(mlir::Location loc);
  /// Writes in front of the open region, for code that does not depend on it.
  Builder ahead(mlir::Location loc) const;
  /// Writes code that a single thread runs.
  void single(mlir::Location loc, llvm::function_ref<void(Builder &)> write);

  // ---- regions ----
  ThreadRegion *getOpen() const { return open; }
  ThreadRegion &openRegion(const LinearLayout &layout, mlir::Location loc);
  void closeRegion() { open = nullptr; }

  // ---- scopes ----
  /// Writes uniform code at the end of another block, before its terminator,
  /// during the lifetime of the scope.
  class Inside {
  public:
    Inside(RegionBuilder &code, mlir::Block *block);
    ~Inside();

  private:
    RegionBuilder &code;
    mlir::OpBuilder::InsertPoint outside;
  };
  /// Writes everything in front of the open region, which is open again afterwards.
  class AheadOfRegion {
  public:
    explicit AheadOfRegion(RegionBuilder &code);
    ~AheadOfRegion();

  private:
    RegionBuilder &code;
    ThreadRegion *open;
    mlir::OpBuilder::InsertPoint behind;
  };

private:
  mlir::OpBuilder builder; // in uniform code
  std::vector<std::unique_ptr<ThreadRegion>> regions;
  ThreadRegion *open = nullptr;
};

} // namespace tmetal

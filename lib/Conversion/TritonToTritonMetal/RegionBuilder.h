// SPDX-License-Identifier: MIT
// Where code goes while a kernel is distributed: uniform code, regions in it, and work of one thread.
#pragma once

#include "DeviceMemory.h"
#include "Request.h"

#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>
#include <memory>

namespace tmetal {

tm::LinearLayoutAttr attributeOf(mlir::MLIRContext *context, const LinearLayout &layout);

/// A `tm.region` that is being written: what a thread does for each of its registers, what it knows of blocks
/// and which device memory it accesses.
class ThreadRegion {
public:
  ThreadRegion(tm::RegionOp op, const LinearLayout &layout) : op(op), layout(layout) {}

  tm::RegionOp getOp() const { return op; }
  const LinearLayout &getLayout() const { return layout; }
  /// Every thread asks for its own element.
  Request ownRequest() const { return {layout, 0}; }
  mlir::Value registerIndex() const;
  /// Writes at the end of the region.
  mlir::ImplicitLocOpBuilder at(mlir::Location loc) const;

  /// The scalar for the requested element, if the region has it.
  mlir::Value find(mlir::Value block, const Request &request) const;
  void remember(mlir::Value block, const Request &request, mlir::Value scalar);

  std::vector<DeviceAccess> accesses;

private:
  tm::RegionOp op;
  LinearLayout layout;
  std::map<std::pair<const void *, Request>, mlir::Value> scalars;
};

/// Holds the place in uniform code, behind which at most one region is open. Uniform code ends the open
/// region; what only declares something goes in front of it.
class RegionBuilder {
public:
  using Builder = mlir::ImplicitLocOpBuilder;

  explicit RegionBuilder(mlir::MLIRContext *context) : builder(context) {}

  mlir::MLIRContext *getContext() const { return builder.getContext(); }
  mlir::Block *getBlock() const { return builder.getInsertionBlock(); }

  // ---- uniform code ----
  /// Closes the open region: what is written now comes after it.
  Builder uniform(mlir::Location loc);
  /// In front of the open region, for what does not depend on it.
  Builder ahead(mlir::Location loc) const;
  /// Code of one thread.
  void single(mlir::Location loc, llvm::function_ref<void(Builder &)> write);

  // ---- regions ----
  ThreadRegion *getOpen() const { return open; }
  ThreadRegion &openRegion(const LinearLayout &layout, mlir::Location loc);
  void closeRegion() { open = nullptr; }

  // ---- scopes ----
  /// Uniform code at the end of another block, without its terminator, as long as the scope lives.
  class Inside {
  public:
    Inside(RegionBuilder &code, mlir::Block *block);
    ~Inside();

  private:
    RegionBuilder &code;
    mlir::OpBuilder::InsertPoint outside;
  };
  /// Everything goes in front of the region that is open, which is open again afterwards.
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

// SPDX-License-Identifier: MIT
#include "RegionBuilder.h"

using namespace mlir;

namespace tmetal {

tm::LinearLayoutAttr attributeOf(MLIRContext *context, const LinearLayout &layout) {
  return tm::LinearLayoutAttr::get(context, layout.shape, layout.registers, layout.lanes, layout.simdgroups);
}

// ---- a region ----

Value ThreadRegion::registerIndex() const { return tm::RegionOp(op).getBody().getArgument(0); }

ImplicitLocOpBuilder ThreadRegion::at(Location loc) const {
  tm::RegionOp region = op;
  return ImplicitLocOpBuilder::atBlockEnd(loc, &region.getBody().front());
}

Value ThreadRegion::find(Value block, const Request &request) const {
  auto known = scalars.find({block.getAsOpaquePointer(), request});
  return known == scalars.end() ? Value() : known->second;
}

void ThreadRegion::remember(Value block, const Request &request, Value scalar) {
  scalars[{block.getAsOpaquePointer(), request}] = scalar;
}

// ---- uniform code ----

RegionBuilder::Builder RegionBuilder::uniform(Location loc) {
  closeRegion();
  return Builder(loc, builder);
}

RegionBuilder::Builder RegionBuilder::ahead(Location loc) const {
  Builder b(loc, builder);
  if (open)
    b.setInsertionPoint(open->getOp());
  return b;
}

void RegionBuilder::single(Location loc, llvm::function_ref<void(Builder &)> write) {
  Builder b = uniform(loc);
  auto single = tm::SingleOp::create(b);
  Builder inner = Builder::atBlockEnd(loc, &single.getBody().emplaceBlock());
  write(inner);
}

ThreadRegion &RegionBuilder::openRegion(const LinearLayout &layout, Location loc) {
  Builder b = uniform(loc);
  auto op = tm::RegionOp::create(b, attributeOf(b.getContext(), layout), /*vectorizable=*/true);
  op.getBody().emplaceBlock().addArgument(b.getI32Type(), loc);
  regions.push_back(std::make_unique<ThreadRegion>(op, layout));
  open = regions.back().get();
  return *open;
}

// ---- scopes ----

RegionBuilder::Inside::Inside(RegionBuilder &code, Block *block)
    : code(code), outside(code.builder.saveInsertionPoint()) {
  code.closeRegion();
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
    code.builder.setInsertionPoint(block->getTerminator());
  else
    code.builder.setInsertionPointToEnd(block);
}

RegionBuilder::Inside::~Inside() {
  code.closeRegion();
  code.builder.restoreInsertionPoint(outside);
}

RegionBuilder::AheadOfRegion::AheadOfRegion(RegionBuilder &code)
    : code(code), open(code.open), behind(code.builder.saveInsertionPoint()) {
  if (open)
    code.builder.setInsertionPoint(open->getOp());
  code.closeRegion();
}

RegionBuilder::AheadOfRegion::~AheadOfRegion() {
  code.builder.restoreInsertionPoint(behind);
  code.open = open;
}

} // namespace tmetal

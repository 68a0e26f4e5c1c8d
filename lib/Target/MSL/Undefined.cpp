// SPDX-License-Identifier: MIT
// The check mode for undefined values. Each value that may come from an operation without a defined result
// (a division by zero, a shift that is too far, an element that was masked off) gets a companion, which
// says whether it is undefined and where that began. Companions follow the data, so lanes whose results are
// not used cause no fault. Values are checked where they take effect: in stores, addresses, masks,
// conditions and bounds.
#include "Printer.h"

#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tmetal {

namespace {
/// Why a result may be undefined.
struct Origin {
  const char *what = nullptr;
  const char *defined = nullptr; // function of check.h that tells whether the result is defined
};
} // namespace

static Origin originOf(Operation *op) {
  IntegerAttr by;
  bool constant = op->getNumOperands() == 2 && matchPattern(op->getOperand(1), m_Constant(&by));
  if (isa<arith::DivSIOp, arith::RemSIOp, arith::FloorDivSIOp, arith::CeilDivSIOp>(op)) {
    if (constant && !by.getValue().isZero() && !by.getValue().isAllOnes())
      return {};
    return {"a quotient that does not exist", "divides"};
  }
  if (isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(op)) {
    if (constant && !by.getValue().isZero())
      return {};
    return {"a quotient that does not exist", "divides_unsigned"};
  }
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op)) {
    if (constant && by.getValue().ult(by.getType().getIntOrFloatBitWidth()))
      return {};
    return {"a shift by the width of the type or more", "shifts"};
  }
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op) && !op->getResult(0).getType().isInteger(1))
    return {"a number that the integer type cannot hold", "fits_integer"};
  if (isa<ub::PoisonOp>(op))
    return {"a value that was never set", nullptr};
  if (auto load = dyn_cast<tm::LoadOp>(op))
    if (load.getMask() && !load.getOther())
      return {"an element that a load left out, with no other value", nullptr};
  return {};
}

// ---- values that may be undefined ----

void MslPrinter::findSuspects() {
  if (!options.checkUndefined)
    return;
  bool changed = true;
  auto add = [&](Value value) { changed |= suspects.insert(value).second; };
  auto flow = [&](ValueRange from, ValueRange to) {
    for (auto [source, target] : llvm::zip_equal(from, to))
      if (suspects.contains(source))
        add(target);
  };
  // Only tm.shared_store writes companions, so an array that is also written in other ways has none.
  llvm::DenseSet<Value> blind;
  kernel.walk([&](ThreadgroupAccessOpInterface access) {
    if (!isa<tm::SharedStoreOp>(access.getOperation()))
      for (ArrayAccess part : access.getArrayAccesses())
        if (part.kind != AccessKind::Read)
          blind.insert(part.array);
  });
  while (changed) {
    changed = false;
    kernel.walk([&](Operation *op) {
      if (auto put = dyn_cast<tm::PutOp>(op)) {
        flow(put.getValue(), put.getTile());
      } else if (isa<tm::ShuffleXorOp, tm::ShuffleUpOp>(op)) {
        flow(op->getOperand(0), op->getOperand(1));
      } else if (auto store = dyn_cast<tm::SharedStoreOp>(op)) {
        if (!blind.contains(store.getArray()))
          flow(store.getValue(), store.getArray());
      } else if (auto load = dyn_cast<tm::SharedLoadOp>(op)) {
        flow(load.getArray(), load.getResult());
      } else if (auto get = dyn_cast<tm::GetOp>(op)) {
        flow(get.getTile(), get.getResult());
      } else if (auto load = dyn_cast<tm::LoadOp>(op)) {
        if (originOf(op).what || (load.getOther() && suspects.contains(load.getOther())))
          add(load.getResult());
      } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
        flow(loop.getInitArgs(), loop.getRegionIterArgs());
        flow(loop.getYieldedValues(), loop.getRegionIterArgs());
        flow(loop.getRegionIterArgs(), loop.getResults());
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        if (branch.getNumResults()) {
          flow(branch.thenYield().getOperands(), branch.getResults());
          flow(branch.elseYield().getOperands(), branch.getResults());
        }
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        flow(loop.getInits(), loop.getBeforeArguments());
        flow(loop.getYieldOp().getOperands(), loop.getBeforeArguments());
        flow(loop.getConditionOp().getArgs(), loop.getAfterArguments());
        flow(loop.getConditionOp().getArgs(), loop.getResults());
      } else if (op->getNumRegions() == 0 && op->getNumResults() > 0 &&
                 !isa<DeviceAccessOpInterface, tm::TileOp, tm::SharedOp>(op)) {
        if (originOf(op).what ||
            llvm::any_of(op->getOperands(), [&](Value operand) { return suspects.contains(operand); }))
          for (Value result : op->getResults())
            add(result);
      }
    });
  }
}

// ---- companions ----

/// The companion of a value, or "0u" if the value is certainly defined.
std::string MslPrinter::companion(Value value) {
  auto known = companions.find(value);
  return known == companions.end() ? "0u" : known->second;
}

/// The first origin among the operands.
std::string MslPrinter::companionOf(ValueRange values) {
  SmallVector<std::string> parts;
  for (Value value : values)
    if (value && companions.contains(value) && !llvm::is_contained(parts, companion(value)))
      parts.push_back(companion(value));
  if (parts.empty())
    return "0u";
  return parts.size() == 1 ? parts[0] : "tm::either(" + llvm::join(parts, ", ") + ")";
}

/// Declares the companion of a result, after the result itself.
void MslPrinter::declareCompanion(Operation *op) {
  if (op->getNumResults() == 0 || !suspects.contains(op->getResult(0)))
    return;
  auto from = [&](ValueRange values) { return companionOf(values); };
  std::string text;
  Origin origin = originOf(op);
  std::string code = origin.what ? number(site("undefined", origin.what, op) + 1) + "u" : "";
  if (auto load = dyn_cast<tm::LoadOp>(op)) {
    text = name(load.getMask()) + " ? 0u : " + (load.getOther() ? companion(load.getOther()) : code);
  } else if (auto get = dyn_cast<tm::GetOp>(op)) {
    text = access(get.getTile().getType(), companion(get.getTile()), name(get.getReg()));
  } else if (auto load = dyn_cast<tm::SharedLoadOp>(op)) {
    text = companion(load.getArray()) + "[" + name(load.getIndex()) + "]";
    if (suspects.contains(load.getIndex()))
      text = "tm::either(" + text + ", " + companion(load.getIndex()) + ")";
  } else if (auto select = dyn_cast<arith::SelectOp>(op)) {
    text = name(select.getCondition()) + " ? " + companion(select.getTrueValue()) + " : " +
           companion(select.getFalseValue());
    if (suspects.contains(select.getCondition()))
      text = "tm::either(" + companion(select.getCondition()) + ", " + text + ")";
  } else if (isa<arith::AndIOp, arith::OrIOp>(op) && op->getResult(0).getType().isInteger(1)) {
    text = std::string(isa<arith::AndIOp>(op) ? "tm::either_and(" : "tm::either_or(") +
           name(op->getOperand(0)) + ", " + companion(op->getOperand(0)) + ", " + name(op->getOperand(1)) +
           ", " + companion(op->getOperand(1)) + ")";
  } else if (!origin.what) {
    text = from(op->getOperands());
  } else if (!origin.defined) {
    text = code;
  } else {
    std::string condition = std::string("tm::") + origin.defined;
    if (isa<arith::FPToSIOp>(op))
      condition += "<" + typeName(op->getResult(0).getType(), op->getLoc()) + ">";
    if (isa<arith::FPToUIOp>(op))
      condition += "<" + unsignedName(op->getResult(0).getType(), op->getLoc()) + ">";
    condition += "(";
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      condition += (i ? ", " : "") + name(operand);
    text = condition + ") ? 0u : " + code;
    if (std::string operands = from(op->getOperands()); operands != "0u")
      text = "tm::either(" + operands + ", " + text + ")";
  }
  std::string id = fresh("u");
  line("const uint " + id + " = " + text + ";");
  for (Value result : op->getResults())
    companions[result] = id;
}

/// Declares a variable for the companion of a value that control flow assigns, starting with that of `init`.
void MslPrinter::variableCompanion(Value value, Value init) {
  if (!suspects.contains(value))
    return;
  std::string id = fresh("u");
  line("uint " + id + " = " + (init ? companion(init) : "0u") + ";");
  companions[value] = id;
}

void MslPrinter::tileCompanion(tm::TileOp tile) {
  if (!suspects.contains(tile.getResult()))
    return;
  tm::TileType type = tile.getType();
  int64_t registers = type.getLayout().getNumRegisters();
  std::string id = fresh("u"), kind = kindOf(type.getLayout());
  line("TM_" + kind + "TILE(uint, " + id + ", " + number(registers) + ")");
  line("for (int r = 0; r < " + number(registers) + "; ++r) TM_" + kind + "REGION { " +
       access(type, id, "r") + " = 0u; }");
  companions[tile] = id;
  result.stackBytes += registers * 4 * 32 * result.simdgroups + 64;
}

void MslPrinter::sharedCompanion(tm::SharedOp shared) {
  if (!suspects.contains(shared.getResult()))
    return;
  int64_t count = shared.getType().getNumElements(), threads = 32 * result.simdgroups;
  std::string id = fresh("u");
  line("threadgroup uint *" + id + " = TM_SHARED(uint, " + number(companionOffsets[shared.getResult()]) +
       ");");
  line("TM_BARRIER(mem_threadgroup)");
  line("for (int r = 0; r < " + number((count + threads - 1) / threads) + "; ++r) TM_REGION {");
  line("  const int e = r * " + number(threads) + " + int(tm_sg) * 32 + int(tm_lane);");
  line("  if (e < " + number(count) + ")");
  line("    " + id + "[e] = 0u;");
  line("}");
  line("TM_BARRIER(mem_threadgroup)");
  companions[shared] = id;
}

/// Places the companions of arrays in threadgroup memory, behind all arrays.
void MslPrinter::placeCompanions() {
  int64_t end = (result.threadgroupBytes + 15) / 16 * 16;
  kernel.walk([&](tm::SharedOp shared) {
    if (!suspects.contains(shared.getResult()))
      return;
    companionOffsets[shared.getResult()] = end;
    end += (shared.getType().getNumElements() * 4 + 15) / 16 * 16;
    result.threadgroupBytes = end;
  });
}

/// Copies companions after an operation that copies values.
void MslPrinter::copyCompanion(Operation *op) {
  if (auto put = dyn_cast<tm::PutOp>(op)) {
    if (suspects.contains(put.getTile()))
      line(access(put.getTile().getType(), companion(put.getTile()), name(put.getReg())) + " = " +
           companion(put.getValue()) + ";");
  } else if (auto store = dyn_cast<tm::SharedStoreOp>(op)) {
    if (suspects.contains(store.getArray()))
      line((store.getMask() ? "if (" + name(store.getMask()) + ") " : "") + companion(store.getArray()) +
           "[" + name(store.getIndex()) + "] = " + companion(store.getValue()) + ";");
  } else if (isa<tm::ShuffleXorOp, tm::ShuffleUpOp>(op)) {
    if (!suspects.contains(op->getOperand(1)))
      return;
    auto type = cast<tm::TileType>(op->getOperand(0).getType());
    bool isXor = isa<tm::ShuffleXorOp>(op);
    std::string registers = number(type.getLayout().getNumRegisters());
    std::string to = companion(op->getOperand(1));
    if (!suspects.contains(op->getOperand(0))) {
      line("for (int r = 0; r < " + registers + "; ++r) TM_REGION { TM_AT(" + to + ", r) = 0u; }");
      return;
    }
    line(std::string(isXor ? "TM_SHUFFLE_XOR(" : "TM_SHUFFLE_UP(") + to + ", " +
         companion(op->getOperand(0)) + ", " + registers + ", " +
         number(isXor ? cast<tm::ShuffleXorOp>(op).getMask() : cast<tm::ShuffleUpOp>(op).getDelta()) + ")");
  }
}

/// Reports if one of these values is undefined where `active` holds (empty: always).
void MslPrinter::demand(ArrayRef<Value> values, const std::string &active, Operation *op) {
  SmallVector<Value> present;
  for (Value value : values)
    if (value)
      present.push_back(value);
  std::string text = companionOf(present);
  if (text == "0u")
    return;
  line((active.empty() ? "" : "if (" + active + ") ") + "tm::undefined(tm_report, " + text + ", tm_pid);",
       op);
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// 64-bit atomics on chips that have few of them. Some need no 64-bit step when nobody looks at the element
// before the launch ends; the others are refused.
#include "Printer.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace tmetal {

namespace {
/// Atomics of one family may go on at the same time and still leave the right value at the end.
enum class Family { None, Add, And, Or, Xor, UnsignedExtremes };
} // namespace

/// The family of an atomic that a chip can do if its result is not used.
static Family familyOf(Operation *op) {
  auto rmw = dyn_cast<tm::AtomicRMWOp>(op);
  if (!rmw || !rmw.getValue().getType().isInteger(64) || !rmw->use_empty())
    return Family::None;
  switch (rmw.getKind()) {
  case tt::RMWOp::ADD:
    return Family::Add;
  case tt::RMWOp::AND:
    return Family::And;
  case tt::RMWOp::OR:
    return Family::Or;
  case tt::RMWOp::XOR:
    return Family::Xor;
  case tt::RMWOp::UMAX:
  case tt::RMWOp::UMIN:
    return Family::UnsignedExtremes;
  default:
    return Family::None;
  }
}

static std::string nameOf(Operation *op) {
  if (auto rmw = dyn_cast<tm::AtomicRMWOp>(op))
    return "'" + tt::stringifyRMWOp(rmw.getKind()).str() + "'";
  return isa<tm::AtomicCASOp>(op)    ? "Compare-and-swap"
         : isa<tm::AtomicLoadOp>(op) ? "An atomic load"
                                     : "An atomic store";
}

/// The function for a 64-bit atomic on a chip. Refuses what the chip cannot do.
std::string MslPrinter::wideAtomic(Operation *op, Type type) {
  std::string what;
  llvm::raw_string_ostream(what) << nameOf(op) << " of " << type;
  auto giveUp = [&](const std::string &why, const std::string &instead) {
    refuse(op, what + " is refused on " + options.arch + ": " + why + " " + instead +
                   ", or run it on the CPU device.");
  };
  if (!type.isInteger(64))
    giveUp("Metal has no 64-bit compare-and-exchange.", "Use f32");
  auto rmw = dyn_cast<tm::AtomicRMWOp>(op);
  if (!rmw || rmw.getKind() == tt::RMWOp::XCHG)
    giveUp("Metal has no 64-bit atomic for it, and the halves of two values could mix.", "Use 32 bits");
  if (rmw.getKind() == tt::RMWOp::MAX || rmw.getKind() == tt::RMWOp::MIN)
    giveUp("Metal's 64-bit minimum and maximum are unsigned.", "Use 32 bits or unsigned integers");
  if (!rmw->use_empty())
    giveUp("Metal has no 64-bit atomics with a result.", "Use 32 bits, leave the result unused");
  Family family = familyOf(op);
  if (family == Family::UnsignedExtremes && target.atomics64 == Atomics64::None)
    giveUp("Apple GPUs have it from M2 on.", "Use 32 bits");
  Roots touched = roots.of(rmw.getPtr());
  kernel.walk([&](DeviceAccessOpInterface other) {
    if (familyOf(other) == family || !aliases.mayOverlap(touched, roots.of(other.getAddress())))
      return;
    SourceLocation place = sourceLocationOf(other->getLoc());
    std::string where = place.line ? " in line " + number(place.line) : "";
    giveUp("The halves of an element change one after the other, and " +
               std::string(other->getName().getStringRef()) + where + " may touch the same memory meanwhile.",
           "Use 32 bits or another launch");
  });
  switch (rmw.getKind()) {
  case tt::RMWOp::ADD:
    return "add_halves";
  case tt::RMWOp::AND:
    return "and_halves";
  case tt::RMWOp::OR:
    return "or_halves";
  case tt::RMWOp::XOR:
    return "xor_halves";
  case tt::RMWOp::UMAX:
    return "umax_only";
  default:
    return "umin_only";
  }
}

} // namespace tmetal

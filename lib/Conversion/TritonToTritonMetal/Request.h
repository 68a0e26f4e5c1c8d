// SPDX-License-Identifier: MIT
// Requests for elements of blocks, and how they pass through views: operations that only say anew where an
// element is.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tmetal {

/// Which element of a block each thread of a region wants: layout, then exclusive or with a constant.
struct Request {
  LinearLayout layout;
  int64_t flip = 0;

  bool operator==(const Request &other) const { return flip == other.flip && layout == other.layout; }
  bool operator<(const Request &other) const;

  /// The request as the operand of a view, which has `shape`, sees it: bit k of an element's index becomes
  /// `images[k]`.
  Request through(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> images, int64_t constant = 0) const;
};

/// Where, among its own registers, a thread finds what it requests: what `map` says, exclusive or a constant.
struct OwnRegister {
  RegisterMap map;
  int64_t constant = 0;
};

/// None when a thread that keeps `have` does not have all that it wants, or would look for it at run time in
/// too many registers.
std::optional<OwnRegister> findOwnRegister(const Request &have, const Request &want);

using ValueRequest = std::pair<mlir::Value, Request>;

/// Operands of a view with the requests that they get; none for other operations. Of two, the higher bit
/// (`cat`) or the lowest (`join`) of the element's index chooses.
llvm::SmallVector<ValueRequest> requestsThroughView(mlir::OpResult result, const Request &request);

/// Visits the operands that a request for `value`, which no thread keeps, is passed on to. False as soon as
/// `visit` returns false.
bool forEachPulled(mlir::Value value, const Request &request,
                   llvm::function_ref<bool(mlir::Value, const Request &)> visit);

} // namespace tmetal

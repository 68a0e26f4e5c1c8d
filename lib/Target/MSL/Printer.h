// SPDX-License-Identifier: MIT
#pragma once

#include "triton-metal/Analysis/PointerRoots.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"
#include "triton-metal/Support/SourceLocation.h"
#include "triton-metal/Target/PrintMSL.h"
#include "triton-metal/Target/Profiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace tmetal {

/// As the text spells it.
inline std::string number(int64_t value) { return std::to_string(value); }

class MslPrinter {
public:
  MslPrinter(tm::KernelOp kernel, const MslOptions &options);
  MslKernel print();

  // ---- for the rules of scalar operations (Scalars.cpp) ----
  std::string name(mlir::Value value);
  std::string typeName(mlir::Type type, mlir::Location loc);
  std::string unsignedName(mlir::Type type, mlir::Location loc);
  /// Whether the text computes with this type in integers, because the target has no double.
  bool isSoftware(mlir::Type type) const { return type.isF64() && target.float64 == Float64::Software; }
  std::string zero(mlir::Type type, mlir::Location loc);
  std::string literal(mlir::TypedAttr attribute, mlir::Location loc);
  /// The expression of a scalar operation with one result. Throws for operations that it does not know.
  std::string expression(mlir::Operation *op);
  [[noreturn]] void refuse(mlir::Operation *op, const std::string &reason);
  [[noreturn]] void refuse(mlir::Location loc, llvm::StringRef what, const std::string &reason);

private:
  void block(mlir::Block &block);
  void operation(mlir::Operation *op);
  void line(const llvm::Twine &text, mlir::Operation *op = nullptr);
  void open(const llvm::Twine &text, mlir::Operation *op = nullptr);
  void close(const llvm::Twine &text = "}");
  std::string fresh(llvm::StringRef prefix);
  void declare(mlir::Value value, const llvm::Twine &init, mlir::Operation *op);
  void assignAll(mlir::ValueRange targets, mlir::ValueRange values);

  MslKernel::Counts countCosts();
  void findSoftwareFloat64();
  void findStoredParameters();
  bool isReadOnly(size_t index);
  void signature();
  void region(tm::RegionOp op);
  void forLoop(mlir::scf::ForOp op);
  void ifBranch(mlir::scf::IfOp op);
  void whileLoop(mlir::scf::WhileOp op);
  void load(tm::LoadOp op);
  void store(tm::StoreOp op);
  void atomic(mlir::Operation *op);
  void poll(tm::AtomicPollOp op);
  std::string wideAtomic(mlir::Operation *op, mlir::Type type);
  void fragmentsStore(tm::FragmentsStoreOp op);
  void multiplyAccumulate(tm::MultiplyAccumulateOp op);
  void message(mlir::Operation *op);
  std::string storedName(mlir::Type type, mlir::Location loc);
  std::string fromStored(const std::string &text, mlir::Type type) const;
  std::string toStored(const std::string &text, mlir::Type type) const;
  static int64_t storedBytes(mlir::Type type);
  std::string safeName(llvm::StringRef given, llvm::StringRef prefix, bool isFunction);
  void sharedLoad(tm::SharedLoadOp op);
  void sharedStore(tm::SharedStoreOp op);
  void sharedAtomicAdd(tm::SharedAtomicAddOp op);
  static int64_t fragmentCount(tm::FragmentsType type);
  void rectangle(tm::FragmentsType type, int64_t firstRow);
  void trackFragment(mlir::Operation *op, const std::string &address, int64_t stride, mlir::Type element,
                     const char *track);
  static const char *kindOf(tm::LinearLayoutAttr layout);
  bool isChecked() const { return options.checkAddresses || options.checkRaces || options.checkUndefined; }

  // ---- check modes ----
  std::string guard(mlir::Operation *op, mlir::Value pointer, mlir::Value offset, mlir::Value mask,
                    const char *track);
  std::string guardShared(mlir::Operation *op, mlir::Value array, mlir::Value index, mlir::Value mask,
                          const char *track);
  int site(const char *kind, const std::string &what, mlir::Operation *op);
  // Undefined values (Undefined.cpp).
  void findSuspects();
  void placeCompanions();
  std::string companion(mlir::Value value);
  std::string companionOf(mlir::ValueRange values);
  void declareCompanion(mlir::Operation *op);
  void variableCompanion(mlir::Value value, mlir::Value init);
  void tileCompanion(tm::TileOp tile);
  void sharedCompanion(tm::SharedOp shared);
  void copyCompanion(mlir::Operation *op);
  void demand(llvm::ArrayRef<mlir::Value> values, const std::string &active, mlir::Operation *op);

  std::string position(tm::LinearLayoutAttr layout, const std::string &reg, int64_t shift, int64_t mask);
  std::string access(tm::TileType type, const std::string &tile, const std::string &reg);

  tm::KernelOp kernel;
  const MslOptions &options;
  const TargetInfo &target;
  PointerRoots roots;
  AliasGroups aliases; // of the kernel's parameters
  MslKernel result;
  std::string text;
  int indent = 0;
  int counter = 0;
  SourceLocation lastLine;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringSet<> used;
  llvm::DenseSet<mlir::Value>
      suspects; // values, tiles and arrays that may be undefined, when that is checked
  llvm::DenseMap<mlir::Value, std::string> companions;
  llvm::DenseMap<mlir::Value, int64_t> companionOffsets; // of arrays, in threadgroup memory
};

} // namespace tmetal

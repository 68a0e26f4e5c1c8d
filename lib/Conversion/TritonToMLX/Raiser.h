// SPDX-License-Identifier: MIT
// The raising of one launch: an abstract interpretation of the kernel for all programs at once.
#pragma once

#include "triton-metal/Analysis/IndexExpr.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Support/SourceLocation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

#include <functional>

namespace tmetal {

/// What a kernel value is known to be, over the program axes of its frame followed by its block axes.
struct Val {
  enum class Kind { Index, Condition, Array, Pointer };
  Kind kind = Kind::Array;
  unsigned frame = 0;
  IndexExpr index;     // Index; Pointer: known part of the offset, in elements
  Condition condition; // Condition: known part
  mlir::Value array;   // Array; Condition: further conjunct or null; Pointer: further offset or null
  int storage = -1;    // Pointer
};

using Vals = llvm::SmallVector<Val, 4>;

/// The program axes that all programs of a launch, or of a slab of it, span.
struct ProgramBox {
  Extents extents;
  std::array<IndexExpr, 3> ids; // program_id over these axes
};
/// Chooses axes so that as many scalar values as possible are affine (grouped program ids become a box).
ProgramBox planProgramBox(tt::FuncOp func, const LaunchSignature &signature);

/// The value of an integer operation whose operands are all known, wrapped to its type; nullopt when too
/// large.
std::optional<IndexExpr> evaluateInteger(mlir::Operation *op, llvm::ArrayRef<IndexExpr> operands,
                                         llvm::ArrayRef<int64_t> extents);
/// A comparison of known integers.
std::optional<Condition> evaluateComparison(mlir::arith::CmpIPredicate predicate, unsigned width,
                                            const IndexExpr &a, const IndexExpr &b,
                                            llvm::ArrayRef<int64_t> extents);

/// Refuses loops whose condition depends on a storage that the kernel stores to. `storageOf`: parameter to
/// storage.
void checkNoWaiting(tt::FuncOp kernel, llvm::function_ref<int(unsigned)> storageOf);

/// Throws `file.py:LINE:COL: [op] sentence`.
[[noreturn]] void refuse(mlir::Operation *op, const llvm::Twine &sentence);
std::string typeName(mlir::Type type);

class Raiser {
public:
  Raiser(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box, bool onGpu);
  RaisedGraph run();

  // ---- rules, one per operation or family; `detail` is the rule table's parameter ----
  using Rule = void (Raiser::*)(mlir::Operation *, llvm::StringRef detail);
  // Elementwise.cpp
  void raiseConstant(mlir::Operation *, llvm::StringRef);
  void raisePoison(mlir::Operation *, llvm::StringRef);
  void raiseInteger(mlir::Operation *, llvm::StringRef);
  void raiseCompareInteger(mlir::Operation *, llvm::StringRef);
  void raiseCompareFloat(mlir::Operation *, llvm::StringRef);
  void raiseSelect(mlir::Operation *, llvm::StringRef);
  void raiseUnaryFloat(mlir::Operation *, llvm::StringRef);
  void raiseBinaryFloat(mlir::Operation *, llvm::StringRef);
  void raiseFloatMath(mlir::Operation *, llvm::StringRef);
  void raiseConversion(mlir::Operation *, llvm::StringRef);
  void raiseBitcast(mlir::Operation *, llvm::StringRef);
  void raiseExtendedMultiply(mlir::Operation *, llvm::StringRef);
  void raiseExternElementwise(mlir::Operation *, llvm::StringRef);
  // Shape.cpp
  void raiseProgramId(mlir::Operation *, llvm::StringRef);
  void raiseNumPrograms(mlir::Operation *, llvm::StringRef);
  void raiseMakeRange(mlir::Operation *, llvm::StringRef);
  void raiseSplat(mlir::Operation *, llvm::StringRef);
  void raiseExpandDims(mlir::Operation *, llvm::StringRef);
  void raiseBroadcast(mlir::Operation *, llvm::StringRef);
  void raiseReshape(mlir::Operation *, llvm::StringRef);
  void raiseTranspose(mlir::Operation *, llvm::StringRef);
  void raiseConcatenate(mlir::Operation *, llvm::StringRef);
  void raiseJoin(mlir::Operation *, llvm::StringRef);
  void raiseSplit(mlir::Operation *, llvm::StringRef);
  void raiseUnsplat(mlir::Operation *, llvm::StringRef);
  void raiseGather(mlir::Operation *, llvm::StringRef);
  void raiseHistogram(mlir::Operation *, llvm::StringRef);
  // Reduction.cpp
  void raiseReduce(mlir::Operation *, llvm::StringRef);
  void raiseScan(mlir::Operation *, llvm::StringRef);
  void raiseDot(mlir::Operation *, llvm::StringRef);
  void raiseDotScaled(mlir::Operation *, llvm::StringRef);
  void raiseMapElementwise(mlir::Operation *, llvm::StringRef);
  // Memory.cpp, Stores.cpp
  void raiseAddPointer(mlir::Operation *, llvm::StringRef);
  void raiseLoad(mlir::Operation *, llvm::StringRef);
  void raiseStore(mlir::Operation *, llvm::StringRef);
  void raiseAtomic(mlir::Operation *, llvm::StringRef);
  // Control.cpp
  void raiseFor(mlir::Operation *, llvm::StringRef);
  void raiseIf(mlir::Operation *, llvm::StringRef);
  void raiseWhile(mlir::Operation *, llvm::StringRef);
  void raiseNothing(mlir::Operation *, llvm::StringRef);

private:
  // ---- frames: program axes in force ----
  struct Frame {
    Extents extents;        // all program axes
    unsigned addedBack = 0; // axes added behind those of the frame below
    unsigned addedFront = 0;
  };
  struct Mask {
    Condition condition;
    mlir::Value array; // null: none
    unsigned frame = 0;
  };
  class FrameScope;
  class MaskScope;

  const Extents &programExtents() const { return frames.back().extents; }
  unsigned programRank() const { return frames.back().extents.size(); }
  /// Program axes followed by the block axes of a type.
  Extents extentsOf(mlir::Type type) const;

  // ---- values ----
  Val get(mlir::Value value);
  void set(mlir::Value value, Val val);
  void setArray(mlir::Value value, mlir::Value array);
  void setIndex(mlir::Value value, IndexExpr index);
  Val makeArray(mlir::Value array) const;
  Val makeIndex(IndexExpr index) const;
  Val makeCondition(Condition condition, mlir::Value array = {}) const;
  Val adapt(Val val);
  mlir::Value adaptArray(mlir::Value array, unsigned fromFrame);
  IndexExpr adaptIndex(IndexExpr index, unsigned fromFrame) const;
  /// The known integer or condition (as 0/1, true being -1 when `signedBool`) behind a value, if it is one.
  std::optional<IndexExpr> knownInteger(mlir::Value value);
  mlir::Value arrayOf(mlir::Value value);
  mlir::Value toArray(const Val &val, mlir::Type elementType, llvm::ArrayRef<int64_t> extents);
  mlir::Value materialize(const IndexExpr &index, mlir::Type elementType, llvm::ArrayRef<int64_t> extents);
  mlir::Value materialize(const Condition &condition, llvm::ArrayRef<int64_t> extents);
  Val selectVal(const Val &condition, const Val &a, const Val &b, mlir::Type type, mlir::Operation *op);
  Val conjunction(const Val &a, const Val &b, llvm::ArrayRef<int64_t> extents);
  Val negation(const Val &condition, llvm::ArrayRef<int64_t> extents);

  // ---- emission of mlx operations (Emit.cpp) ----
  using Attributes = llvm::ArrayRef<mlir::NamedAttribute>;
  mlir::Value emit(llvm::StringRef name, mlir::ValueRange operands, mlir::Type elementType,
                   llvm::ArrayRef<int64_t> shape, Attributes attributes = {});
  /// Elementwise: the shape is the operands' broadcast shape.
  mlir::Value emitElementwise(llvm::StringRef name, mlir::ValueRange operands, mlir::Type elementType);
  mlir::Value emitCompare(llvm::StringRef name, mlir::Value a, mlir::Value b);
  mlir::Value emitWhere(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value emitScalar(mlir::Attribute value, mlir::Type elementType, unsigned rank);
  mlir::Value emitInt(int64_t value, mlir::Type elementType, unsigned rank);
  mlir::Value emitFloat(double value, mlir::Type elementType, unsigned rank);
  mlir::Value emitCast(mlir::Value a, mlir::Type elementType);
  mlir::Value emitView(mlir::Value a, mlir::Type elementType);
  mlir::Value emitUnsigned(mlir::Value a); // the same bits as an unsigned integer
  mlir::Value emitSigned(mlir::Value a);
  mlir::Value emitReshape(mlir::Value a, llvm::ArrayRef<int64_t> shape);
  mlir::Value emitTranspose(mlir::Value a, llvm::ArrayRef<int64_t> axes);
  mlir::Value emitBroadcast(mlir::Value a, llvm::ArrayRef<int64_t> shape);
  mlir::Value emitSlice(mlir::Value a, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> stop,
                        llvm::ArrayRef<int64_t> strides = {});
  mlir::Value emitSliceAxis(mlir::Value a, unsigned axis, int64_t start, int64_t stop, int64_t stride = 1);
  mlir::Value emitFlip(mlir::Value a, unsigned axis);
  mlir::Value emitConcatenate(llvm::ArrayRef<mlir::Value> arrays, unsigned axis);
  mlir::Value emitPad(mlir::Value a, mlir::Value value, llvm::ArrayRef<int64_t> low,
                      llvm::ArrayRef<int64_t> high);
  mlir::Value emitReduction(llvm::StringRef name, mlir::Value a, llvm::ArrayRef<int64_t> axes,
                            mlir::Type elementType);
  mlir::Value emitAsStrided(mlir::Value flat, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides,
                            int64_t offset);
  mlir::Value emitTake(mlir::Value a, mlir::Value indices, unsigned axis);
  mlir::Value emitAnd(mlir::Value a, mlir::Value b); // either may be null
  static llvm::ArrayRef<int64_t> shapeOf(mlir::Value array) {
    return llvm::cast<mlir::RankedTensorType>(array.getType()).getShape();
  }
  static mlir::Type elementOf(mlir::Value array) {
    return llvm::cast<mlir::RankedTensorType>(array.getType()).getElementType();
  }
  /// The array's element type for a kernel element type (fp8 travels as ui8).
  mlir::Type arrayElement(mlir::Type type);
  mlir::Type memoryElement(mlir::Type type); // as in a storage: i1 is a byte
  mlir::Type i1() { return builder.getI1Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type unsignedType(unsigned width) {
    return mlir::IntegerType::get(builder.getContext(), width, mlir::IntegerType::Unsigned);
  }

  // ---- elementwise helpers ----
  mlir::Value divideTruncating(mlir::Value a, mlir::Value b, bool remainder);
  mlir::Value divideUnsigned(mlir::Value a, mlir::Value b, bool remainder);
  mlir::Value multiplyHigh(mlir::Value a, mlir::Value b, bool isSigned);
  mlir::Value shift(mlir::Value a, mlir::Value amount, llvm::StringRef name, bool isSigned);
  mlir::Value copySign(mlir::Value magnitude, mlir::Value sign);
  mlir::Value floatRemainder(mlir::Value a, mlir::Value b);
  mlir::Value fusedMultiplyAdd(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value accurateUnary(llvm::StringRef form, mlir::Value a); // where MLX's own form is too coarse, ours
  mlir::Value errorFunction(mlir::Value a);
  mlir::Value maxNumber(mlir::Value a, mlir::Value b, bool maximum);
  mlir::Value integerArray(mlir::Operation *op, llvm::StringRef detail, llvm::ArrayRef<mlir::Value> operands);
  mlir::Value convertFloat(mlir::Value a, mlir::Type from, mlir::Type to, bool towardZero,
                           mlir::Operation *op);
  mlir::Value fromFloat8(mlir::Value bits, mlir::Type from);
  mlir::Value toFloat8(mlir::Value a, mlir::Type to, bool towardZero, mlir::Operation *op);

  // ---- shape helpers ----
  using IndexChange = llvm::function_ref<std::optional<IndexExpr>(const IndexExpr &)>;
  using ArrayChange = llvm::function_ref<mlir::Value(mlir::Value)>;
  Val changeShape(mlir::Value source, IndexChange changeIndex, ArrayChange changeArray);
  mlir::Value fullBlock(mlir::Value array, mlir::Type type); // block axes at their extents

  // ---- reductions ----
  /// Runs a combiner region on arrays of equal shape, whose axes all count as program axes.
  llvm::SmallVector<mlir::Value> combine(mlir::Region &region, llvm::ArrayRef<mlir::Value> operands,
                                         llvm::ArrayRef<int64_t> extents);
  mlir::Value reduceKnown(llvm::StringRef combiner, mlir::Value a, unsigned axis);
  mlir::Value contract(mlir::Value a, mlir::Value b, unsigned batchRank);
  mlir::Value dotArrays(mlir::Value a, mlir::Value b, mlir::Type aType, mlir::Type bType,
                        mlir::Type resultType, unsigned batchRank, mlir::Operation *op);

  // ---- memory ----
  struct Access {
    mlir::Operation *op = nullptr;
    int storage = -1;
    mlir::Type element;        // kernel element type
    IndexExpr offset;          // known part, in elements of the storage
    mlir::Value dynamicOffset; // or null
    Condition condition;       // lanes that are on
    mlir::Value dynamicMask;   // or null
    Extents extents;
  };
  struct BoxAxis {
    llvm::SmallVector<unsigned, 2> sources; // outermost first
    int64_t extent = 1, low = 0, high = 1;  // lanes [low, high) are on
    int64_t stride = 0;
    bool clipped() const { return low > 0 || high < extent; }
    int64_t size() const { return high - low; }
  };
  struct Box {
    llvm::SmallVector<BoxAxis, 4> axes;
    Condition rest; // what the bounds do not say
    bool empty = false;
    int64_t first = 0; // offset of the first lane that is on
  };
  Access makeAccess(mlir::Operation *op, mlir::Value pointer, mlir::Value mask);
  Box planBox(const Access &access, llvm::ArrayRef<bool> movable);
  mlir::Value state(const Access &access); // the storage as a flat array of the access's element type
  void setState(const Access &access, mlir::Value flat, std::optional<Range> written, bool exact);
  int64_t storageLength(const Access &access) const;
  std::optional<mlir::Value> loadView(const Access &access, mlir::Value other);
  mlir::Value loadGather(const Access &access, mlir::Value other);
  mlir::Value load(const Access &access, mlir::Value other);
  mlir::Value flatIndices(const Access &access, mlir::Value &mask);
  void store(const Access &access, mlir::Value value);
  bool storeRegion(const Access &access, mlir::Value value);
  void storeScatter(const Access &access, mlir::Value value, llvm::StringRef reduction);
  std::optional<mlir::Value> updateRegion(mlir::Value flat, int64_t first, llvm::ArrayRef<int64_t> shape,
                                          llvm::ArrayRef<int64_t> strides, mlir::Value value);
  [[noreturn]] void refuseOutOfBounds(const Access &access, int64_t element);
  void checkKnownLanes(const Access &access);
  mlir::Value reduceLanes(mlir::Operation *op, llvm::StringRef kind, mlir::Value value, unsigned axis);

  // ---- control ----
  void raiseBlock(mlir::Block &block);
  void raiseOperation(mlir::Operation *op);
  Val activeMask(llvm::ArrayRef<int64_t> extents);
  void unrollFor(mlir::scf::ForOp loop, const IndexExpr &lower, const IndexExpr &upper, const IndexExpr &step,
                 int64_t trips);
  bool liftFor(mlir::scf::ForOp loop, const IndexExpr &lower, const IndexExpr &step, int64_t trips);
  struct Carried {
    llvm::SmallVector<mlir::Value> arrays;
    llvm::SmallVector<int> storages;
  };
  mlir::Value carry(const Val &val, mlir::Type type);
  Val uncarry(mlir::Value array, const Val &like, mlir::Type type);
  llvm::SmallVector<int> storedStorages(mlir::Operation *op);
  /// A loop whose trip count only the device knows. `step` raises one trip and returns (go on, carried
  /// values).
  Vals dynamicLoop(mlir::Operation *op, mlir::Value goOn, llvm::ArrayRef<Val> inits,
                   llvm::ArrayRef<mlir::Type> types,
                   llvm::function_ref<std::pair<mlir::Value, Vals>(llvm::ArrayRef<Val>)> step);
  mlir::Value fullMask(const Val &condition);

  tt::FuncOp func;
  const LaunchSignature &signature;
  const ProgramBox &box;
  bool onGpu;
  mlir::OpBuilder builder;
  llvm::SmallVector<Frame> frames;
  llvm::SmallVector<Mask, 4> masks;
  llvm::DenseMap<mlir::Value, Val> values;
  llvm::SmallVector<mlir::Value> states;  // per storage: its flat array now
  llvm::SmallVector<Range> written;       // per storage: bytes that may have changed; min > max: none
  llvm::SmallVector<bool> exactlyWritten; // per storage: all of that range is stored, whatever the data
  llvm::SmallVector<mlir::Type> originalElement;
  llvm::SmallVector<std::string> storageArgument; // name of the first argument that points into it
  int64_t emitted = 0;
};

/// How an operation is raised, or why it is refused.
struct OperationRule {
  const char *name;
  Raiser::Rule rule; // null: refused
  const char *detail;
  const char *note;
};
const OperationRule *findRule(llvm::StringRef name);

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "triton-metal/Target/TranslateToGraph.h"
#include "triton-metal/Dialect/MLX/IR/MLX.h"
#include "triton-metal/Support/Errors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

namespace {
class Translator {
public:
  GraphProgram program;

  ArrayType typeOf(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    std::string dtype;
    raw_string_ostream(dtype) << type.getElementType();
    return {dtype, {type.getShape().begin(), type.getShape().end()}};
  }

  int32_t number(Value value) {
    auto [it, isNew] = numbers.try_emplace(value, program.valueCount);
    if (isNew)
      ++program.valueCount;
    return it->second;
  }

  void constantBytes(DenseElementsAttr value, std::vector<uint8_t> &out) {
    if (value.getElementType().isInteger(1)) { // MLX stores truth values as bytes
      for (bool bit : value.getValues<bool>())
        out.push_back(bit);
      return;
    }
    ArrayRef<char> raw = value.getRawData();
    int64_t copies = value.isSplat() ? value.getNumElements() : 1;
    for (int64_t i = 0; i < copies; ++i)
      out.insert(out.end(), raw.begin(), raw.end());
  }

  void block(Block &source, GraphBlock &target) {
    for (Value argument : source.getArguments())
      target.arguments.push_back(number(argument));
    for (Operation &op : source.without_terminator()) {
      GraphNode node;
      node.op = op.getName().stripDialect().str();
      for (Value operand : op.getOperands())
        node.operands.push_back(number(operand));
      for (Value result : op.getResults()) {
        node.results.push_back(number(result));
        node.resultTypes.push_back(typeOf(result));
      }
      for (NamedAttribute attribute : op.getAttrs()) {
        if (auto array = dyn_cast<DenseI64ArrayAttr>(attribute.getValue()))
          node.integers.push_back(
              {attribute.getName().str(), {array.asArrayRef().begin(), array.asArrayRef().end()}});
        else if (auto boolean = dyn_cast<BoolAttr>(attribute.getValue()))
          node.integers.push_back({attribute.getName().str(), {boolean.getValue()}});
        else if (auto integer = dyn_cast<IntegerAttr>(attribute.getValue()))
          node.integers.push_back({attribute.getName().str(), {integer.getInt()}});
        else if (auto text = dyn_cast<StringAttr>(attribute.getValue()))
          node.text = text.getValue().str();
        else if (auto dense = dyn_cast<DenseElementsAttr>(attribute.getValue()))
          constantBytes(dense, node.data);
      }
      if (op.getNumRegions() == 1) {
        node.body = std::make_shared<GraphBlock>();
        block(op.getRegion(0).front(), *node.body);
      }
      target.nodes.push_back(std::move(node));
    }
    for (Value result : source.getTerminator()->getOperands())
      target.results.push_back(number(result));
    markDying(source, target);
  }

private:
  /// Marks the last use of each array, where it is released so that MLX can reuse its buffer.
  void markDying(Block &source, GraphBlock &target) {
    llvm::DenseSet<Value> seen;
    for (Value result : source.getTerminator()->getOperands())
      seen.insert(result);
    auto node = target.nodes.rbegin();
    for (auto op = std::next(source.rbegin()); op != source.rend(); ++op, ++node) {
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (operand.getParentBlock() == &source && seen.insert(operand).second)
            node->dying.push_back(number(operand));
      });
      for (Value result : op->getResults())
        if (!seen.contains(result))
          node->dying.push_back(number(result));
    }
  }

  llvm::DenseMap<Value, int32_t> numbers;
};
} // namespace

std::vector<GraphCategory> graphCategories() {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<mlxir::MLXDialect>();
  std::vector<GraphCategory> categories;
  for (StringRef name : mlxir::categoryNames())
    categories.push_back({name.str(), {}});
  for (RegisteredOperationName op : context.getRegisteredOperationsByDialect("mlx"))
    for (GraphCategory &category : categories)
      if (category.name == mlxir::categoryOf(op))
        category.operations.push_back(op.stripDialect().str());
  return categories;
}

/// A graph comes from raising, or from a text that somebody wrote.
static void requireGraph(ModuleOp module) {
  auto refuse = [](Operation *op, const std::string &reason) {
    throw Error(ErrorKind::Compile, "[" + op->getName().getStringRef().str() + "] " + reason);
  };
  auto isArray = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getElementType().isIntOrFloat();
  };
  auto functions = module.getOps<func::FuncOp>();
  if (!hasSingleElement(functions) || !hasSingleElement((*functions.begin()).getBody()))
    refuse(module, "A graph is a function with one block.");
  (*functions.begin()).walk([&](Operation *op) {
    if (!isa<func::FuncOp, func::ReturnOp>(op) && !isa<mlxir::MLXDialect>(op->getDialect()))
      refuse(op, "A graph holds operations of the mlx dialect only.");
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (!all_of(block.getArgumentTypes(), isArray))
          refuse(op, "A graph holds arrays only.");
    if (!all_of(op->getResultTypes(), isArray))
      refuse(op, "A graph holds arrays only.");
  });
}

GraphProgram translateToGraph(ModuleOp module) {
  requireGraph(module);
  auto function = *module.getOps<func::FuncOp>().begin();
  Translator translator;
  for (Value argument : function.getArguments())
    translator.program.inputTypes.push_back(translator.typeOf(argument));
  translator.block(function.getBody().front(), translator.program.body);
  return std::move(translator.program);
}

} // namespace tmetal

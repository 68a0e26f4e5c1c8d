// SPDX-License-Identifier: MIT
#include "Raising.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

namespace {
/// Builds a graph from its arguments to its results.
class GraphBuilder {
public:
  GraphBuilder(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box, bool onGpu)
      : func(func), signature(signature), r(func.getContext(), signature, box, onGpu) {}

  RaisedGraph build() {
    nameStorages();
    module = ModuleOp::create(UnknownLoc::get(func.getContext()));
    OpBuilder &builder = r.emitter.builder;
    builder.setInsertionPointToEnd(module->getBody());
    auto graph = func::FuncOp::create(builder, builder.getUnknownLoc(), func.getName(),
                                      builder.getFunctionType(inputTypes(), {}));
    Block *entry = graph.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    bindArguments(entry->getArguments());
    raiseBlock(r, func.getBody().front());
    RaisedGraph result;
    SmallVector<Value> outputs = writtenStorages(entry->getArguments(), result.outputs);
    func::ReturnOp::create(builder, builder.getUnknownLoc(), outputs);
    graph.setFunctionType(builder.getFunctionType(entry->getArgumentTypes(), TypeRange(outputs)));
    result.module = std::move(module);
    return result;
  }

private:
  static int64_t bytesOf(Type element) { return (element.getIntOrFloatBitWidth() + 7) / 8; }
  Type parameterType(unsigned i) { return func.getFunctionType().getInput(i); }
  Type pointee(unsigned i) { return memoryElement(cast<tt::PointerType>(parameterType(i)).getPointeeType()); }

  /// Gives each storage the name and element type of the first argument that points into it.
  void nameStorages() {
    r.memory.storages.resize(signature.storages.size());
    elements.resize(signature.storages.size());
    for (auto [storage, spec] : zip_equal(r.memory.storages, signature.storages))
      storage.nbytes = spec.nbytes;
    for (auto [i, spec] : enumerate(signature.arguments)) {
      if (spec.kind != ArgumentSpec::Kind::Pointer || elements[spec.storage])
        continue;
      elements[spec.storage] = pointee(i);
      auto named = dyn_cast<NameLoc>(func.getArgument(i).getLoc());
      bool hasName = named && !named.getName().empty();
      r.memory.storages[spec.storage].argument =
          hasName ? named.getName().str() : "argument " + std::to_string(i);
    }
  }

  /// One flat array for each storage, then one 0-d array for each dynamic argument.
  SmallVector<Type> inputTypes() {
    SmallVector<Type> inputs;
    for (auto [spec, element] : zip_equal(signature.storages, elements))
      inputs.push_back(RankedTensorType::get({spec.nbytes / bytesOf(element)}, element));
    for (auto [i, spec] : enumerate(signature.arguments))
      if (spec.kind == ArgumentSpec::Kind::Dynamic)
        inputs.push_back(RankedTensorType::get({}, parameterType(i)));
    return inputs;
  }

  void bindArguments(ValueRange inputs) {
    for (auto [storage, input] : zip(r.memory.storages, inputs))
      storage.state = input;
    ValueRange dynamic = inputs.drop_front(r.memory.storages.size());
    unsigned rank = r.values.programRank();
    for (auto [i, spec] : enumerate(signature.arguments)) {
      Value argument = func.getArgument(i);
      switch (spec.kind) {
      case ArgumentSpec::Kind::Pointer:
        r.values.set(argument, pointerTo(spec, bytesOf(pointee(i))));
        break;
      case ArgumentSpec::Kind::Integer: {
        bool truth = parameterType(i).isInteger(1);
        int64_t value =
            truth ? spec.value & 1 : wrapSigned(spec.value, parameterType(i).getIntOrFloatBitWidth());
        r.values.setKnown(argument, IndexExpr::constant(value, rank));
        break;
      }
      case ArgumentSpec::Kind::Dynamic:
        r.values.setArray(argument, r.emitter.reshape(dynamic.front(), Extents(rank, 1)));
        dynamic = dynamic.drop_front();
        break;
      }
    }
  }

  Val pointerTo(const ArgumentSpec &spec, int64_t width) {
    if (spec.byteOffset % width != 0)
      throw Error(ErrorKind::Argument, "[" + r.memory.storages[spec.storage].argument +
                                           "] The pointer is not aligned to its elements of " +
                                           std::to_string(width) + " bytes.");
    Val pointer;
    pointer.kind = Val::Kind::Pointer;
    pointer.storage = spec.storage;
    pointer.index = IndexExpr::constant(spec.byteOffset / width, r.values.programRank());
    return pointer;
  }

  /// The storages that were stored to, with the element types of the inputs.
  SmallVector<Value> writtenStorages(ValueRange inputs, std::vector<RaisedOutput> &outputs) {
    SmallVector<Value> arrays;
    for (auto [i, storage] : enumerate(r.memory.storages)) {
      if (!storage.isWritten())
        continue;
      arrays.push_back(r.emitter.bits(storage.state, elementOf(inputs[i])));
      outputs.push_back(
          {static_cast<int>(i), storage.written.min, storage.written.max, storage.exactlyWritten});
    }
    return arrays;
  }

  tt::FuncOp func;
  const LaunchSignature &signature;
  Raising r;
  OwningOpRef<ModuleOp> module;
  SmallVector<Type> elements; // one for each storage
};
} // namespace

RaisedGraph raisePrograms(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box,
                          bool onGpu) {
  return GraphBuilder(func, signature, box, onGpu).build();
}

} // namespace tmetal::raising

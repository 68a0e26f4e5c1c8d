// SPDX-License-Identifier: MIT
#include "Raiser.h"

#include "mlir/IR/AsmState.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

// ---- refusals ----

void refuse(Operation *op, const Twine &sentence) {
  throw Error(ErrorKind::Unsupported,
              placeOf(op->getLoc()) + "[" + op->getName().getStringRef().str() + "] " + sentence.str());
}

std::string typeName(Type type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text;
}

// ---- set-up ----

Raiser::Raiser(tt::FuncOp func, const LaunchSignature &signature, const ProgramBox &box, bool onGpu)
    : func(func), signature(signature), box(box), onGpu(onGpu), builder(func.getContext()) {
  frames.push_back({box.extents, 0, 0});
}

RaisedGraph Raiser::run() {
  MLIRContext *context = func.getContext();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  unsigned storageCount = signature.storages.size();
  originalElement.assign(storageCount, Type());
  storageArgument.assign(storageCount, "");
  written.assign(storageCount, Range{INT64_MAX, INT64_MIN});
  exactlyWritten.assign(storageCount, true);
  auto parameterType = [&](unsigned i) { return func.getFunctionType().getInput(i); };
  for (auto [i, spec] : enumerate(signature.arguments)) {
    if (spec.kind != ArgumentSpec::Kind::Pointer || originalElement[spec.storage])
      continue;
    originalElement[spec.storage] = memoryElement(cast<tt::PointerType>(parameterType(i)).getPointeeType());
    std::string name;
    if (auto named = dyn_cast<NameLoc>(func.getArgument(i).getLoc()))
      name = named.getName().str();
    storageArgument[spec.storage] = name.empty() ? "argument " + std::to_string(i) : name;
  }
  SmallVector<Type> inputs;
  auto widthOf = [](Type type) -> int64_t { return (type.getIntOrFloatBitWidth() + 7) / 8; };
  for (auto [spec, element] : zip_equal(signature.storages, originalElement))
    inputs.push_back(RankedTensorType::get({spec.nbytes / widthOf(element)}, element));
  SmallVector<unsigned> dynamicArguments;
  for (auto [i, spec] : enumerate(signature.arguments))
    if (spec.kind == ArgumentSpec::Kind::Dynamic) {
      dynamicArguments.push_back(i);
      inputs.push_back(RankedTensorType::get({}, arrayElement(parameterType(i))));
    }
  builder.setInsertionPointToEnd(module->getBody());
  auto graph = func::FuncOp::create(builder, builder.getUnknownLoc(), func.getName(),
                                    builder.getFunctionType(inputs, {}));
  Block *entry = graph.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  states.assign(entry->args_begin(), entry->args_begin() + storageCount);

  for (auto [i, spec] : enumerate(signature.arguments)) {
    Value argument = func.getArgument(i);
    switch (spec.kind) {
    case ArgumentSpec::Kind::Pointer: {
      int64_t width = widthOf(memoryElement(cast<tt::PointerType>(parameterType(i)).getPointeeType()));
      if (spec.byteOffset % width != 0)
        throw Error(ErrorKind::Argument, "[" + storageArgument[spec.storage] +
                                             "] The pointer is not aligned to its elements of " +
                                             std::to_string(width) + " bytes.");
      Val pointer;
      pointer.kind = Val::Kind::Pointer;
      pointer.storage = spec.storage;
      pointer.index = IndexExpr::constant(spec.byteOffset / width, programRank());
      set(argument, pointer);
      break;
    }
    case ArgumentSpec::Kind::Integer:
      if (parameterType(i).isInteger(1))
        set(argument, makeCondition(Condition::constant(spec.value & 1, programRank())));
      else
        setIndex(argument,
                 IndexExpr::constant(wrapSigned(spec.value, parameterType(i).getIntOrFloatBitWidth()),
                                     programRank()));
      break;
    case ArgumentSpec::Kind::Dynamic: {
      auto position = find(dynamicArguments, i) - dynamicArguments.begin();
      Extents ones(programRank(), 1);
      setArray(argument, emitReshape(entry->getArgument(storageCount + position), ones));
      break;
    }
    }
  }
  raiseBlock(func.getBody().front());

  RaisedGraph result;
  SmallVector<Value> outputs;
  SmallVector<Type> outputTypes;
  for (unsigned i = 0; i < storageCount; ++i) {
    if (written[i].min > written[i].max)
      continue;
    Value flat = states[i];
    if (elementOf(flat) != originalElement[i])
      flat = emit("view", flat, originalElement[i], cast<RankedTensorType>(inputs[i]).getShape());
    outputs.push_back(flat);
    outputTypes.push_back(flat.getType());
    result.outputs.push_back({static_cast<int>(i), written[i].min, written[i].max, exactlyWritten[i]});
  }
  func::ReturnOp::create(builder, builder.getUnknownLoc(), outputs);
  graph.setFunctionType(builder.getFunctionType(inputs, outputTypes));
  result.module = std::move(module);
  return result;
}

// ---- control flow within a block ----

void Raiser::raiseBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    raiseOperation(&op);
}

void Raiser::raiseOperation(Operation *op) {
  const OperationRule *rule = findRule(op->getName().getStringRef());
  if (!rule)
    refuse(op, "This operation is unknown to the mlx engine.");
  if (!rule->rule)
    refuse(op, rule->note);
  constexpr int64_t kMaxOperations = 200000;
  if (emitted > kMaxOperations)
    refuse(op, "The launch unrolls to more than " + Twine(kMaxOperations) + " MLX operations.");
  (this->*rule->rule)(op, rule->detail);
}

// ---- values ----

static ArrayRef<int64_t> blockShape(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.getShape();
  return {};
}

Extents Raiser::extentsOf(Type type) const {
  Extents extents = programExtents();
  ArrayRef<int64_t> block = blockShape(type);
  extents.append(block.begin(), block.end());
  return extents;
}

Val Raiser::makeArray(Value array) const {
  Val val;
  val.kind = Val::Kind::Array;
  val.frame = frames.size() - 1;
  val.array = array;
  return val;
}

Val Raiser::makeIndex(IndexExpr index) const {
  Val val;
  val.kind = Val::Kind::Index;
  val.frame = frames.size() - 1;
  val.index = std::move(index);
  return val;
}

Val Raiser::makeCondition(Condition condition, Value array) const {
  Val val;
  val.kind = Val::Kind::Condition;
  val.frame = frames.size() - 1;
  val.condition = std::move(condition);
  val.array = array;
  return val;
}

void Raiser::set(Value value, Val val) {
  val.frame = frames.size() - 1;
  values[value] = std::move(val);
}
void Raiser::setArray(Value value, Value array) { set(value, makeArray(array)); }
void Raiser::setIndex(Value value, IndexExpr index) { set(value, makeIndex(std::move(index))); }

IndexExpr Raiser::adaptIndex(IndexExpr index, unsigned fromFrame) const {
  for (unsigned i = fromFrame + 1; i < frames.size(); ++i) {
    unsigned below = frames[i - 1].extents.size();
    for (unsigned k = 0; k < frames[i].addedBack; ++k)
      index = index.withAxis(below + k);
    index = index.withLeadingAxes(frames[i].addedFront);
  }
  return index;
}

Value Raiser::adaptArray(Value array, unsigned fromFrame) {
  Extents shape(shapeOf(array).begin(), shapeOf(array).end());
  for (unsigned i = fromFrame + 1; i < frames.size(); ++i) {
    shape.insert(shape.begin() + frames[i - 1].extents.size(), frames[i].addedBack, 1);
    shape.insert(shape.begin(), frames[i].addedFront, 1);
  }
  return emitReshape(array, shape);
}

Val Raiser::adapt(Val val) {
  unsigned from = val.frame;
  if (from == frames.size() - 1)
    return val;
  val.frame = frames.size() - 1;
  if (val.array)
    val.array = adaptArray(val.array, from);
  if (val.kind == Val::Kind::Index || val.kind == Val::Kind::Pointer)
    val.index = adaptIndex(val.index, from);
  for (IndexExpr &atom : val.condition.atoms)
    atom = adaptIndex(atom, from);
  return val;
}

Val Raiser::get(Value value) {
  auto found = values.find(value);
  if (found == values.end())
    throw Error(ErrorKind::Unsupported,
                placeOf(value.getLoc()) + "[tt.func] A value was used before it was raised.");
  return adapt(found->second);
}

std::optional<IndexExpr> Raiser::knownInteger(Value value) {
  Val val = get(value);
  if (val.kind == Val::Kind::Index)
    return val.index;
  if (val.kind == Val::Kind::Condition && !val.array)
    return val.condition.asInteger(extentsOf(value.getType()));
  return std::nullopt;
}

Value Raiser::toArray(const Val &val, Type elementType, ArrayRef<int64_t> extents) {
  switch (val.kind) {
  case Val::Kind::Array:
    return val.array;
  case Val::Kind::Index:
    return materialize(val.index, elementType, extents);
  case Val::Kind::Condition:
    if (val.array && val.condition.atoms.empty())
      return val.array;
    return emitAnd(materialize(val.condition, extents), val.array);
  case Val::Kind::Pointer:
    break;
  }
  throw Error(ErrorKind::Unsupported, "[tt.ptr] A pointer was used as a number.");
}

Value Raiser::arrayOf(Value value) {
  return toArray(get(value), arrayElement(getElementTypeOrSelf(value.getType())), extentsOf(value.getType()));
}

Val Raiser::conjunction(const Val &a, const Val &b, ArrayRef<int64_t> extents) {
  Val result = makeCondition({});
  for (const Val *side : {&a, &b}) {
    if (side->kind == Val::Kind::Condition)
      result.condition.add(side->condition, extents);
    result.array = emitAnd(result.array, side->array);
  }
  if (result.condition.constantValue() == false)
    result.array = {};
  return result;
}

Val Raiser::negation(const Val &condition, ArrayRef<int64_t> extents) {
  if (condition.kind == Val::Kind::Condition && !condition.array)
    if (auto negated = condition.condition.negated(extents))
      return makeCondition(*negated);
  Value array = toArray(condition, i1(), extents);
  return makeCondition({}, emitElementwise("logical_not", array, i1()));
}

Val Raiser::selectVal(const Val &condition, const Val &a, const Val &b, Type type, Operation *op) {
  Extents extents = extentsOf(type);
  bool known = condition.kind == Val::Kind::Condition && !condition.array;
  if (known)
    if (auto value = condition.condition.constantValue())
      return *value ? a : b;
  auto selectIndex = [&](const IndexExpr &x, const IndexExpr &y) -> std::optional<IndexExpr> {
    if (x == y)
      return x;
    if (!known)
      return std::nullopt;
    auto chosen = condition.condition.asInteger(extents);
    if (!chosen)
      return std::nullopt;
    return IndexExpr::map({*chosen, x, y}, extents, [](ArrayRef<int64_t> v) { return v[0] ? v[1] : v[2]; });
  };
  Type element = getElementTypeOrSelf(type);
  if (a.kind == Val::Kind::Pointer || b.kind == Val::Kind::Pointer) {
    if (a.kind != b.kind || a.storage != b.storage)
      refuse(op, "Selecting between pointers into different arguments needs a kernel engine.");
    Val result = a;
    if (!a.array && !b.array)
      if (auto index = selectIndex(a.index, b.index)) {
        result.index = *index;
        return result;
      }
    auto offset = [&](const Val &p) {
      Value sum = materialize(p.index, i64(), extents);
      return p.array ? emitElementwise("add", {sum, emitCast(p.array, i64())}, i64()) : sum;
    };
    result.array = emitWhere(toArray(condition, i1(), extents), offset(a), offset(b));
    result.index = IndexExpr::constant(0, extents.size());
    return result;
  }
  if (a.kind == Val::Kind::Index && b.kind == Val::Kind::Index)
    if (auto index = selectIndex(a.index, b.index))
      return makeIndex(*index);
  if (a.kind == Val::Kind::Condition && b.kind == Val::Kind::Condition && !a.array && !b.array) {
    auto x = a.condition.asInteger(extents), y = b.condition.asInteger(extents);
    if (x && y)
      if (auto index = selectIndex(*x, *y))
        return makeCondition(Condition::fromInteger(*index, extents));
  }
  Type arrayType = arrayElement(element);
  Value array = emitWhere(toArray(condition, i1(), extents), toArray(a, arrayType, extents),
                          toArray(b, arrayType, extents));
  return element.isInteger(1) ? makeCondition({}, array) : makeArray(array);
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "GraphExecutor.h"

#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/transforms.h"

#include <cstring>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace tmetal {

const std::vector<int64_t> &GraphNode::ints(const char *name) const {
  for (const auto &[key, values] : integers)
    if (key == name)
      return values;
  throw std::logic_error("operation '" + op + "' has no attribute '" + name + "'");
}

mx::Dtype dtypeOf(const std::string &name) {
  static const std::unordered_map<std::string, mx::Dtype> table = {
      {"i1", mx::bool_},    {"i8", mx::int8},     {"i16", mx::int16},     {"i32", mx::int32},
      {"i64", mx::int64},   {"ui8", mx::uint8},   {"ui16", mx::uint16},   {"ui32", mx::uint32},
      {"ui64", mx::uint64}, {"f16", mx::float16}, {"bf16", mx::bfloat16}, {"f32", mx::float32},
      {"f64", mx::float64},
  };
  if (name.rfind("f8", 0) == 0) // MLX has no 8-bit floats: it moves their bytes
    return mx::uint8;
  auto found = table.find(name);
  if (found == table.end())
    throw std::logic_error("MLX has no dtype '" + name + "'");
  return found->second;
}

namespace {

using Arrays = std::vector<mx::array>;
using Handler = std::function<mx::array(const GraphNode &, Arrays &, mx::Stream)>;

mx::Shape shapeOf(const std::vector<int64_t> &extents) { return mx::Shape(extents.begin(), extents.end()); }
mx::Shape resultShape(const GraphNode &node) { return shapeOf(node.resultTypes[0].shape); }
std::vector<int> axesOf(const std::vector<int64_t> &axes) { return {axes.begin(), axes.end()}; }

template <mx::array (*F)(const mx::array &, mx::StreamOrDevice)>
mx::array unary(const GraphNode &, Arrays &in, mx::Stream s) {
  return F(in[0], s);
}
template <mx::array (*F)(const mx::array &, const mx::array &, mx::StreamOrDevice)>
mx::array binary(const GraphNode &, Arrays &in, mx::Stream s) {
  return F(in[0], in[1], s);
}
/// Converts the result to the declared type, because MLX may return a wider one (it sums int8 in int32).
template <mx::array (*F)(const mx::array &, const std::vector<int> &, bool, mx::StreamOrDevice)>
mx::array reduction(const GraphNode &node, Arrays &in, mx::Stream s) {
  return mx::astype(F(in[0], axesOf(node.ints("axes")), true, s), dtypeOf(node.resultTypes[0].dtype), s);
}
template <mx::array (*F)(const mx::array &, int, bool, bool, mx::StreamOrDevice)>
mx::array scan(const GraphNode &node, Arrays &in, mx::Stream s) {
  return mx::astype(
      F(in[0], static_cast<int>(node.ints("axis")[0]), node.ints("reverse")[0] != 0, /*inclusive=*/true, s),
      dtypeOf(node.resultTypes[0].dtype), s);
}

mx::array arange(const GraphNode &node, Arrays &, mx::Stream s) {
  int64_t count = 1, start = node.ints("start")[0], step = node.ints("step")[0];
  for (int64_t extent : node.resultTypes[0].shape)
    count *= extent;
  mx::Dtype type = dtypeOf(node.resultTypes[0].dtype);
  // MLX takes bounds as doubles, which are exact only up to 2^53. So large values are added as integers.
  mx::array line = mx::arange(0.0, static_cast<double>(count), 1.0, type, s);
  if (step != 1)
    line = mx::multiply(line, mx::array(step, type), s);
  if (start != 0)
    line = mx::add(line, mx::array(start, type), s);
  return mx::reshape(line, resultShape(node), s);
}

mx::array asStrided(const GraphNode &node, Arrays &in, mx::Stream s) {
  const auto &strides = node.ints("strides");
  return mx::as_strided(in[0], resultShape(node), mx::Strides(strides.begin(), strides.end()),
                        static_cast<size_t>(node.ints("offset")[0]), s);
}

mx::array pad(const GraphNode &node, Arrays &in, mx::Stream s) {
  const auto &low = node.ints("low"), &high = node.ints("high");
  std::vector<int> axes(low.size());
  for (size_t i = 0; i < axes.size(); ++i)
    axes[i] = static_cast<int>(i);
  return mx::pad(in[0], axes, shapeOf(low), shapeOf(high), in[1], "constant", s);
}

mx::array scatter(const GraphNode &node, Arrays &in, mx::Stream s) {
  mx::array updates = mx::reshape(in[2], {static_cast<int>(in[2].size()), 1}, s);
  std::vector<mx::array> indices = {in[1]};
  std::vector<int> axes = {0};
  if (node.text == "none")
    return mx::scatter(in[0], indices, updates, axes, s);
  if (node.text == "add")
    return mx::scatter_add(in[0], indices, updates, axes, s);
  if (node.text == "max")
    return mx::scatter_max(in[0], indices, updates, axes, s);
  if (node.text == "min")
    return mx::scatter_min(in[0], indices, updates, axes, s);
  throw std::logic_error("unknown scatter reduction '" + node.text + "'");
}

const std::unordered_map<std::string, Handler> &handlers() {
  static const std::unordered_map<std::string, Handler> table = {
#define TM_MLX_CALL(NAME, FORM) {#NAME, FORM<mx::NAME>},
#include "triton-metal/Operations/Executor.inc"
      {"matmul", binary<mx::matmul>},
      {"where",
       [](const GraphNode &, Arrays &in, mx::Stream s) { return mx::where(in[0], in[1], in[2], s); }},
      {"astype", [](const GraphNode &node, Arrays &in,
                    mx::Stream s) { return mx::astype(in[0], dtypeOf(node.resultTypes[0].dtype), s); }},
      {"view",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         mx::array flat = in[0].ndim() == 0 ? mx::reshape(in[0], {1}, s) : in[0];
         return mx::reshape(mx::view(flat, dtypeOf(node.resultTypes[0].dtype), s), resultShape(node), s);
       }},
      {"arange", arange},
      {"reshape", [](const GraphNode &node, Arrays &in,
                     mx::Stream s) { return mx::reshape(in[0], resultShape(node), s); }},
      {"broadcast_to", [](const GraphNode &node, Arrays &in,
                          mx::Stream s) { return mx::broadcast_to(in[0], resultShape(node), s); }},
      {"transpose", [](const GraphNode &node, Arrays &in,
                       mx::Stream s) { return mx::transpose(in[0], axesOf(node.ints("axes")), s); }},
      {"slice",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         return mx::slice(in[0], shapeOf(node.ints("start")), shapeOf(node.ints("stop")),
                          shapeOf(node.ints("strides")), s);
       }},
      {"slice_update",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         return mx::slice_update(in[0], in[1], shapeOf(node.ints("start")), shapeOf(node.ints("stop")), s);
       }},
      {"as_strided", asStrided},
      {"pad", pad},
      {"concatenate",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         return mx::concatenate(in, static_cast<int>(node.ints("axis")[0]), s);
       }},
      {"take",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         return mx::take(in[0], in[1], static_cast<int>(node.ints("axis")[0]), s);
       }},
      {"take_along_axis",
       [](const GraphNode &node, Arrays &in, mx::Stream s) {
         return mx::take_along_axis(in[0], in[1], static_cast<int>(node.ints("axis")[0]), s);
       }},
      {"scatter", scatter},
  };
  return table;
}

mx::array makeConstant(const GraphNode &node) {
  const ArrayType &type = node.resultTypes[0];
  mx::Dtype dtype = dtypeOf(type.dtype);
  mx::Shape shape = shapeOf(type.shape);
  size_t nbytes = node.data.size();
  mx::allocator::Data memory = mx::allocator::malloc(nbytes);
  std::memcpy(memory.buffer().raw_ptr(), node.data.data(), nbytes);
  return mx::array(std::move(memory), shape, dtype);
}

} // namespace

GraphExecutor::GraphExecutor(GraphProgram source) : program(std::move(source)) {
  makeConstants(program.body);
}

void GraphExecutor::makeConstants(const GraphBlock &block) {
  for (const GraphNode &node : block.nodes) {
    if (node.op == "constant")
      constants.insert({node.results[0], makeConstant(node)});
    else if (node.op != "while" && !handlers().count(node.op))
      throw std::logic_error("MLX operation '" + node.op + "' is unknown to the executor");
    if (node.body)
      makeConstants(*node.body);
  }
}

std::vector<mx::array> GraphExecutor::run(std::vector<mx::array> inputs, mx::Stream stream) const {
  Values values(program.valueCount);
  for (size_t i = 0; i < inputs.size(); ++i)
    values[program.body.arguments[i]] = std::move(inputs[i]);
  inputs.clear();
  runBlock(program.body, values, stream);
  std::vector<mx::array> results;
  for (int32_t result : program.body.results)
    results.push_back(*values[result]);
  return results;
}

void GraphExecutor::runBlock(const GraphBlock &block, Values &values, mx::Stream stream) const {
  for (const GraphNode &node : block.nodes) {
    if (node.op == "while")
      runWhile(node, values, stream);
    else
      runNode(node, values, stream);
    for (int32_t value : node.dying)
      values[value].reset();
  }
}

void GraphExecutor::runNode(const GraphNode &node, Values &values, mx::Stream stream) const {
  if (node.op == "constant") {
    values[node.results[0]] = constants.at(node.results[0]);
    return;
  }
  Arrays operands;
  operands.reserve(node.operands.size());
  for (int32_t operand : node.operands)
    operands.push_back(*values[operand]);
  mx::array result = handlers().at(node.op)(node, operands, stream);
  const ArrayType &type = node.resultTypes[0];
  if (result.dtype() != dtypeOf(type.dtype) ||
      !std::equal(result.shape().begin(), result.shape().end(), type.shape.begin(), type.shape.end())) {
    std::ostringstream message;
    message << "mlx." << node.op << " gave " << result.dtype() << result.shape() << " where " << type.dtype
            << " was declared";
    throw std::logic_error(message.str());
  }
  values[node.results[0]] = std::move(result);
}

void GraphExecutor::runWhile(const GraphNode &node, Values &values, mx::Stream stream) const {
  Arrays carried;
  for (int32_t operand : node.operands)
    carried.push_back(*values[operand]);
  while (true) {
    mx::array goOn = mx::any(carried[0], stream);
    std::vector<mx::array> wanted = carried;
    wanted.push_back(goOn);
    mx::eval(wanted); // limits the size of the graph, and gives the host its answer
    if (!goOn.item<bool>())
      break;
    for (size_t i = 0; i < carried.size(); ++i)
      values[node.body->arguments[i]] = std::move(carried[i]);
    wanted.clear();
    carried.clear();
    runBlock(*node.body, values, stream);
    for (int32_t result : node.body->results)
      carried.push_back(*values[result]);
  }
  for (size_t i = 0; i < node.results.size(); ++i)
    values[node.results[i]] = carried[i];
}

} // namespace tmetal

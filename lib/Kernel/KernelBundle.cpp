// SPDX-License-Identifier: MIT
#include "triton-metal/KernelBundle.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <set>

namespace tmetal {

using Json = nlohmann::ordered_json;

namespace {

constexpr const char *kFormat = "triton-metal kernel";
constexpr int kVersion = 1;
constexpr size_t kColumns = 110;

// In the order of AccessProgram::Op.
struct OpForm {
  const char *name;
  int operands;
};
constexpr OpForm kOps[] = {
    {"constant", 0}, {"argument", 0}, {"program_id", 0}, {"num_programs", 0}, {"lane", 0},  {"trip", 3},
    {"trips", 3},    {"data", 0},     {"any", 0},        {"add", 2},          {"sub", 2},   {"mul", 2},
    {"div", 2},      {"rem", 2},      {"divu", 2},       {"remu", 2},         {"min", 2},   {"max", 2},
    {"and", 2},      {"or", 2},       {"xor", 2},        {"shl", 2},          {"shr", 2},   {"shru", 2},
    {"sext", 1},     {"zext", 1},     {"trunc", 1},      {"cmp", 2},          {"select", 3}};
static_assert(std::size(kOps) == size_t(AccessProgram::Op::Select) + 1);

// ---- writing ----

std::string flatten(const Json &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace); // file names may contain any bytes
}

/// Puts a value on one line if it fits there, else each of its elements on lines of its own.
void print(const Json &value, size_t indent, std::string &out) {
  std::string flat = flatten(value);
  if (!value.is_structured() || indent + flat.size() <= kColumns) {
    out += flat;
    return;
  }
  const std::string margin(indent + 2, ' ');
  out += value.is_object() ? "{\n" : "[\n";
  size_t left = value.size();
  for (auto entry = value.begin(); entry != value.end(); ++entry) {
    out += margin;
    if (value.is_object())
      out += flatten(entry.key()) + ": ";
    print(*entry, indent + 2, out);
    out += --left ? ",\n" : "\n";
  }
  out += std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

Json linesOf(const std::string &text) {
  Json lines = Json::array();
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

Json toJson(const EngineRequest &request) {
  return {{"arch", request.msl.arch},           {"device", request.onGpu ? "gpu" : "cpu"},
          {"engine", request.engine},           {"simdgroups", request.msl.simdgroups},
          {"fp_fusion", request.msl.fpFusion},  {"has_compiler", request.hasCompiler},
          {"sanitize", checkModes(request.msl)}};
}

Json toJson(const KernelFacts &facts) {
  Json rows = Json::array();
  for (size_t i = 0; i < facts.parameterNames.size(); ++i)
    rows.push_back({{"name", facts.parameterNames[i]},
                    {"type", facts.parameterTypes[i]},
                    {"stored", bool(facts.stored[i])},
                    {"specialized", bool(facts.specialized[i])}});
  return rows;
}

Json toJson(const MslKernel &kernel) {
  Json parameters = Json::array();
  for (const MslParameter &parameter : kernel.parameters) {
    Json row = {{"name", parameter.name}, {"type", parameter.type}};
    if (parameter.isPointer)
      row.update({{"buffer", parameter.bufferIndex}, {"stored", parameter.stored}});
    else
      row.update({{"offset", parameter.structOffset}, {"bytes", parameter.size}});
    parameters.push_back(row);
  }
  Json messages = Json::array();
  for (const MslKernel::Message &message : kernel.messages)
    messages.push_back({{"kind", message.kind},
                        {"text", message.text},
                        {"file", message.file},
                        {"line", message.line},
                        {"types", message.types},
                        {"hex", message.hex},
                        {"coordinates", message.coordinates}});
  return {{"name", kernel.name},
          {"function", kernel.function},
          {"simdgroups", kernel.simdgroups},
          {"threadgroup_bytes", kernel.threadgroupBytes},
          {"stack_bytes", kernel.stackBytes},
          {"parameters", parameters},
          {"arguments_buffer", kernel.argumentsBuffer},
          {"arguments_bytes", kernel.argumentsSize},
          {"report_buffer", kernel.reportBuffer},
          {"bounds_buffer", kernel.boundsBuffer},
          {"messages", messages},
          {"software_float64", kernel.softwareFloat64},
          {"counts",
           {{"barriers", kernel.counts.barriers},
            {"shuffles", kernel.counts.shuffles},
            {"products", kernel.counts.products},
            {"loops", kernel.counts.loops},
            {"atomics", kernel.counts.atomics}}},
          {"text", linesOf(kernel.text)}};
}

Json toJson(const AccessProgram &program) {
  Json nodes = Json::array(), accesses = Json::array();
  for (const AccessProgram::Node &node : program.nodes)
    nodes.push_back({kOps[size_t(node.op)].name, node.width, node.a, node.b, node.c, node.value});
  for (const AccessProgram::Access &access : program.accesses)
    accesses.push_back({{"parameter", access.parameter},
                        {"offset", access.offset},
                        {"bytes", access.bytes},
                        {"conditions", access.conditions},
                        {"data_dependent", access.dataDependent},
                        {"file", access.file},
                        {"line", access.line}});
  return {{"nodes: [operation, bits, a, b, c, value]", nodes}, {"accesses", accesses}};
}

// ---- reading ----

[[noreturn]] void damaged(const std::string &reason) {
  throw Error(ErrorKind::Compile, "[kernel] The compiled kernel is damaged: " + reason +
                                      " Remove it from Triton's cache, or set TRITON_ALWAYS_COMPILE=1.");
}

const Json &field(const Json &object, const char *name) {
  auto found = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || found == object.end())
    damaged("It has no '" + std::string(name) + "'.");
  return *found;
}

/// The library would convert between all kinds of numbers, whatever the value.
template <typename T> void convert(const Json &json, T &value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    bool fits = json.is_number_unsigned()
                    ? json.get<uint64_t>() <= uint64_t(std::numeric_limits<T>::max())
                    : json.is_number_integer() && json.get<int64_t>() >= std::numeric_limits<T>::min() &&
                          json.get<int64_t>() <= std::numeric_limits<T>::max();
    if (!fits)
      damaged("'" + json.dump() + "' is not a number that fits its place.");
  }
  value = json.get<T>();
}

template <typename T> void convert(const Json &json, std::vector<T> &values) {
  if (!json.is_array())
    damaged("'" + json.dump() + "' is not a list.");
  for (const Json &element : json)
    convert(element, values.emplace_back());
}

template <typename T> void read(const Json &object, const char *name, T &value) {
  convert(field(object, name), value);
}

std::string textOf(const Json &lines) {
  std::string text;
  for (const Json &line : lines)
    text += line.get_ref<const std::string &>() + "\n";
  if (!text.empty())
    text.pop_back();
  return text;
}

EngineRequest requestOf(const Json &json) {
  WrittenOptions options;
  read(json, "arch", options.arch);
  read(json, "device", options.device);
  read(json, "engine", options.engine);
  read(json, "simdgroups", options.simdgroups);
  read(json, "fp_fusion", options.fpFusion);
  read(json, "has_compiler", options.hasCompiler);
  read(json, "sanitize", options.sanitize);
  return requestFrom(options);
}

void readFacts(const Json &rows, KernelFacts &facts) {
  for (const Json &row : rows) {
    facts.parameterNames.push_back(field(row, "name").get<std::string>());
    facts.parameterTypes.push_back(field(row, "type").get<std::string>());
    facts.stored.push_back(field(row, "stored").get<bool>());
    facts.specialized.push_back(field(row, "specialized").get<bool>());
  }
}

MslKernel kernelOf(const Json &json) {
  MslKernel kernel;
  read(json, "name", kernel.name);
  read(json, "function", kernel.function);
  read(json, "simdgroups", kernel.simdgroups);
  read(json, "threadgroup_bytes", kernel.threadgroupBytes);
  read(json, "stack_bytes", kernel.stackBytes);
  read(json, "software_float64", kernel.softwareFloat64);
  for (const Json &row : field(json, "parameters")) {
    MslParameter parameter;
    read(row, "name", parameter.name);
    read(row, "type", parameter.type);
    parameter.isPointer = row.contains("buffer");
    if (parameter.isPointer) {
      read(row, "buffer", parameter.bufferIndex);
      read(row, "stored", parameter.stored);
    } else {
      read(row, "offset", parameter.structOffset);
      read(row, "bytes", parameter.size);
    }
    kernel.parameters.push_back(parameter);
  }
  read(json, "arguments_buffer", kernel.argumentsBuffer);
  read(json, "arguments_bytes", kernel.argumentsSize);
  read(json, "report_buffer", kernel.reportBuffer);
  read(json, "bounds_buffer", kernel.boundsBuffer);
  for (const Json &row : field(json, "messages")) {
    MslKernel::Message message;
    read(row, "kind", message.kind);
    read(row, "text", message.text);
    read(row, "file", message.file);
    read(row, "line", message.line);
    read(row, "types", message.types);
    read(row, "hex", message.hex);
    read(row, "coordinates", message.coordinates);
    kernel.messages.push_back(message);
  }
  const Json &counts = field(json, "counts");
  read(counts, "barriers", kernel.counts.barriers);
  read(counts, "shuffles", kernel.counts.shuffles);
  read(counts, "products", kernel.counts.products);
  read(counts, "loops", kernel.counts.loops);
  read(counts, "atomics", kernel.counts.atomics);
  kernel.text = textOf(field(json, "text"));
  return kernel;
}

AccessProgram accessesOf(const Json &json) {
  AccessProgram program;
  for (const Json &row : field(json, "nodes: [operation, bits, a, b, c, value]")) {
    AccessProgram::Node node;
    const auto &name = row.at(0).get_ref<const std::string &>();
    auto op =
        std::find_if(std::begin(kOps), std::end(kOps), [&](const OpForm &form) { return name == form.name; });
    if (op == std::end(kOps))
      damaged("'" + name + "' is not an operation of its accesses.");
    node.op = AccessProgram::Op(op - std::begin(kOps));
    convert(row.at(1), node.width);
    convert(row.at(2), node.a);
    convert(row.at(3), node.b);
    convert(row.at(4), node.c);
    convert(row.at(5), node.value);
    program.nodes.push_back(node);
  }
  for (const Json &row : field(json, "accesses")) {
    AccessProgram::Access access;
    read(row, "parameter", access.parameter);
    read(row, "offset", access.offset);
    read(row, "bytes", access.bytes);
    read(row, "conditions", access.conditions);
    read(row, "data_dependent", access.dataDependent);
    read(row, "file", access.file);
    read(row, "line", access.line);
    program.accesses.push_back(access);
  }
  return program;
}

// Launches trust the numbers of a bundle, so they are checked here.

void check(const MslKernel &kernel, const KernelFacts &facts) {
  if (kernel.parameters.size() != facts.parameterNames.size())
    damaged("Its Metal text has another number of parameters.");
  std::set<int> buffers;
  int count = 0;
  auto add = [&](int buffer) {
    ++count;
    buffers.insert(buffer);
  };
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    const MslParameter &parameter = kernel.parameters[i];
    if (parameter.type != facts.parameterTypes[i])
      damaged("The parameter '" + parameter.name + "' has two types.");
    if (parameter.isPointer)
      add(parameter.bufferIndex);
    else if (parameter.structOffset < 0 || parameter.size < 1 || parameter.size > 8 ||
             parameter.structOffset + parameter.size > kernel.argumentsSize)
      damaged("The parameter '" + parameter.name + "' lies outside of the arguments.");
  }
  for (int buffer : {kernel.argumentsBuffer, kernel.reportBuffer, kernel.boundsBuffer})
    if (buffer >= 0)
      add(buffer);
  if (static_cast<int>(buffers.size()) != count ||
      (count != 0 && (*buffers.begin() != 0 || *buffers.rbegin() != count - 1)))
    damaged("The numbers of its buffers are not 0 to " + std::to_string(count - 1) + ".");
}

void check(const AccessProgram &program, size_t parameters) {
  for (size_t i = 0; i < program.nodes.size(); ++i) {
    const AccessProgram::Node &node = program.nodes[i];
    using Op = AccessProgram::Op;
    bool isRight = node.width >= 1 && node.width <= 64;
    int operands[] = {node.a, node.b, node.c};
    for (int k = 0; k < kOps[size_t(node.op)].operands; ++k)
      isRight &= operands[k] >= 0 && operands[k] < static_cast<int>(i);
    int64_t values = node.op == Op::ProgramId || node.op == Op::NumPrograms ? 3
                     : node.op == Op::Argument                              ? static_cast<int64_t>(parameters)
                     : node.op == Op::Compare                               ? AccessProgram::UGE + 1
                                                                            : 0;
    if (!isRight || (values != 0 && (node.value < 0 || node.value >= values)))
      damaged("The accesses to memory make no sense at node " + std::to_string(i) + ".");
  }
  auto isNode = [&](int index) { return index >= 0 && index < static_cast<int>(program.nodes.size()); };
  for (const AccessProgram::Access &access : program.accesses)
    if (access.parameter >= static_cast<int>(parameters) || !isNode(access.offset) ||
        !std::all_of(access.conditions.begin(), access.conditions.end(), isNode))
      damaged("The access to memory at line " + std::to_string(access.line) + " makes no sense.");
}

} // namespace

std::string writeBundle(const KernelBundle &bundle) {
  Json json = {{"format", kFormat},
               {"version", kVersion},
               {"kernel", bundle.facts.name},
               {"target", toJson(bundle.request)},
               {"engine", bundle.choice.engine},
               {"reason", bundle.choice.reason},
               {"parameters", toJson(bundle.facts)},
               {"msl", bundle.msl ? toJson(*bundle.msl) : Json()},
               {"accesses", bundle.accesses ? toJson(*bundle.accesses) : Json()},
               {"tt", linesOf(bundle.tt)}};
  std::string out;
  print(json, 0, out);
  return out + "\n";
}

bool isBundle(const std::string &text) {
  size_t brace = text.find_first_not_of(" \t\r\n");
  if (brace == std::string::npos || text[brace] != '{')
    return false;
  size_t quote = text.find_first_not_of(" \t\r\n", brace + 1);
  return quote == std::string::npos || text[quote] == '"' || text[quote] == '}';
}

KernelBundle readBundle(const std::string &text) {
  try {
    Json json = Json::parse(text);
    if (!json.is_object() || json.value("format", Json()) != kFormat)
      throw Error(ErrorKind::Compile, "[kernel] This is not a kernel that triton-metal has compiled.");
    if (field(json, "version") != kVersion)
      throw Error(ErrorKind::Compile, "[kernel] The compiled kernel has version " +
                                          field(json, "version").dump() +
                                          " of its format, this triton-metal reads version " +
                                          std::to_string(kVersion) + ": compile it again.");
    KernelBundle bundle;
    read(json, "kernel", bundle.facts.name);
    bundle.request = requestOf(field(json, "target"));
    read(json, "engine", bundle.choice.engine);
    read(json, "reason", bundle.choice.reason);
    readFacts(field(json, "parameters"), bundle.facts);
    if (bundle.choice.engine != "msl" && bundle.choice.engine != "mlx")
      damaged("'" + bundle.choice.engine + "' is not an engine.");
    if (const Json &msl = field(json, "msl"); !msl.is_null()) {
      bundle.msl = kernelOf(msl);
      check(*bundle.msl, bundle.facts);
    }
    if (const Json &accesses = field(json, "accesses"); !accesses.is_null()) {
      bundle.accesses = accessesOf(accesses);
      check(*bundle.accesses, bundle.facts.parameterNames.size());
    }
    if (bundle.choice.engine == "msl" && !(bundle.msl && bundle.accesses))
      damaged("It has no Metal text.");
    bundle.tt = textOf(field(json, "tt"));
    return bundle;
  } catch (const nlohmann::json::exception &error) {
    damaged(std::string("(") + error.what() + ")");
  }
}

} // namespace tmetal

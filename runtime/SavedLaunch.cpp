// SPDX-License-Identifier: MIT
#include "SavedLaunch.h"
#include "TypeNames.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <system_error>

namespace fs = std::filesystem;

namespace tmetal {

namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<uint8_t>;

constexpr int kFormat = 1;

// ---- files ----

void writeFile(const fs::path &path, const void *data, size_t nbytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char *>(data), static_cast<std::streamsize>(nbytes));
  if (!file.flush())
    throw std::runtime_error(path.string() + ": Cannot be written.");
}

template <typename T> std::vector<T> readFile(const fs::path &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file)
    throw std::runtime_error(path.string() + ": Cannot be read.");
  auto nbytes = static_cast<size_t>(file.tellg());
  if (nbytes % sizeof(T) != 0)
    throw std::runtime_error(path.string() + ": Its size is no multiple of " + std::to_string(sizeof(T)) +
                             ".");
  std::vector<T> data(nbytes / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char *>(data.data()), static_cast<std::streamsize>(nbytes));
  if (!file)
    throw std::runtime_error(path.string() + ": Cannot be read.");
  return data;
}

fs::path storageFile(const fs::path &folder, size_t i, const char *state) {
  return folder / (std::to_string(i) + "." + state + ".bin");
}

/// FNV-1a. It only names folders, so it need not be strong.
uint64_t hashBytes(uint64_t hash, const void *data, size_t nbytes) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  for (size_t i = 0; i < nbytes; ++i)
    hash = (hash ^ bytes[i]) * 0x100000001b3ull;
  return hash;
}

// ---- graphs ----

Json typesToJson(const std::vector<ArrayType> &types) {
  Json list = Json::array();
  for (const ArrayType &type : types)
    list.push_back({{"dtype", type.dtype}, {"shape", type.shape}});
  return list;
}

std::vector<ArrayType> typesFromJson(const Json &list) {
  std::vector<ArrayType> types;
  for (const Json &type : list)
    types.push_back({type.at("dtype"), type.at("shape")});
  return types;
}

Json blockToJson(const GraphBlock &block, Bytes &constants) {
  Json nodes = Json::array();
  for (const GraphNode &node : block.nodes) {
    Json entry = {{"op", node.op},
                  {"operands", node.operands},
                  {"results", node.results},
                  {"types", typesToJson(node.resultTypes)}};
    if (!node.integers.empty()) {
      Json &attributes = entry["attributes"] = Json::object();
      for (const auto &[name, values] : node.integers)
        attributes[name] = values;
    }
    if (!node.text.empty())
      entry["text"] = node.text;
    if (!node.data.empty()) {
      entry["constant"] = {constants.size(), node.data.size()};
      constants.insert(constants.end(), node.data.begin(), node.data.end());
    }
    if (node.body)
      entry["body"] = blockToJson(*node.body, constants);
    if (!node.dying.empty())
      entry["dying"] = node.dying;
    nodes.push_back(std::move(entry));
  }
  return {{"arguments", block.arguments}, {"nodes", std::move(nodes)}, {"results", block.results}};
}

GraphBlock blockFromJson(const Json &json, const Bytes &constants) {
  GraphBlock block;
  block.arguments = json.at("arguments").get<std::vector<int32_t>>();
  block.results = json.at("results").get<std::vector<int32_t>>();
  for (const Json &entry : json.at("nodes")) {
    GraphNode node;
    node.op = entry.at("op");
    node.operands = entry.at("operands").get<std::vector<int32_t>>();
    node.results = entry.at("results").get<std::vector<int32_t>>();
    node.resultTypes = typesFromJson(entry.at("types"));
    if (entry.contains("attributes"))
      for (const auto &[name, values] : entry["attributes"].items())
        node.integers.emplace_back(name, values.get<std::vector<int64_t>>());
    node.text = entry.value("text", "");
    if (entry.contains("constant")) {
      size_t begin = entry["constant"][0], nbytes = entry["constant"][1];
      if (begin > constants.size() || nbytes > constants.size() - begin)
        throw std::runtime_error("A constant lies outside of constants.bin.");
      node.data.assign(constants.begin() + static_cast<std::ptrdiff_t>(begin),
                       constants.begin() + static_cast<std::ptrdiff_t>(begin + nbytes));
    }
    if (entry.contains("body"))
      node.body = std::make_shared<GraphBlock>(blockFromJson(entry["body"], constants));
    if (entry.contains("dying"))
      node.dying = entry["dying"].get<std::vector<int32_t>>();
    block.nodes.push_back(std::move(node));
  }
  return block;
}

// ---- arguments ----

const char *const kKinds[] = {"pointer", "integer", "dynamic"}; // in the order of ArgumentSpec::Kind

/// JSON has neither infinities nor NaN.
std::string exactText(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

Json argumentToJson(const SavedArgument &argument) {
  Json json = {{"name", argument.name},
               {"type", argument.type},
               {"kind", kKinds[static_cast<int>(argument.spec.kind)]}};
  if (argument.spec.kind == ArgumentSpec::Kind::Pointer) {
    json["storage"] = argument.spec.storage;
    json["offset"] = argument.spec.byteOffset;
  } else if (argument.isFloat) {
    json["float"] = exactText(argument.floating);
  } else {
    json["integer"] = argument.integer;
  }
  return json;
}

SavedArgument argumentFromJson(const Json &json) {
  SavedArgument argument;
  argument.name = json.at("name");
  argument.type = json.at("type");
  std::string kind = json.at("kind");
  auto found = std::find(std::begin(kKinds), std::end(kKinds), kind);
  if (found == std::end(kKinds))
    throw std::runtime_error("The kind of argument '" + kind + "' is unknown.");
  argument.spec.kind = static_cast<ArgumentSpec::Kind>(found - std::begin(kKinds));
  if (argument.spec.kind == ArgumentSpec::Kind::Pointer) {
    argument.spec.storage = json.at("storage");
    argument.spec.byteOffset = json.at("offset");
  } else if (json.contains("float")) {
    argument.isFloat = true;
    argument.floating = std::strtod(json["float"].get<std::string>().c_str(), nullptr);
  } else {
    argument.integer = argument.spec.value = json.at("integer");
  }
  return argument;
}

Json launchToJson(const SavedLaunch &launch, Bytes &constants) {
  Json json = {{"format", kFormat}, {"kernel", launch.kernel}, {"grid", launch.grid}};
  Json &arguments = json["arguments"] = Json::array();
  for (const SavedArgument &argument : launch.arguments)
    arguments.push_back(argumentToJson(argument));
  Json &storages = json["storages"] = Json::array();
  for (const SavedStorage &storage : launch.storages)
    storages.push_back(
        {{"dtype", storage.dtype}, {"bytes", storage.before.size()}, {"stored", storage.after.has_value()}});
  Json &graphs = json["graphs"] = Json::array();
  for (const SavedGraph &graph : launch.graphs) {
    Json outputs = Json::array();
    for (const RaisedOutput &output : graph.outputs)
      outputs.push_back({{"storage", output.storage},
                         {"begin", output.begin},
                         {"end", output.end},
                         {"exact", output.exact}});
    graphs.push_back({{"inputs", typesToJson(graph.program.inputTypes)},
                      {"values", graph.program.valueCount},
                      {"body", blockToJson(graph.program.body, constants)},
                      {"outputs", std::move(outputs)}});
  }
  if (launch.metal) {
    const SavedMetalKernel &metal = *launch.metal;
    Json buffers = Json::array();
    for (const SavedMetalKernel::Buffer &buffer : metal.buffers)
      buffers.push_back({{"storage", buffer.storage}, {"offset", buffer.byteOffset}});
    json["msl"] = {{"text", metal.text},
                   {"simdgroups", metal.simdgroups},
                   {"threadgroup_bytes", metal.threadgroupBytes},
                   {"stack_bytes", metal.stackBytes},
                   {"buffers", std::move(buffers)},
                   {"scalars", metal.scalars}};
  }
  return json;
}

} // namespace

fs::path saveLaunch(const SavedLaunch &launch, const fs::path &parent) {
  Bytes constants;
  std::string text = launchToJson(launch, constants).dump();
  uint64_t hash = hashBytes(0xcbf29ce484222325ull, text.data(), text.size());
  hash = hashBytes(hash, constants.data(), constants.size());
  for (const SavedStorage &storage : launch.storages)
    hash = hashBytes(hash, storage.before.data(), storage.before.size());
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(hash));
  fs::path folder = parent / (launch.kernel + "-" + digest);
  if (fs::exists(folder))
    return folder;
  fs::path unfinished = folder;
  // Another process or thread may be saving the same launch. Each writes a folder of its own, and the first
  // to finish gets the name.
  unfinished += "." + std::to_string(reinterpret_cast<uintptr_t>(&launch)) + ".tmp";
  fs::create_directories(unfinished);
  writeFile(unfinished / "launch.json", text.data(), text.size());
  if (!constants.empty())
    writeFile(unfinished / "constants.bin", constants.data(), constants.size());
  for (size_t i = 0; i < launch.storages.size(); ++i) {
    const SavedStorage &storage = launch.storages[i];
    writeFile(storageFile(unfinished, i, "before"), storage.before.data(), storage.before.size());
    if (storage.after)
      writeFile(storageFile(unfinished, i, "after"), storage.after->data(), storage.after->size());
    if (!storage.tolerance.empty())
      writeFile(storageFile(unfinished, i, "tolerance"), storage.tolerance.data(),
                storage.tolerance.size() * sizeof(double));
  }
  std::error_code taken;
  fs::rename(unfinished, folder, taken);
  if (taken) {
    fs::remove_all(unfinished);
    if (!fs::exists(folder))
      throw std::runtime_error(folder.string() + ": " + taken.message() + ".");
  }
  return folder;
}

SavedLaunch loadLaunch(const fs::path &folder) {
  fs::path description = folder / "launch.json";
  std::vector<char> text = readFile<char>(description);
  SavedLaunch launch;
  try {
    Json json = Json::parse(text.begin(), text.end());
    if (int format = json.at("format"); format != kFormat)
      throw std::runtime_error("The format is " + std::to_string(format) + ", this program reads " +
                               std::to_string(kFormat) + ".");
    launch.kernel = json.at("kernel");
    launch.grid = json.at("grid");
    for (const Json &argument : json.at("arguments"))
      launch.arguments.push_back(argumentFromJson(argument));
    for (const Json &entry : json.at("storages")) {
      size_t i = launch.storages.size();
      SavedStorage storage;
      storage.dtype = entry.at("dtype");
      storage.before = readFile<uint8_t>(storageFile(folder, i, "before"));
      if (entry.at("stored"))
        storage.after = readFile<uint8_t>(storageFile(folder, i, "after"));
      if (fs::exists(storageFile(folder, i, "tolerance")))
        storage.tolerance = readFile<double>(storageFile(folder, i, "tolerance"));
      auto nbytes = entry.at("bytes").get<size_t>();
      if (storage.before.size() != nbytes || (storage.after && storage.after->size() != nbytes))
        throw std::runtime_error("Storage " + std::to_string(i) + " does not have " + std::to_string(nbytes) +
                                 " bytes.");
      launch.storages.push_back(std::move(storage));
    }
    Bytes constants;
    if (fs::exists(folder / "constants.bin"))
      constants = readFile<uint8_t>(folder / "constants.bin");
    for (const Json &entry : json.at("graphs")) {
      SavedGraph graph;
      graph.program.inputTypes = typesFromJson(entry.at("inputs"));
      graph.program.valueCount = entry.at("values");
      graph.program.body = blockFromJson(entry.at("body"), constants);
      for (const Json &output : entry.at("outputs"))
        graph.outputs.push_back(
            {output.at("storage"), output.at("begin"), output.at("end"), output.at("exact")});
      launch.graphs.push_back(std::move(graph));
    }
    if (json.contains("msl")) {
      const Json &entry = json["msl"];
      SavedMetalKernel metal;
      metal.text = entry.at("text");
      metal.simdgroups = entry.at("simdgroups");
      metal.threadgroupBytes = entry.at("threadgroup_bytes");
      metal.stackBytes = entry.value("stack_bytes", metal.stackBytes);
      for (const Json &buffer : entry.at("buffers"))
        metal.buffers.push_back({buffer.at("storage"), buffer.at("offset")});
      metal.scalars = entry.at("scalars").get<Bytes>();
      launch.metal = std::move(metal);
    }
  } catch (const std::exception &error) {
    throw std::runtime_error(description.string() + ": " + error.what());
  }
  return launch;
}

std::vector<fs::path> findLaunches(const fs::path &root) {
  std::vector<fs::path> folders;
  if (fs::exists(root / "launch.json"))
    folders.push_back(root);
  else if (fs::is_directory(root))
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(root))
      if (entry.path().filename() == "launch.json" && entry.path().parent_path().extension() != ".tmp")
        folders.push_back(entry.path().parent_path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

// ---- comparison ----

namespace {

double halfValue(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31 ? (fraction ? std::numeric_limits<double>::quiet_NaN()
                                                : std::numeric_limits<double>::infinity())
                     : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                    : std::ldexp(fraction, -24);
  return bits >> 15 ? -magnitude : magnitude;
}

struct FloatFormat {
  size_t bytes;
  int mantissaBits, smallestExponent; // exponent of the ulp of subnormal numbers
  double relative, absolute;          // default tolerance
};

const FloatFormat *floatFormat(const std::string &dtype) {
  static const FloatFormat half{2, 10, -24, 2e-2, 1e-3}, brain{2, 7, -133, 2e-2, 1e-3},
      single{4, 23, -149, 1e-4, 1e-6}, twice{8, 52, -1074, 1e-12, 1e-14};
  return dtype == "f16"    ? &half
         : dtype == "bf16" ? &brain
         : dtype == "f32"  ? &single
         : dtype == "f64"  ? &twice
                           : nullptr;
}

double floatAt(const uint8_t *bytes, const std::string &dtype) {
  if (dtype == "f64") {
    double value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  if (dtype == "f32") {
    float value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  if (dtype == "f16")
    return halfValue(bits);
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

size_t integerBytes(const std::string &dtype) {
  return std::max<size_t>(1, static_cast<size_t>(bitWidthOf(dtype)) / 8);
}

double integerAt(const uint8_t *bytes, size_t nbytes, bool isSigned) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, nbytes);
  if (!isSigned)
    return static_cast<double>(bits);
  auto shift = 64 - 8 * nbytes;
  return static_cast<double>(static_cast<int64_t>(bits << shift) >> shift);
}

} // namespace

Comparison compareStorage(const SavedStorage &saved, const Bytes &result, const Tolerance &tolerance) {
  Comparison comparison;
  const Bytes &expected = saved.after ? *saved.after : saved.before;
  const FloatFormat *format = floatFormat(saved.dtype);
  size_t width = format ? format->bytes : integerBytes(saved.dtype);
  if (result.size() != expected.size())
    throw std::runtime_error("The result has " + std::to_string(result.size()) + " bytes instead of " +
                             std::to_string(expected.size()) + ".");
  size_t count = expected.size() / width;
  comparison.elements = static_cast<int64_t>(count);
  // The error of a sum in another order grows with its terms, not with the sum, so the tolerance
  // scales with the largest element.
  double magnitude = 1;
  if (format)
    for (size_t i = 0; i < count; ++i)
      if (double value = std::fabs(floatAt(expected.data() + i * width, saved.dtype)); std::isfinite(value))
        magnitude = std::max(magnitude, value);
  double worstExcess = -1;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t *a = expected.data() + i * width, *b = result.data() + i * width;
    if (std::memcmp(a, b, width) == 0)
      continue;
    double want, got, apart, allowed = 0;
    if (format) {
      want = floatAt(a, saved.dtype);
      got = floatAt(b, saved.dtype);
      if (std::isnan(want) && std::isnan(got))
        continue;
      apart = std::isfinite(want) && std::isfinite(got) ? std::fabs(want - got)
                                                        : std::numeric_limits<double>::infinity();
      int exponent = 0;
      std::frexp(want, &exponent); // |want| in [2^(exponent-1), 2^exponent)
      int place = std::max(exponent - 1 - format->mantissaBits, format->smallestExponent);
      comparison.largestUlps = std::max(comparison.largestUlps, std::ldexp(apart, -place));
      allowed = tolerance.absolute.value_or(format->absolute * magnitude) +
                tolerance.relative.value_or(format->relative) * std::fabs(want);
      if (i < saved.tolerance.size() && !std::isnan(saved.tolerance[i]))
        allowed = saved.tolerance[i] + std::ldexp(1.0, -format->mantissaBits) * std::fabs(want);
    } else {
      bool isSigned = saved.dtype[0] == 'i';
      want = integerAt(a, width, isSigned);
      got = integerAt(b, width, isSigned);
      apart = std::max(std::fabs(want - got), std::numeric_limits<double>::min());
    }
    ++comparison.different;
    comparison.largest = std::max(comparison.largest, apart);
    if (!(apart <= allowed))
      ++comparison.beyond;
    if (double excess = apart - allowed; excess > worstExcess || comparison.worst < 0) {
      worstExcess = excess;
      comparison.worst = static_cast<int64_t>(i);
      comparison.expected = want;
      comparison.actual = got;
    }
  }
  // Bytes behind the last whole element must not change.
  for (size_t i = count * width; i < expected.size(); ++i)
    if (expected[i] != result[i]) {
      ++comparison.different;
      ++comparison.beyond;
    }
  return comparison;
}

} // namespace tmetal

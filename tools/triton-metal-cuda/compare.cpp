// SPDX-License-Identifier: MIT
// Times kernels that compute the same on the same data, and compares their results.
// make_comparison.py writes them to a folder.
#include "cuda/CudaDevice.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace fs = std::filesystem;
using namespace tmetal;
using Json = nlohmann::ordered_json;
using Bytes = std::vector<uint8_t>;

namespace {

std::string readFile(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path.string() + ": Cannot be read.");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Bytes fromHex(const std::string &digits) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

// ---- data ----

size_t elementBytes(const std::string &dtype) {
  if (dtype == "f32")
    return 4;
  if (dtype == "f16")
    return 2;
  throw std::runtime_error("The type " + dtype + " is not known.");
}

/// Random numbers in [low, high), taken from 65536 different ones.
Bytes randomBytes(const std::string &dtype, size_t elements, double low, double high, uint64_t seed) {
  auto next = [state = seed * 0x9e3779b97f4a7c15ull + 1]() mutable {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  };
  constexpr size_t kValues = 65536;
  size_t width = elementBytes(dtype);
  Bytes table(kValues * width), bytes(elements * width);
  for (size_t i = 0; i < kValues; ++i) {
    double value = low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
    if (width == 4) {
      auto single = static_cast<float>(value);
      std::memcpy(&table[i * 4], &single, 4);
    } else {
      auto half = static_cast<_Float16>(value);
      std::memcpy(&table[i * 2], &half, 2);
    }
  }
  auto pick = [&](auto *target, const auto *values) {
    for (size_t i = 0; i < elements; i += 4) {
      uint64_t word = next();
      for (size_t k = i; k < std::min(i + 4, elements); ++k, word >>= 16)
        target[k] = values[word & 0xffff];
    }
  };
  if (width == 4)
    pick(reinterpret_cast<uint32_t *>(bytes.data()), reinterpret_cast<const uint32_t *>(table.data()));
  else
    pick(reinterpret_cast<uint16_t *>(bytes.data()), reinterpret_cast<const uint16_t *>(table.data()));
  return bytes;
}

double valueAt(const Bytes &bytes, const std::string &dtype, size_t i) {
  if (dtype == "f32") {
    float value;
    std::memcpy(&value, &bytes[i * 4], 4);
    return value;
  }
  _Float16 value;
  std::memcpy(&value, &bytes[i * 2], 2);
  return static_cast<double>(value);
}

// ---- the device ----

struct Bench {
  std::shared_ptr<CudaDevice> device = openCudaDevice();
  std::shared_ptr<Queue> queue = device->newQueue();
  /// Larger than the cache; filled before each measurement.
  std::shared_ptr<Buffer> cold = device->allocate(256 << 20);

  Ticket fill(const std::shared_ptr<Buffer> &buffer, uint32_t word) {
    return device->fill(*queue, {buffer}, word, buffer->size());
  }
  /// The time in milliseconds of what `put` adds to the queue, with a cold cache.
  template <typename F> double time(F put) {
    Ticket start = fill(cold, 1);
    return device->milliseconds(start, put());
  }
};

// ---- cases ----

/// An argument that the kernels share: host memory, and its copy on the device.
struct Argument {
  std::string dtype;
  size_t elements;
  Bytes bytes;
  std::shared_ptr<Buffer> buffer;
};

struct Variant {
  std::string name;
  std::shared_ptr<const Program> program;
  std::array<int64_t, 3> grid;
  std::vector<Binding> bindings;
  double difference = 0; // the largest, relative to values above 1
  std::vector<double> times;
  std::string failure;

  Launch launch() const {
    Launch launch;
    launch.program = program;
    launch.grid = grid;
    launch.buffers = bindings;
    return launch;
  }
};

Variant load(Bench &bench, const Json &json, const fs::path &folder, const std::vector<Argument> &arguments) {
  Variant variant;
  variant.name = json.at("name");
  variant.grid = json.at("grid").get<std::array<int64_t, 3>>();
  CudaImage image;
  image.image = readFile(folder / json.at("image"));
  image.entry = json.at("entry");
  image.threads = json.at("threads").get<std::array<unsigned, 3>>();
  image.sharedBytes = json.at("shared").get<unsigned>();
  for (const Json &parameter : json.at("parameters")) {
    CudaImage::Parameter &added = image.parameters.emplace_back();
    if (parameter.contains("bytes")) {
      Bytes value = fromHex(parameter["bytes"]);
      const auto *bytes = reinterpret_cast<const std::byte *>(value.data());
      added.bytes.assign(bytes, bytes + value.size());
      continue;
    }
    added.buffer = static_cast<int>(variant.bindings.size());
    if (parameter.contains("constant")) {
      auto content = std::make_shared<Bytes>(fromHex(parameter["constant"]));
      auto constant = bench.device->adopt(content->data(), content->size(), content);
      bench.queue->fetch(constant)->wait();
      variant.bindings.push_back({constant});
    } else {
      variant.bindings.push_back({arguments.at(parameter.at("buffer")).buffer});
    }
  }
  variant.program = bench.device->load(image);
  return variant;
}

/// Runs the variant once and compares its output with `reference`, which the first variant produces.
void check(Bench &bench, Variant &variant, std::vector<Argument> &arguments,
           const std::vector<size_t> &outputs, std::vector<Bytes> &reference) {
  for (size_t output : outputs) // NaN, which shows missing stores
    bench.fill(arguments[output].buffer, 0xffffffffu);
  bench.queue->launch(variant.launch());
  for (size_t output : outputs)
    bench.queue->publish(arguments[output].buffer);
  bench.queue->wait();
  bool first = reference.empty();
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto &[dtype, elements, result, buffer] = arguments[outputs[k]];
    constexpr size_t kChunk = 4096;
    size_t width = elementBytes(dtype);
    for (size_t i = 0; i < elements; ++i) {
      if (!first && i % kChunk == 0 && i + kChunk <= elements &&
          std::memcmp(&result[i * width], &reference[k][i * width], kChunk * width) == 0) {
        i += kChunk - 1;
        continue;
      }
      double value = valueAt(result, dtype, i);
      double wanted = first ? value : valueAt(reference[k], dtype, i);
      double difference = std::abs(value - wanted) / std::max(1.0, std::abs(wanted));
      if (!(difference <= variant.difference))
        variant.difference = std::isnan(difference) ? INFINITY : difference;
    }
    if (first)
      reference.push_back(result);
  }
}

double medianOf(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

Json runCase(const Json &json, const fs::path &folder, int repeat, Bench &bench) {
  std::vector<Argument> arguments;
  uint64_t seed = 1;
  for (const Json &item : json.at("buffers")) {
    std::string dtype = item.at("dtype");
    size_t elements = item.at("elements");
    Argument &argument = arguments.emplace_back(Argument{dtype, elements, {}, nullptr});
    bool random = item.contains("random");
    argument.bytes = random ? randomBytes(dtype, elements, item["random"][0], item["random"][1], seed++)
                            : Bytes(elements * elementBytes(dtype));
    argument.buffer = bench.device->adopt(argument.bytes.data(), argument.bytes.size());
    bench.queue->fetch(argument.buffer)->wait();
  }
  auto outputs = json.at("outputs").get<std::vector<size_t>>();
  double tolerance = json.at("tolerance"), gigabytes = json.at("bytes").get<double>() * 1e-9;
  double teraoperations = json.value("operations", 0.0) * 1e-12;
  std::vector<Variant> variants;
  std::vector<Bytes> reference;
  for (const Json &item : json.at("variants")) {
    try {
      Variant variant = load(bench, item, folder, arguments);
      check(bench, variant, arguments, outputs, reference);
      variants.push_back(std::move(variant));
    } catch (const std::exception &error) {
      Variant failed;
      failed.name = item.at("name");
      failed.failure = error.what();
      variants.push_back(std::move(failed));
    }
  }
  constexpr int kWarmUp = 3;
  for (int i = 0; i < kWarmUp + repeat; ++i)
    for (Variant &variant : variants) {
      if (!variant.failure.empty())
        continue;
      double time = bench.time([&] { return bench.queue->launch(variant.launch()); });
      if (i >= kWarmUp)
        variant.times.push_back(time);
    }
  std::printf("%s, %.0f MB\n", json.at("name").get<std::string>().c_str(), gigabytes * 1e3);
  Json rows = Json::array();
  for (Variant &variant : variants) {
    if (!variant.failure.empty()) {
      std::printf("  %-26s failed: %s\n", variant.name.c_str(), variant.failure.c_str());
      rows.push_back({{"name", variant.name}, {"failure", variant.failure}});
      continue;
    }
    double median = medianOf(variant.times);
    auto [shortest, longest] = std::minmax_element(variant.times.begin(), variant.times.end());
    CudaResources resources = bench.device->resourcesOf(*variant.program);
    bool right = variant.difference <= tolerance;
    std::printf("  %-26s %8.4f ms (%.4f to %.4f)  %7.0f GB/s", variant.name.c_str(), median, *shortest,
                *longest, gigabytes / (median * 1e-3));
    if (teraoperations > 0)
      std::printf("  %6.2f TFLOP/s", teraoperations / (median * 1e-3));
    std::printf("  %3d registers %4d stack %6d shared %4d resident  %s %.2g\n", resources.registers,
                resources.stackBytes, resources.sharedBytes, resources.residentThreads,
                right ? "ok" : "WRONG", variant.difference);
    rows.push_back({{"name", variant.name},
                    {"ms", median},
                    {"shortest", *shortest},
                    {"longest", *longest},
                    {"gbps", gigabytes / (median * 1e-3)},
                    {"tflops", teraoperations / (median * 1e-3)},
                    {"registers", resources.registers},
                    {"stack", resources.stackBytes},
                    {"shared", resources.sharedBytes},
                    {"resident", resources.residentThreads},
                    {"difference", variant.difference},
                    {"right", right}});
  }
  std::fflush(stdout);
  return {{"name", json.at("name")},
          {"bytes", json.at("bytes")},
          {"operations", json.value("operations", 0.0)},
          {"variants", std::move(rows)}};
}

/// The bandwidth of a copy on the device, counting bytes read and bytes written.
double copyBandwidth(Bench &bench, int repeat) {
  constexpr size_t kBytes = size_t(1) << 30;
  auto from = bench.device->allocate(kBytes), to = bench.device->allocate(kBytes);
  bench.fill(from, 7);
  std::vector<double> times;
  for (int i = 0; i < repeat; ++i)
    times.push_back(bench.time([&] { return bench.queue->copy({to}, {from}, kBytes); }));
  return 2e-9 * kBytes / (medianOf(times) * 1e-3);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Times kernels that do the same and compares their results. make_comparison.py writes them."};
  std::string folder, report, only;
  int repeat = 50;
  app.add_option("folder", folder, "with cases.json and the kernels")->required();
  app.add_option("--repeat", repeat, "timed launches of each kernel")->check(CLI::PositiveNumber);
  app.add_option("--only", only, "cases whose name contains this");
  app.add_option("--json", report, "file for the results");
  CLI11_PARSE(app, argc, argv);
  int wrong = 0;
  try {
    Bench bench;
    std::string name = bench.device->profile().name, version = bench.device->driverVersion();
    Json cases = Json::parse(readFile(fs::path(folder) / "cases.json"));
    Json results = {{"device", name}, {"cuda", version}};
    results["versions"] = cases.at("versions");
    results["copy_gbps"] = copyBandwidth(bench, repeat);
    std::printf("%s, CUDA %s, copy %.0f GB/s\n", name.c_str(), version.c_str(),
                results["copy_gbps"].get<double>());
    results["cases"] = Json::array();
    for (const Json &item : cases.at("cases")) {
      if (item.at("name").get<std::string>().find(only) == std::string::npos)
        continue;
      results["cases"].push_back(runCase(item, folder, repeat, bench));
      for (const Json &row : results["cases"].back()["variants"])
        wrong += !row.value("right", false);
    }
    if (!report.empty())
      std::ofstream(report) << results.dump(2) << "\n";
  } catch (const std::exception &error) {
    std::fprintf(stderr, "triton-metal-cuda-compare: %s\n", error.what());
    return 2;
  }
  return wrong ? 1 : 0;
}

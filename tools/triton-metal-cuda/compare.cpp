// SPDX-License-Identifier: MIT
// Times kernels that do the same on the same data, and compares their results: what make_comparison.py
// writes.
#include "CudaDriver.h"

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

/// Random numbers of [low, high), drawn from 65536 of them.
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

// ---- cases ----

struct Buffer {
  std::string dtype;
  size_t elements;
  cuda::Memory memory;
};

struct Variant {
  std::string name;
  std::unique_ptr<cuda::Program> program;
  cuda::LaunchShape shape;
  std::vector<Bytes> parameters;
  std::vector<cuda::Memory> constants;
  double difference = 0; // largest, relative to values above 1
  std::vector<float> times;
  std::string failure;
};

Variant load(const Json &json, const fs::path &folder, const std::vector<Buffer> &buffers) {
  Variant variant;
  variant.name = json.at("name");
  auto grid = json.at("grid").get<std::array<int64_t, 3>>();
  variant.shape = {grid, json.at("threads").get<std::array<unsigned, 3>>(),
                   json.at("shared").get<unsigned>()};
  for (const Json &parameter : json.at("parameters")) {
    if (parameter.contains("bytes")) {
      variant.parameters.push_back(fromHex(parameter["bytes"]));
      continue;
    }
    uint64_t address;
    if (parameter.contains("constant")) {
      Bytes content = fromHex(parameter["constant"]);
      variant.constants.emplace_back(content.size());
      variant.constants.back().write(content.data(), content.size());
      address = variant.constants.back().device();
    } else {
      address = buffers.at(parameter.at("buffer")).memory.device();
    }
    const auto *bytes = reinterpret_cast<const uint8_t *>(&address);
    variant.parameters.emplace_back(bytes, bytes + sizeof address);
  }
  variant.program = std::make_unique<cuda::Program>(readFile(folder / json.at("image")), json.at("entry"));
  return variant;
}

/// Runs the variant once and compares what it wrote with `reference`, which the first one makes.
void check(Variant &variant, std::vector<Buffer> &buffers, const std::vector<size_t> &outputs,
           std::vector<Bytes> &reference) {
  for (size_t output : outputs)
    buffers[output].memory.fill(0xffffffffu); // not a number, so that what is not written shows
  variant.program->launch(variant.shape, variant.parameters);
  cuda::synchronize();
  bool first = reference.empty();
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Buffer &buffer = buffers[outputs[k]];
    Bytes result(buffer.memory.size());
    buffer.memory.read(result.data(), result.size());
    constexpr size_t kChunk = 4096;
    size_t width = elementBytes(buffer.dtype);
    for (size_t i = 0; i < buffer.elements; ++i) {
      if (!first && i % kChunk == 0 && i + kChunk <= buffer.elements &&
          std::memcmp(&result[i * width], &reference[k][i * width], kChunk * width) == 0) {
        i += kChunk - 1;
        continue;
      }
      double value = valueAt(result, buffer.dtype, i);
      double wanted = first ? value : valueAt(reference[k], buffer.dtype, i);
      double difference = std::abs(value - wanted) / std::max(1.0, std::abs(wanted));
      if (!(difference <= variant.difference))
        variant.difference = std::isnan(difference) ? INFINITY : difference;
    }
    if (first)
      reference.push_back(std::move(result));
  }
}

float medianOf(std::vector<float> times) {
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

struct Clock {
  cuda::Event start, end;
  cuda::Memory cold{256 << 20}; // larger than the cache: filled before each launch

  template <typename F> float time(F run) {
    cold.fill(1);
    start.record();
    run();
    end.record();
    return end.millisecondsSince(start);
  }
};

Json runCase(const Json &json, const fs::path &folder, int repeat, Clock &clock) {
  std::vector<Buffer> buffers;
  uint64_t seed = 1;
  for (const Json &item : json.at("buffers")) {
    std::string dtype = item.at("dtype");
    size_t elements = item.at("elements");
    buffers.push_back({dtype, elements, cuda::Memory(elements * elementBytes(dtype))});
    if (item.contains("random")) {
      Bytes bytes = randomBytes(dtype, elements, item["random"][0], item["random"][1], seed++);
      buffers.back().memory.write(bytes.data(), bytes.size());
    }
  }
  auto outputs = json.at("outputs").get<std::vector<size_t>>();
  double tolerance = json.at("tolerance"), gigabytes = json.at("bytes").get<double>() * 1e-9;
  double teraoperations = json.value("operations", 0.0) * 1e-12;
  std::vector<Variant> variants;
  std::vector<Bytes> reference;
  for (const Json &item : json.at("variants")) {
    try {
      variants.push_back(load(item, folder, buffers));
      check(variants.back(), buffers, outputs, reference);
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
      float time = clock.time([&] { variant.program->launch(variant.shape, variant.parameters); });
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
    float median = medianOf(variant.times);
    auto [shortest, longest] = std::minmax_element(variant.times.begin(), variant.times.end());
    cuda::Program::Resources resources = variant.program->resources();
    int resident = variant.program->residentThreads(variant.shape);
    bool right = variant.difference <= tolerance;
    std::printf("  %-26s %8.4f ms (%.4f to %.4f)  %7.0f GB/s", variant.name.c_str(), median, *shortest,
                *longest, gigabytes / (median * 1e-3));
    if (teraoperations > 0)
      std::printf("  %6.2f TFLOP/s", teraoperations / (median * 1e-3));
    std::printf("  %3d registers %4d stack %6d shared %4d resident  %s %.2g\n", resources.registers,
                resources.stackBytes, resources.sharedBytes, resident, right ? "ok" : "WRONG",
                variant.difference);
    rows.push_back({{"name", variant.name},
                    {"ms", median},
                    {"shortest", *shortest},
                    {"longest", *longest},
                    {"gbps", gigabytes / (median * 1e-3)},
                    {"tflops", teraoperations / (median * 1e-3)},
                    {"registers", resources.registers},
                    {"stack", resources.stackBytes},
                    {"shared", resources.sharedBytes},
                    {"resident", resident},
                    {"difference", variant.difference},
                    {"right", right}});
  }
  std::fflush(stdout);
  return {{"name", json.at("name")},
          {"bytes", json.at("bytes")},
          {"operations", json.value("operations", 0.0)},
          {"variants", std::move(rows)}};
}

/// What the device copies in a second, bytes read and written.
double copyBandwidth(Clock &clock, int repeat) {
  constexpr size_t kBytes = size_t(1) << 30;
  cuda::Memory from(kBytes), to(kBytes);
  from.fill(7);
  std::vector<float> times;
  for (int i = 0; i < repeat; ++i)
    times.push_back(clock.time([&] { to.copyFrom(from); }));
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
    cuda::Driver driver;
    Clock clock;
    Json cases = Json::parse(readFile(fs::path(folder) / "cases.json"));
    Json results = {{"device", driver.deviceName()}, {"cuda", cuda::Driver::version()}};
    results["versions"] = cases.at("versions");
    results["copy_gbps"] = copyBandwidth(clock, repeat);
    std::printf("%s, CUDA %s, copy %.0f GB/s\n", driver.deviceName().c_str(), cuda::Driver::version().c_str(),
                results["copy_gbps"].get<double>());
    results["cases"] = Json::array();
    for (const Json &item : cases.at("cases")) {
      if (item.at("name").get<std::string>().find(only) == std::string::npos)
        continue;
      results["cases"].push_back(runCase(item, folder, repeat, clock));
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

// SPDX-License-Identifier: MIT
// Repeats saved launches and compares the results with the saved memory: graphs on MLX's CPU or GPU, Metal
// texts on the CPU device. Uses neither Python nor the compiler of this project.
#include "GraphExecutor.h"
#include "SavedKernel.h"
#include "SavedLaunch.h"
#include "cpu/CpuDevice.h"

#include "mlx/allocator.h"
#include "mlx/device.h"
#include "mlx/ops.h"
#include "mlx/transforms.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

namespace fs = std::filesystem;
namespace mx = mlx::core;
using namespace tmetal;

namespace {

struct Outcome {
  std::string launch, status, message; // status: same, close, differs, failed
  int64_t operations = 0, elements = 0, different = 0;
  double largest = 0, largestUlps = 0, firstMs = 0, warmMs = 0;
  bool isText = false; // ran on the CPU device, not on MLX
};

struct Settings {
  std::string device = "cpu";
  int repeat = 1;
  Tolerance tolerance;
};

double milliseconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

mx::array arrayFrom(const std::vector<uint8_t> &bytes, const ArrayType &type) {
  mx::Dtype dtype = dtypeOf(type.dtype);
  mx::Shape shape(type.shape.begin(), type.shape.end());
  size_t nbytes = mx::size_of(dtype);
  for (int64_t extent : type.shape)
    nbytes *= static_cast<size_t>(extent);
  if (nbytes > bytes.size())
    throw std::runtime_error("A storage has fewer bytes than its graph reads.");
  mx::allocator::Data memory = mx::allocator::malloc(std::max<size_t>(nbytes, 1));
  std::memcpy(memory.buffer().raw_ptr(), bytes.data(), nbytes);
  return mx::array(std::move(memory), shape, dtype);
}

int64_t countOperations(const GraphBlock &block) {
  int64_t count = 0;
  for (const GraphNode &node : block.nodes)
    count += (node.op != "constant") + (node.body ? countOperations(*node.body) : 0);
  return count;
}

using Bytes = std::vector<uint8_t>;

/// A launch that can be repeated.
class Repetition {
public:
  virtual ~Repetition() = default;
  virtual void run() = 0; // returns when the launch is done
  /// A storage after the last run.
  virtual Bytes bytes(size_t storage) const = 0;
};

class GraphRepetition : public Repetition {
public:
  GraphRepetition(const SavedLaunch &launch, mx::Stream stream) : launch(launch), stream(stream) {
    for (const SavedGraph &graph : launch.graphs)
      parts.emplace_back(graph.program);
    const std::vector<ArrayType> &types = parts.front().inputTypes();
    for (size_t i = 0; i < launch.storages.size(); ++i)
      inputs.push_back(arrayFrom(launch.storages[i].before, types.at(i)));
    size_t next = launch.storages.size();
    for (const SavedArgument &argument : launch.arguments)
      if (argument.spec.kind == ArgumentSpec::Kind::Dynamic) {
        mx::Dtype dtype = dtypeOf(types.at(next++).dtype);
        scalars.push_back(argument.isFloat ? mx::array(argument.floating, dtype)
                                           : mx::array(argument.integer, dtype));
      }
  }

  void run() override {
    states = inputs;
    for (size_t p = 0; p < parts.size(); ++p) {
      std::vector<mx::array> arguments = states;
      arguments.insert(arguments.end(), scalars.begin(), scalars.end());
      std::vector<mx::array> results = parts[p].run(std::move(arguments), stream);
      for (mx::array &result : results)
        result = mx::contiguous(result, false, stream);
      mx::eval(results);
      for (size_t k = 0; k < results.size(); ++k)
        states[launch.graphs[p].outputs[k].storage] = results[k];
    }
    mx::synchronize(stream);
  }

  Bytes bytes(size_t i) const override {
    // Bytes behind the last whole element are not part of the graph.
    Bytes result = launch.storages[i].before;
    std::memcpy(result.data(), states[i].data<char>(), std::min(states[i].nbytes(), result.size()));
    return result;
  }

private:
  const SavedLaunch &launch;
  mx::Stream stream;
  std::vector<GraphExecutor> parts;
  std::vector<mx::array> inputs, scalars, states;
};

class TextRepetition : public Repetition {
public:
  explicit TextRepetition(const SavedLaunch &launch) : kernel(cpuDevice(), launch) {}
  void run() override { kernel.run(); }
  Bytes bytes(size_t i) const override { return kernel.bytes(i); }

private:
  SavedKernel kernel;
};

std::unique_ptr<Repetition> repetitionOf(const SavedLaunch &launch, const Settings &settings) {
  if (launch.graphs.empty() && launch.metal && settings.device == "cpu")
    return std::make_unique<TextRepetition>(launch);
  if (launch.graphs.empty())
    throw std::runtime_error("The launch holds no graph for MLX.");
  return std::make_unique<GraphRepetition>(
      launch, mx::default_stream(settings.device == "gpu" ? mx::Device::gpu : mx::Device::cpu));
}

std::string argumentNames(const SavedLaunch &launch, size_t storage) {
  std::string names;
  for (const SavedArgument &argument : launch.arguments)
    if (argument.spec.kind == ArgumentSpec::Kind::Pointer &&
        argument.spec.storage == static_cast<int>(storage))
      names += (names.empty() ? "" : ", ") + argument.name;
  return names;
}

Outcome repeat(const fs::path &folder, const Settings &settings) {
  Outcome outcome;
  outcome.launch = folder.filename().string();
  try {
    SavedLaunch launch = loadLaunch(folder);
    for (const SavedGraph &graph : launch.graphs)
      outcome.operations += countOperations(graph.program.body);
    std::unique_ptr<Repetition> repetition = repetitionOf(launch, settings);
    outcome.isText = launch.graphs.empty();
    auto start = std::chrono::steady_clock::now();
    repetition->run();
    outcome.firstMs = milliseconds(start);
    std::vector<double> times;
    for (int i = 1; i < settings.repeat; ++i) {
      start = std::chrono::steady_clock::now();
      repetition->run();
      times.push_back(milliseconds(start));
    }
    if (!times.empty()) {
      std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
      outcome.warmMs = times[times.size() / 2];
    }
    outcome.status = "same";
    for (size_t i = 0; i < launch.storages.size(); ++i) {
      const SavedStorage &storage = launch.storages[i];
      if (!storage.after)
        continue;
      Comparison found = compareStorage(storage, repetition->bytes(i), settings.tolerance);
      outcome.elements += found.elements;
      outcome.different += found.different;
      outcome.largest = std::max(outcome.largest, found.largest);
      outcome.largestUlps = std::max(outcome.largestUlps, found.largestUlps);
      if (found.different && outcome.status == "same")
        outcome.status = "close";
      if (found.beyond) {
        outcome.status = "differs";
        char text[256];
        std::snprintf(text, sizeof text,
                      "%s[%lld] (%s) is %.9g, expected %.9g; %lld of %lld beyond tolerance",
                      argumentNames(launch, i).c_str(), static_cast<long long>(found.worst),
                      storage.dtype.c_str(), found.actual, found.expected,
                      static_cast<long long>(found.beyond), static_cast<long long>(found.elements));
        outcome.message += (outcome.message.empty() ? "" : "; ") + std::string(text);
      }
    }
  } catch (const std::exception &error) {
    outcome.status = "failed";
    outcome.message = error.what();
  }
  return outcome;
}

void printHeader(size_t width) {
  std::printf("%-*s  %-7s  %10s  %9s  %10s  %8s  %9s  %9s\n", static_cast<int>(width), "launch", "result",
              "operations", "different", "largest", "ulps", "first ms", "warm ms");
}

void print(const Outcome &o, size_t width, bool hasWarm) {
  std::printf("%-*s  %-7s  %10lld  %9lld  %10.3g  %8.3g  %9.2f", static_cast<int>(width), o.launch.c_str(),
              o.status.c_str(), static_cast<long long>(o.operations), static_cast<long long>(o.different),
              o.largest, o.largestUlps, o.firstMs);
  if (hasWarm)
    std::printf("  %9.3f", o.warmMs);
  std::printf("\n");
  if (!o.message.empty())
    std::printf("  %s\n", o.message.c_str());
  std::fflush(stdout); // the device may be slow, or hang
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Repeats saved launches on MLX, or on the CPU device if they hold Metal text, and compares "
               "with the memory that was saved."};
  std::vector<std::string> roots;
  Settings settings;
  std::string report;
  bool quiet = false;
  app.add_option("folder", roots, "saved launches, or folders that hold some")->required();
  app.add_option("--device", settings.device, "MLX device")->check(CLI::IsMember({"cpu", "gpu"}));
  app.add_option("--repeat", settings.repeat, "runs of each launch; the warm time is their median")
      ->check(CLI::PositiveNumber);
  app.add_option("--rtol", settings.tolerance.relative, "relative tolerance of floats");
  app.add_option("--atol", settings.tolerance.absolute, "absolute tolerance of floats");
  app.add_option("--json", report, "write the results to this file too");
  app.add_flag("--quiet", quiet, "print only launches that differ or fail, and the summary");
  CLI11_PARSE(app, argc, argv);

  if (settings.device == "gpu" && !mx::is_available(mx::Device::gpu)) {
    std::fprintf(stderr, "triton-metal-run: MLX finds no GPU here.\n");
    return 2;
  }
  std::vector<fs::path> folders;
  for (const std::string &root : roots) {
    std::vector<fs::path> found = findLaunches(root);
    if (found.empty()) {
      std::fprintf(stderr, "triton-metal-run: %s: There is no saved launch.\n", root.c_str());
      return 2;
    }
    folders.insert(folders.end(), found.begin(), found.end());
  }
  size_t width = 6;
  for (const fs::path &folder : folders)
    width = std::max(width, folder.filename().string().size());
  if (!quiet)
    printHeader(width);
  std::vector<Outcome> outcomes;
  nlohmann::json rows = nlohmann::json::array();
  for (const fs::path &folder : folders) {
    outcomes.push_back(repeat(folder, settings));
    const Outcome &o = outcomes.back();
    if (!quiet || o.status == "differs" || o.status == "failed")
      print(o, width, settings.repeat > 1);
    rows.push_back({{"launch", o.launch},
                    {"result", o.status},
                    {"message", o.message},
                    {"operations", o.operations},
                    {"elements", o.elements},
                    {"different", o.different},
                    {"largest", std::isfinite(o.largest) ? nlohmann::json(o.largest) : "inf"},
                    {"ulps", std::isfinite(o.largestUlps) ? nlohmann::json(o.largestUlps) : "inf"},
                    {"first_ms", o.firstMs},
                    {"warm_ms", o.warmMs}});
  }
  if (!report.empty())
    std::ofstream(report) << rows.dump(1) << "\n";
  auto count = [&](const char *status) {
    return std::count_if(outcomes.begin(), outcomes.end(),
                         [&](const Outcome &o) { return o.status == status; });
  };
  long same = count("same"), close = count("close"), differ = count("differs"), failed = count("failed");
  long texts = std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome &o) { return o.isText; });
  std::string where = texts < static_cast<long>(outcomes.size()) ? "MLX " + settings.device : "";
  if (texts)
    where += (where.empty() ? "" : " and ") + std::string("the CPU device");
  std::printf("%zu launches on %s: %ld the same bits, %ld within tolerance, %ld differ, %ld failed\n",
              folders.size(), where.c_str(), same, close, differ, failed);
  return differ || failed ? 1 : 0;
}

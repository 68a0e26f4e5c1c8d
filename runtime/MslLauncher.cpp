// SPDX-License-Identifier: MIT
#include "MslLauncher.h"
#include "KernelReport.h"
#include "SavedLaunch.h"
#include "cpu/CpuProgram.h"

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "mlx/stream.h"
#include "mlx/transforms.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <future>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

namespace tmetal {

namespace {

constexpr size_t kMaxOtherVariants = 16;
constexpr size_t kInlineArgumentBytes = 256;
constexpr size_t kMaxKnownBounds = 16;

enum class ScalarKind { Integer, Bool, Half, BFloat, Float, Double };

struct Scalar {
  ScalarKind kind;
  size_t parameter, offset, size;
};

Scalar scalarOf(const MslParameter &parameter, size_t index) {
  static const std::map<std::string, ScalarKind> floats = {{"f16", ScalarKind::Half},
                                                           {"bf16", ScalarKind::BFloat},
                                                           {"f32", ScalarKind::Float},
                                                           {"f64", ScalarKind::Double}};
  ScalarKind kind = parameter.type == "i1" ? ScalarKind::Bool : ScalarKind::Integer;
  if (auto found = floats.find(parameter.type); found != floats.end())
    kind = found->second;
  return {kind, index, static_cast<size_t>(parameter.structOffset), static_cast<size_t>(parameter.size)};
}

uint16_t bfloatBits(double value) {
  auto bits = [](float single) {
    uint32_t word;
    std::memcpy(&word, &single, sizeof word);
    return word;
  };
  uint32_t word = bits(static_cast<float>(value));
  if ((word & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((word >> 16) | 0x40); // keep a NaN one
  return static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

template <typename T> void write(std::byte *target, T value) { std::memcpy(target, &value, sizeof value); }

void writeScalar(std::byte *target, const Scalar &scalar, const Argument &argument) {
  target += scalar.offset;
  const auto *integer = std::get_if<int64_t>(&argument);
  if (scalar.kind == ScalarKind::Bool)
    return write<uint8_t>(target, *integer & 1);
  if (scalar.kind == ScalarKind::Integer) {
    std::memcpy(target, integer, scalar.size); // little endian, as every machine that this runs on
    return;
  }
  double value = integer ? static_cast<double>(*integer) : std::get<double>(argument);
  switch (scalar.kind) {
  case ScalarKind::Half:
    return write(target, static_cast<_Float16>(value));
  case ScalarKind::BFloat:
    return write(target, bfloatBits(value));
  case ScalarKind::Float:
    return write(target, static_cast<float>(value));
  default:
    return write(target, value);
  }
}

/// Copies an array of any strides to rows without gaps.
void copyStrided(char *&target, const char *source, const mx::Shape &shape, const mx::Strides &strides,
                 size_t dimension, size_t itemsize) {
  if (dimension == shape.size()) {
    std::memcpy(target, source, itemsize);
    target += itemsize;
    return;
  }
  int64_t stride = strides[dimension] * static_cast<int64_t>(itemsize);
  if (dimension + 1 == shape.size() && stride == static_cast<int64_t>(itemsize)) {
    size_t bytes = static_cast<size_t>(shape[dimension]) * itemsize;
    std::memcpy(target, source, bytes);
    target += bytes;
    return;
  }
  for (int i = 0; i < shape[dimension]; ++i)
    copyStrided(target, source + i * stride, shape, strides, dimension + 1, itemsize);
}

Reach reachOf(const HostBuffer &buffer) {
  uintptr_t end = buffer.storageAddress + static_cast<uintptr_t>(buffer.storageBytes);
  return {static_cast<int64_t>(buffer.address - buffer.storageAddress),
          static_cast<int64_t>(end - buffer.address)};
}

/// How the CPU device runs a text. TRITON_METAL_TECHNIQUE: "loops", "fibers", or "permuted": fibers with
/// matrix elements in other lanes than usual.
CpuProgramOptions programOptionsFor(const MslOptions &options) {
  const char *wanted = std::getenv("TRITON_METAL_TECHNIQUE");
  std::string technique = wanted ? wanted : "";
  if (!technique.empty() && technique != "loops" && technique != "fibers" && technique != "permuted")
    throw Error(ErrorKind::Argument, "[TRITON_METAL_TECHNIQUE] '" + technique +
                                         "' is not a technique: use 'loops', 'fibers' or 'permuted'.");
  CpuProgramOptions result;
  result.checkRaces = options.checkRaces;
  result.permuteFragments = technique == "permuted";
  if (options.checkRaces || technique == "fibers" || technique == "permuted")
    result.technique = CpuProgramOptions::Fibers;
  if (options.checkRaces)
    result.extraFlags.push_back("-O1"); // checks take the time, whatever the optimiser does
  return result;
}

} // namespace

/// A compiled text. The arrays of a launch are in the order of the parameters.
struct MslLauncher::Variant {
  std::vector<int> aliasGroups;
  bool checked = false; // each access
  MslKernel kernel;
  std::shared_ptr<CpuProgram> program;
  bool mayFail = false; // threads of a program can wait for others that never come
  std::vector<Scalar> scalars;
  size_t bufferCount = 0;

  /// What the kernel may say to the host; null when it never does.
  std::unique_ptr<KernelReport> newReport() const {
    return kernel.reportBuffer < 0 ? nullptr : std::make_unique<KernelReport>(kernel);
  }

  /// `pointers`: one for each parameter, null for scalars. `reaches`: one for each pointer, only looked at by
  /// a text that checks addresses.
  void run(const std::array<int64_t, 3> &grid, void *const *pointers, void *arguments,
           const std::vector<Reach> &reaches, KernelReport *report) const {
    constexpr size_t kInlineBuffers = 40;
    void *inlineBuffers[kInlineBuffers] = {};
    std::vector<void *> moreBuffers;
    void **buffers = inlineBuffers;
    if (bufferCount > kInlineBuffers) {
      moreBuffers.resize(bufferCount);
      buffers = moreBuffers.data();
    }
    for (size_t i = 0; i < kernel.parameters.size(); ++i)
      if (kernel.parameters[i].isPointer)
        buffers[kernel.parameters[i].bufferIndex] = pointers[i];
    if (kernel.argumentsBuffer >= 0)
      buffers[kernel.argumentsBuffer] = arguments;
    if (kernel.boundsBuffer >= 0)
      buffers[kernel.boundsBuffer] = const_cast<Reach *>(reaches.data());
    if (report)
      buffers[kernel.reportBuffer] = report->data();
    try {
      program->launch(grid, buffers);
    } catch (const Error &) {
      throw; // of the settings, before anything ran
    } catch (const std::exception &error) { // of the threads: a barrier that not all of them reach
      if (!report)
        throw Error(ErrorKind::Sanitizer, error.what());
      report->fail(error.what());
    }
  }

  void runAndDeliver(const std::array<int64_t, 3> &grid, void *const *pointers, void *arguments,
                     const std::vector<Reach> &reaches, const Output &output) const {
    std::unique_ptr<KernelReport> report = newReport();
    run(grid, pointers, arguments, reaches, report.get());
    if (report)
      report->deliver(output);
  }
};

/// A launch in MLX's graph. Inputs: the arrays of the launch, each once. Outputs: those that are stored to.
class MslLauncher::LaunchPrimitive : public mx::Primitive {
public:
  LaunchPrimitive(mx::Stream stream, std::shared_ptr<const Variant> variant, std::array<int64_t, 3> grid,
                  std::vector<int> inputOfParameter, std::vector<int> storedInputs,
                  std::vector<std::byte> arguments, Output output, std::shared_ptr<Counters> counters)
      : Primitive(stream), variant(std::move(variant)), grid(grid),
        inputOfParameter(std::move(inputOfParameter)), storedInputs(std::move(storedInputs)),
        arguments(std::move(arguments)), output(std::move(output)), counters(std::move(counters)) {}

  const char *name() const override { return "TritonLaunch"; }

  void eval_gpu(const std::vector<mx::array> &, std::vector<mx::array> &) override {
    throw Error(ErrorKind::Unsupported, "[" + variant->kernel.name +
                                            "] A Metal kernel in MLX's graph runs on MLX's CPU stream here.");
  }

  void eval_cpu(const std::vector<mx::array> &inputs, std::vector<mx::array> &outputs) override {
    // The work itself is done on the stream's thread; memory is assigned here.
    struct Copy {
      const char *source;
      char *target;
      size_t bytes;
      mx::Shape shape;
      mx::Strides strides;
      size_t itemsize;
      bool rows;
    };
    std::vector<Copy> copies;
    std::vector<char *> pointers(inputs.size());
    std::vector<int64_t> sizes;
    for (const mx::array &input : inputs)
      sizes.push_back(static_cast<int64_t>(input.nbytes()));
    std::vector<mx::array> temporaries;
    auto copyInto = [&](const mx::array &input, char *target) {
      if (input.size() != 0)
        copies.push_back({input.data<char>(), target, input.nbytes(), input.shape(), input.strides(),
                          input.itemsize(), input.flags().row_contiguous});
    };
    std::vector<int> outputOf(inputs.size(), -1);
    for (size_t k = 0; k < storedInputs.size(); ++k)
      outputOf[storedInputs[k]] = static_cast<int>(k);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const mx::array &input = inputs[i];
      bool rows = input.flags().row_contiguous;
      if (outputOf[i] < 0 && rows) {
        pointers[i] = input.size() ? const_cast<char *>(input.data<char>()) : nullptr;
        continue;
      }
      if (outputOf[i] < 0) {
        mx::array copy(input.shape(), input.dtype(), nullptr, {});
        copy.set_data(mx::allocator::malloc(input.nbytes()));
        pointers[i] = copy.data<char>();
        copyInto(input, pointers[i]);
        temporaries.push_back(std::move(copy));
        continue;
      }
      mx::array &result = outputs[outputOf[i]];
      // Somebody else may still read the input: only a buffer that nobody else has is stored to.
      if (rows && input.is_donatable()) {
        result.copy_shared_buffer(input);
        pointers[i] = result.size() ? result.data<char>() : nullptr;
        ++counters->donatedBuffers;
        continue;
      }
      result.set_data(mx::allocator::malloc(result.nbytes()));
      pointers[i] = result.data<char>();
      copyInto(input, pointers[i]);
      ++counters->bufferCopies;
    }
    auto work = [variant = variant, grid = grid, copies = std::move(copies), pointers = std::move(pointers),
                 sizes = std::move(sizes), inputOfParameter = inputOfParameter, arguments = arguments,
                 temporaries = std::move(temporaries)](KernelReport *report) mutable {
      for (const Copy &copy : copies) {
        char *target = copy.target;
        if (copy.rows)
          std::memcpy(target, copy.source, copy.bytes);
        else
          copyStrided(target, copy.source, copy.shape, copy.strides, 0, copy.itemsize);
      }
      std::vector<void *> parameters(inputOfParameter.size(), nullptr);
      std::vector<Reach> reaches;
      for (size_t p = 0; p < parameters.size(); ++p)
        if (int input = inputOfParameter[p]; input >= 0) {
          parameters[p] = pointers[input];
          reaches.push_back({0, sizes[input]});
        }
      variant->run(grid, parameters.data(), arguments.data(), reaches, report);
    };
    auto &encoder = mx::cpu::get_command_encoder(stream());
    if (variant->kernel.reportBuffer < 0 && !variant->mayFail) {
      encoder.dispatch([work = std::move(work)]() mutable { work(nullptr); });
      return;
    }
    // What a kernel reports, and its failure, must reach the caller of eval, in its thread, so the caller
    // waits.
    std::shared_ptr<KernelReport> report = variant->newReport();
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> finished = done->get_future();
    encoder.dispatch([work = std::move(work), report, done]() mutable {
      try {
        work(report.get());
        done->set_value();
      } catch (...) {
        done->set_exception(std::current_exception());
      }
    });
    finished.get();
    if (report)
      report->deliver(output);
  }

private:
  std::shared_ptr<const Variant> variant;
  std::array<int64_t, 3> grid;
  std::vector<int> inputOfParameter; // -1: a scalar
  std::vector<int> storedInputs;
  std::vector<std::byte> arguments;
  Output output;
  std::shared_ptr<Counters> counters;
};

MslLauncher::MslLauncher(KernelFacts facts, MslOptions options, Printer printer, Output output,
                         AccessProgram accesses)
    : kernelFacts(std::move(facts)), baseOptions(std::move(options)), printer(std::move(printer)),
      output(std::move(output)), accesses(std::move(accesses)), counters(std::make_shared<Counters>()) {
  for (size_t i = 0; i < kernelFacts.parameterTypes.size(); ++i)
    if (isPointerType(kernelFacts.parameterTypes[i]))
      pointerParameters.push_back(static_cast<int>(i));
  for (const AccessProgram::Node &node : this->accesses.nodes)
    if (node.op == AccessProgram::Op::Argument)
      boundingIntegers.push_back(static_cast<int>(node.value));
}

MslLauncher::~MslLauncher() = default;

std::vector<int> MslLauncher::aliasGroups(const std::vector<Argument> &arguments) const {
  size_t count = pointerParameters.size();
  constexpr size_t kInline = 64;
  int inlineGroups[kInline];
  std::vector<int> moreGroups(count > kInline ? count : 0);
  int *group = count > kInline ? moreGroups.data() : inlineGroups;
  std::iota(group, group + count, 0);
  bool any = false;
  for (size_t j = 1; j < count; ++j) {
    int pj = pointerParameters[j];
    const auto *hostJ = std::get_if<HostBuffer>(&arguments[pj]);
    const auto *lazyJ = std::get_if<LazyArray>(&arguments[pj]);
    for (size_t i = 0; i < j; ++i) {
      int pi = pointerParameters[i];
      if (group[i] == group[j] || !(kernelFacts.stored[pi] || kernelFacts.stored[pj]))
        continue;
      bool overlap = false;
      if (const auto *hostI = std::get_if<HostBuffer>(&arguments[pi]); hostI && hostJ)
        overlap = (hostI->begin() < hostJ->end() && hostJ->begin() < hostI->end()) ||
                  (hostI->address == hostJ->address && hostI->address != 0);
      else if (const auto *lazyI = std::get_if<LazyArray>(&arguments[pi]); lazyI && lazyJ)
        overlap = lazyI->receiver == lazyJ->receiver;
      if (!overlap)
        continue;
      any = true;
      int from = std::max(group[i], group[j]), to = std::min(group[i], group[j]);
      for (size_t k = 0; k < count; ++k)
        if (group[k] == from)
          group[k] = to;
    }
  }
  return any ? std::vector<int>(group, group + count) : std::vector<int>();
}

std::shared_ptr<const MslLauncher::Variant> MslLauncher::makeVariant(const std::vector<int> &aliasGroups,
                                                                     bool checked) const {
  auto variant = std::make_shared<Variant>();
  variant->aliasGroups = aliasGroups;
  variant->checked = checked;
  MslOptions options = baseOptions;
  options.checkAddresses |= checked;
  options.aliasGroups = aliasGroups;
  variant->kernel = printer(options);
  ++counters->printed;
  const MslKernel &kernel = variant->kernel;
  if (kernel.parameters.size() != kernelFacts.parameterTypes.size())
    throw Error(ErrorKind::Compile,
                "[" + kernel.name + "] The text has " + std::to_string(kernel.parameters.size()) +
                    " parameters, the kernel " + std::to_string(kernelFacts.parameterTypes.size()) + ".");
  int last = std::max({kernel.argumentsBuffer, kernel.reportBuffer, kernel.boundsBuffer});
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    const MslParameter &parameter = kernel.parameters[i];
    if (parameter.isPointer)
      last = std::max(last, parameter.bufferIndex);
    else
      variant->scalars.push_back(scalarOf(parameter, i));
  }
  variant->bufferCount = static_cast<size_t>(last) + 1;
  CpuProgramOptions programOptions = programOptionsFor(options);
  variant->mayFail = programOptions.technique == CpuProgramOptions::Fibers;
  try {
    variant->program = compileCpuProgram(kernel.text, kernel.simdgroups, kernel.threadgroupBytes,
                                         kernel.stackBytes, programOptions);
  } catch (const Error &) {
    throw;
  } catch (const std::exception &error) {
    throw Error(ErrorKind::Compile,
                "[" + kernel.name + "] The kernel's text does not compile: " + error.what());
  }
  return variant;
}

std::shared_ptr<const MslLauncher::Variant> MslLauncher::variantFor(const std::vector<int> &groups,
                                                                    bool checked) {
  std::lock_guard<std::mutex> lock(mutex);
  if (groups.empty() && !checked) {
    if (!defaultVariant) {
      defaultVariant = makeVariant(groups, false);
      readyVariant.store(defaultVariant.get(), std::memory_order_release);
    }
    return defaultVariant;
  }
  auto found = std::find_if(others.begin(), others.end(), [&](const auto &variant) {
    return variant->aliasGroups == groups && variant->checked == checked;
  });
  if (found != others.end()) {
    others.splice(others.begin(), others, found);
    return others.front();
  }
  others.push_front(makeVariant(groups, checked));
  if (others.size() > kMaxOtherVariants)
    others.pop_back();
  return others.front();
}

bool MslLauncher::staysInside(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments) {
  if (accesses.accesses.empty() || baseOptions.checkAddresses)
    return true;
  thread_local std::vector<int64_t> key; // keeps its memory from launch to launch
  key.assign(grid.begin(), grid.end());
  for (int i : boundingIntegers)
    key.push_back(std::get<int64_t>(arguments[i]));
  for (int i : pointerParameters) {
    Reach reach;
    if (const auto *host = std::get_if<HostBuffer>(&arguments[i]))
      reach = reachOf(*host);
    else
      reach.after = static_cast<int64_t>(std::get<LazyArray>(arguments[i]).value.nbytes());
    key.push_back(reach.before);
    key.push_back(reach.after);
  }
  std::lock_guard<std::mutex> lock(boundsMutex);
  for (auto known = knownBounds.begin(); known != knownBounds.end(); ++known)
    if (known->first == key) {
      if (known != knownBounds.begin())
        knownBounds.splice(knownBounds.begin(), knownBounds, known);
      return known->second;
    }
  std::vector<int64_t> integers(arguments.size());
  for (int i : boundingIntegers)
    integers[i] = std::get<int64_t>(arguments[i]);
  std::vector<Reach> reaches(arguments.size());
  const int64_t *reach = key.data() + grid.size() + boundingIntegers.size();
  for (int i : pointerParameters) {
    reaches[i] = {reach[0], reach[1]};
    reach += 2;
  }
  bool inside = unprovenAccesses(accesses, grid, integers, reaches).empty();
  knownBounds.emplace_front(key, inside);
  if (knownBounds.size() > kMaxKnownBounds)
    knownBounds.pop_back();
  return inside;
}

std::vector<NewValue> MslLauncher::launch(const std::array<int64_t, 3> &grid,
                                          const std::vector<Argument> &arguments) {
  checkLaunch(kernelFacts, grid, arguments);
  std::vector<int> groups = aliasGroups(arguments);
  ++counters->launches;
  if (!staysInside(grid, arguments))
    return launchChecked(groups, grid, arguments);
  bool hasArrays = false;
  for (int i : pointerParameters)
    hasArrays |= std::holds_alternative<LazyArray>(arguments[i]);
  if (hasArrays)
    return launchOnArrays(variantFor(groups), grid, arguments, /*atOnce=*/false);
  if (const Variant *ready = groups.empty() ? readyVariant.load(std::memory_order_acquire) : nullptr)
    return launchOnHost(*ready, grid, arguments);
  return launchOnHost(*variantFor(groups), grid, arguments);
}

/// An access outside of an argument does not happen, and what the others stored is taken back.
std::vector<NewValue> MslLauncher::launchChecked(const std::vector<int> &groups,
                                                 const std::array<int64_t, 3> &grid,
                                                 const std::vector<Argument> &arguments) {
  ++counters->checkedLaunches;
  std::shared_ptr<const Variant> variant = variantFor(groups, /*checked=*/true);
  struct Memory {
    void *address;
    std::vector<std::byte> bytes;
  };
  std::vector<Memory> before;
  bool hasArrays = false;
  for (int i : pointerParameters) {
    const auto *host = std::get_if<HostBuffer>(&arguments[i]);
    hasArrays |= !host;
    if (!host || !kernelFacts.stored[i])
      continue;
    auto *bytes = reinterpret_cast<std::byte *>(host->storageAddress);
    before.push_back({bytes, {bytes, bytes + host->storageBytes}});
  }
  try {
    return hasArrays ? launchOnArrays(variant, grid, arguments, /*atOnce=*/true)
                     : launchOnHost(*variant, grid, arguments);
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Sanitizer || baseOptions.checkRaces || baseOptions.checkUndefined)
      throw;
    for (const Memory &memory : before)
      if (!memory.bytes.empty())
        std::memcpy(memory.address, memory.bytes.data(), memory.bytes.size());
    throw Error(ErrorKind::Argument, error.what());
  }
}

std::vector<NewValue> MslLauncher::launchOnHost(const Variant &variant, const std::array<int64_t, 3> &grid,
                                                const std::vector<Argument> &arguments) {
  alignas(16) std::byte inlineScalars[kInlineArgumentBytes] = {};
  std::vector<std::byte> moreScalars;
  std::byte *scalars = inlineScalars;
  if (variant.kernel.argumentsSize > static_cast<int64_t>(kInlineArgumentBytes)) {
    moreScalars.resize(variant.kernel.argumentsSize);
    scalars = moreScalars.data();
  }
  for (const Scalar &scalar : variant.scalars)
    writeScalar(scalars, scalar, arguments[scalar.parameter]);
  constexpr size_t kInlineParameters = 64;
  void *inlinePointers[kInlineParameters];
  std::vector<void *> morePointers(arguments.size() > kInlineParameters ? arguments.size() : 0);
  void **pointers = morePointers.empty() ? inlinePointers : morePointers.data();
  std::vector<Reach> reaches;
  for (int i : pointerParameters) {
    const auto &buffer = std::get<HostBuffer>(arguments[i]);
    pointers[i] = reinterpret_cast<void *>(buffer.address);
    if (variant.kernel.boundsBuffer >= 0)
      reaches.push_back(reachOf(buffer));
  }
  variant.runAndDeliver(grid, pointers, scalars, reaches, output);
  return {};
}

std::vector<NewValue> MslLauncher::launchOnArrays(std::shared_ptr<const Variant> variant,
                                                  const std::array<int64_t, 3> &grid,
                                                  const std::vector<Argument> &arguments, bool atOnce) {
  std::vector<std::byte> scalars(std::max<int64_t>(variant->kernel.argumentsSize, 1));
  for (const Scalar &scalar : variant->scalars)
    writeScalar(scalars.data(), scalar, arguments[scalar.parameter]);
  std::vector<mx::array> inputs;
  std::vector<mx::array *> receivers;
  std::vector<int> inputOfParameter(arguments.size(), -1);
  std::vector<bool> stored;
  bool hasHost = false;
  for (int i : pointerParameters) {
    const auto *lazy = std::get_if<LazyArray>(&arguments[i]);
    if (!lazy) {
      hasHost = true;
      continue;
    }
    auto found = std::find(receivers.begin(), receivers.end(), lazy->receiver);
    inputOfParameter[i] = static_cast<int>(found - receivers.begin());
    if (found == receivers.end()) {
      receivers.push_back(lazy->receiver);
      inputs.push_back(lazy->value);
      stored.push_back(false);
    }
    if (kernelFacts.stored[i])
      stored[inputOfParameter[i]] = true;
  }
  std::vector<int> storedInputs;
  for (size_t k = 0; k < inputs.size(); ++k)
    if (stored[k])
      storedInputs.push_back(static_cast<int>(k));

  mx::Stream stream = mx::default_stream(mx::Device::cpu);
  std::vector<NewValue> newValues;
  if (!hasHost && !storedInputs.empty() && !atOnce) {
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    for (int k : storedInputs) {
      shapes.push_back(inputs[k].shape());
      dtypes.push_back(inputs[k].dtype());
    }
    auto primitive =
        std::make_shared<LaunchPrimitive>(stream, std::move(variant), grid, std::move(inputOfParameter),
                                          storedInputs, std::move(scalars), output, counters);
    std::vector<mx::array> results = mx::array::make_arrays(shapes, dtypes, primitive, inputs);
    for (size_t k = 0; k < storedInputs.size(); ++k)
      newValues.emplace_back(receivers[storedInputs[k]], results[k]);
    return newValues;
  }
  // Host memory is to be complete on return, and a launch without results in MLX's graph would never run: at
  // once.
  for (mx::array &input : inputs)
    input = mx::contiguous(input, false, stream);
  mx::eval(inputs);
  for (int k : storedInputs) {
    const mx::array &before = inputs[k];
    mx::allocator::Data memory = mx::allocator::malloc(std::max<size_t>(before.nbytes(), 1));
    if (before.nbytes())
      std::memcpy(memory.buffer().raw_ptr(), before.data<char>(), before.nbytes());
    ++counters->bufferCopies;
    mx::array result(std::move(memory), before.shape(), before.dtype());
    newValues.emplace_back(receivers[k], result);
    inputs[k] = result;
  }
  std::vector<void *> pointers(arguments.size(), nullptr);
  std::vector<Reach> reaches;
  for (int i : pointerParameters) {
    if (const auto *host = std::get_if<HostBuffer>(&arguments[i])) {
      pointers[i] = reinterpret_cast<void *>(host->address);
      reaches.push_back(reachOf(*host));
      continue;
    }
    mx::array &array = inputs[inputOfParameter[i]];
    if (array.nbytes())
      pointers[i] = array.data<char>();
    reaches.push_back({0, static_cast<int64_t>(array.nbytes())});
  }
  variant->runAndDeliver(grid, pointers.data(), scalars.data(), reaches, output);
  return newValues;
}

namespace {

/// Storages of a launch: memory of the host that overlaps is one, and so is an MLX array that is passed
/// twice.
class StoragesOf {
public:
  StoragesOf(const std::vector<Argument> &arguments, const std::vector<int> &pointers) {
    for (int i : pointers) {
      if (const auto *lazy = std::get_if<LazyArray>(&arguments[i])) {
        auto same = [&](const Place &place) { return place.receiver == lazy->receiver; };
        if (std::none_of(places.begin(), places.end(), same))
          places.push_back({0, 0, lazy->receiver, lazy->value});
        continue;
      }
      const auto &host = std::get<HostBuffer>(arguments[i]);
      Place merged{host.begin(), host.end(), nullptr, std::nullopt};
      for (size_t k = 0; k < places.size();) {
        const Place &other = places[k];
        bool overlap = !other.receiver && ((other.begin < merged.end && merged.begin < other.end) ||
                                           (other.begin == merged.begin && other.end == merged.end));
        if (!overlap) {
          ++k;
          continue;
        }
        merged.begin = std::min(merged.begin, other.begin);
        merged.end = std::max(merged.end, other.end);
        places.erase(places.begin() + static_cast<std::ptrdiff_t>(k));
      }
      places.push_back(std::move(merged));
    }
  }

  size_t size() const { return places.size(); }
  /// The storage that the argument points into, and where.
  std::pair<int, int64_t> find(const Argument &argument) const {
    const auto *lazy = std::get_if<LazyArray>(&argument);
    const auto *host = std::get_if<HostBuffer>(&argument);
    for (size_t k = 0; k < places.size(); ++k) {
      const Place &place = places[k];
      if (lazy ? place.receiver == lazy->receiver
               : !place.receiver && place.begin <= host->begin() && host->end() <= place.end)
        return {static_cast<int>(k), lazy ? 0 : static_cast<int64_t>(host->address - place.begin)};
    }
    return {-1, 0};
  }
  std::vector<uint8_t> bytes(size_t k, const std::vector<NewValue> &newValues = {}) const {
    const Place &place = places[k];
    if (!place.receiver) {
      const auto *begin = reinterpret_cast<const uint8_t *>(place.begin);
      return {begin, begin + (place.end - place.begin)};
    }
    mx::array value = *place.value;
    for (const auto &[receiver, result] : newValues)
      if (receiver == place.receiver)
        value = result;
    value = mx::contiguous(value, false, mx::default_stream(mx::Device::cpu));
    mx::eval(value);
    const auto *data = value.data<uint8_t>();
    return {data, data + value.nbytes()};
  }

private:
  struct Place {
    uintptr_t begin, end;
    mx::array *receiver; // null: memory of the host
    std::optional<mx::array> value;
  };
  std::vector<Place> places;
};

} // namespace

std::vector<NewValue> MslLauncher::launchAndSave(const std::array<int64_t, 3> &grid,
                                                 const std::vector<Argument> &arguments,
                                                 const std::string &parent, std::string *folder) {
  using Buffer = SavedMetalKernel::Buffer;
  checkLaunch(kernelFacts, grid, arguments);
  std::shared_ptr<const Variant> variant = variantFor(aliasGroups(arguments));
  const MslKernel &kernel = variant->kernel;
  StoragesOf storages(arguments, pointerParameters);
  SavedLaunch saved;
  saved.kernel = kernelFacts.name;
  saved.grid = grid;
  saved.storages.resize(storages.size());
  for (size_t k = 0; k < storages.size(); ++k)
    saved.storages[k].before = storages.bytes(k);
  SavedMetalKernel &metal = saved.metal.emplace();
  metal.text = kernel.text;
  metal.simdgroups = kernel.simdgroups;
  metal.threadgroupBytes = kernel.threadgroupBytes;
  metal.buffers.resize(variant->bufferCount);
  if (kernel.reportBuffer >= 0)
    metal.buffers[kernel.reportBuffer].storage = Buffer::kReport;
  if (kernel.boundsBuffer >= 0)
    metal.buffers[kernel.boundsBuffer].storage = Buffer::kBounds;
  metal.scalars.resize(kernel.argumentsSize);
  for (const Scalar &scalar : variant->scalars)
    writeScalar(reinterpret_cast<std::byte *>(metal.scalars.data()), scalar, arguments[scalar.parameter]);
  for (size_t i = 0; i < arguments.size(); ++i) {
    SavedArgument argument;
    argument.name = kernelFacts.parameterNames[i];
    argument.type = kernelFacts.parameterTypes[i];
    if (isPointerType(argument.type)) {
      argument.spec.kind = ArgumentSpec::Kind::Pointer;
      std::tie(argument.spec.storage, argument.spec.byteOffset) = storages.find(arguments[i]);
      std::string &dtype = saved.storages[argument.spec.storage].dtype;
      if (dtype.empty())
        dtype = argument.type.substr(8, argument.type.find_first_of(",>", 8) - 8);
      metal.buffers[kernel.parameters[i].bufferIndex] = {argument.spec.storage, argument.spec.byteOffset};
    } else if (const auto *integer = std::get_if<int64_t>(&arguments[i])) {
      argument.spec.kind = ArgumentSpec::Kind::Integer;
      argument.spec.value = argument.integer = *integer;
    } else {
      argument.isFloat = true;
      argument.floating = std::get<double>(arguments[i]);
    }
    saved.arguments.push_back(std::move(argument));
  }
  std::vector<NewValue> newValues = launch(grid, arguments);
  for (int i : pointerParameters)
    if (kernelFacts.stored[i]) {
      int k = saved.arguments[i].spec.storage;
      saved.storages[k].after = storages.bytes(static_cast<size_t>(k), newValues);
    }
  *folder = saveLaunch(saved, parent).string();
  return newValues;
}

MslKernel MslLauncher::kernel(const std::vector<int> &aliasGroups) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (aliasGroups.empty() && defaultVariant)
      return defaultVariant->kernel;
  }
  MslOptions options = baseOptions;
  options.aliasGroups = aliasGroups;
  return printer(options);
}

std::string MslLauncher::text(const std::vector<int> &aliasGroups) { return kernel(aliasGroups).text; }

MslStatistics MslLauncher::statistics() const {
  std::lock_guard<std::mutex> lock(mutex);
  return {counters->launches,       static_cast<int64_t>(others.size()) + (defaultVariant ? 1 : 0),
          counters->printed,        counters->bufferCopies,
          counters->donatedBuffers, counters->checkedLaunches};
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
#include "FakeGpu.h"

#include "cpu/CpuDevice.h"

#include <cstdlib>
#include <random>
#include <regex>
#include <stdexcept>
#include <thread>

namespace tmetal_test {

thread_local bool inCallback = false;

FakeGpu &FakeGpu::instance() {
  static FakeGpu &gpu = *new FakeGpu; // threads of streams may outlive everything
  return gpu;
}

int FakeGpu::misused(int status, const std::string &what) {
  if (misuse.empty())
    misuse = what;
  return status;
}

// ---- streams ----

std::shared_ptr<Stream> FakeGpu::startStream() {
  auto stream = std::make_shared<Stream>();
  std::thread([this, stream] { serve(stream); }).detach();
  return stream;
}

void FakeGpu::put(Stream &stream, std::function<void()> step) {
  stream.steps.push_back(std::move(step));
  changed.notify_all();
}

void FakeGpu::serve(std::shared_ptr<Stream> stream) {
  std::minstd_rand random(static_cast<unsigned>(reinterpret_cast<uintptr_t>(stream.get()) >> 4));
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return stream->destroyed || !stream->steps.empty(); });
    if (stream->steps.empty())
      return;
    std::function<void()> step = std::move(stream->steps.front());
    stream->steps.pop_front();
    stream->busy = true;
    int most = delay;
    lock.unlock();
    if (most > 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random() % static_cast<unsigned>(most)));
    step();
    step = nullptr;
    lock.lock();
    stream->busy = false;
    changed.notify_all();
  }
}

bool FakeGpu::isPinned(const void *address, size_t bytes) const {
  auto next = pinned.upper_bound(static_cast<std::byte *>(const_cast<void *>(address)));
  if (next == pinned.begin())
    return false;
  --next;
  size_t offset = static_cast<size_t>(static_cast<const std::byte *>(address) - next->first);
  return offset + bytes <= next->second;
}

// ---- kernels ----

namespace {

uint32_t word(uint64_t address) {
  uint32_t value;
  std::memcpy(&value, FakeGpu::instance().memory.at(address, 4), 4);
  return value;
}
void setWord(uint64_t address, uint32_t value) {
  std::memcpy(FakeGpu::instance().memory.at(address, 4), &value, 4);
}

void step(const FakeLaunch &launch) {
  std::lock_guard<std::mutex> lock(FakeGpu::instance().mutex);
  auto data = launch.parameter<uint64_t>(0), scalars = launch.parameter<uint64_t>(1);
  uint32_t n = word(scalars), value = word(scalars + 4);
  for (uint32_t i = 0; i < std::min(n, launch.grid[0] * launch.block[0]); ++i)
    setWord(data + 4 * i, word(data + 4 * i) * 3 + value);
}

void slow(const FakeLaunch &launch) {
  FakeGpu &gpu = FakeGpu::instance();
  auto data = launch.parameter<uint64_t>(0), scalars = launch.parameter<uint64_t>(1);
  std::unique_lock<std::mutex> lock(gpu.mutex);
  uint32_t nanoseconds = word(scalars);
  lock.unlock();
  std::this_thread::sleep_for(std::chrono::nanoseconds(nanoseconds));
  lock.lock();
  setWord(data, word(data) * 3 + word(scalars + 4));
}

void wild(const FakeLaunch &launch) {
  std::lock_guard<std::mutex> lock(FakeGpu::instance().mutex);
  setWord(launch.parameter<uint64_t>(0) + (uint64_t(1) << 40), 1);
}

void other(const FakeLaunch &launch) {
  std::lock_guard<std::mutex> lock(FakeGpu::instance().mutex);
  uint32_t value = launch.parameter<uint32_t>(0) * 1000 + launch.parameter<uint32_t>(2) * 100;
  for (uint32_t i = 0; i < launch.block[0] * launch.block[1]; ++i)
    setWord(launch.parameter<uint64_t>(1) + 4 * i, value + i);
}

/// A text, on the CPU device. Its memory stays where it is while it runs.
void runText(const FakeLaunch &launch, const std::shared_ptr<const tmetal::Program> &program) {
  FakeGpu &gpu = FakeGpu::instance();
  std::vector<tmetal::HostBinding> bindings;
  std::vector<std::shared_ptr<FakeMemory::Block>> kept;
  {
    std::lock_guard<std::mutex> lock(gpu.mutex);
    for (size_t i = 0; i + 1 < launch.parameters.size(); ++i) {
      auto address = launch.parameter<uint64_t>(i);
      size_t bytes = gpu.memory.bytesBehind(address);
      std::byte *data = gpu.memory.at(address, bytes, &kept.emplace_back());
      bindings.push_back({data, bytes});
    }
  }
  tmetal::cpuDevice()->run({program, {launch.grid[0], launch.grid[1], launch.grid[2]}, bindings, {}});
}

std::function<void(const FakeLaunch &)> behaviourOf(const std::string &name, const std::string &image) {
  static const std::map<std::string, std::function<void(const FakeLaunch &)>> known = {
      {"step", step}, {"slow", slow}, {"wild", wild}, {"other", other}};
  size_t marker = image.find("//--- Metal text, ");
  if (marker != std::string::npos) {
    tmetal::ProgramSource source;
    char *rest = nullptr;
    source.simdgroups = static_cast<int>(std::strtol(&image[image.find(',', marker) + 1], &rest, 10));
    source.threadgroupBytes = std::strtol(rest + std::strlen(" simdgroups, "), nullptr, 10);
    source.stackBytes = 8 << 20; // which a saved launch does not say
    source.text = image.substr(image.find('\n', marker) + 1);
    auto program = tmetal::cpuDevice()->compile(source);
    return [program](const FakeLaunch &launch) { runText(launch, program); };
  }
  auto found = known.find(name);
  if (found == known.end())
    throw std::runtime_error("ptxas fatal: the fake driver knows no kernel '" + name + "'");
  return found->second;
}

} // namespace

std::shared_ptr<Module> assemble(const std::string &image) {
  if (image.find(".version ") == std::string::npos)
    throw NotAnImage("error   : Binary format for key='0', ident='' is not recognized");
  if (image.find(".target ") == std::string::npos)
    throw std::runtime_error("ptxas fatal: Missing .target directive");
  auto module = std::make_shared<Module>();
  static const std::regex head(R"(\.entry\s+([\w$]+)\s*\(([^)]*)\)\s*(\.maxntid\s+(\d+))?)");
  static const std::regex parameter(R"(\.param\s+\.[a-z](\d+))");
  for (std::sregex_iterator i(image.begin(), image.end(), head), end; i != end; ++i) {
    auto kernel = std::make_shared<Kernel>();
    kernel->name = (*i)[1];
    std::string list = (*i)[2];
    for (std::sregex_iterator p(list.begin(), list.end(), parameter); p != end; ++p)
      kernel->parameterBytes.push_back(std::stoul((*p)[1]) / 8);
    if ((*i)[4].matched)
      kernel->maxThreads = std::stoi((*i)[4]);
    kernel->run = behaviourOf(kernel->name, image);
    module->kernels[kernel->name] = kernel;
  }
  return module;
}

} // namespace tmetal_test

// SPDX-License-Identifier: MIT
// Repeats saved launches of the msl engine on an NVIDIA GPU and compares with the memory that was saved.
// Beside each launch.json lies kernel.ptx, which make_ptx.py has made of the text.
#include "SavedLaunch.h"
#include "TypeNames.h"
#include "cuda/CudaDevice.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace fs = std::filesystem;
using namespace tmetal;

namespace {

struct Settings {
  int repeat = 0;
  Tolerance tolerance;
  bool quiet = false;
  int seconds = 60;
  uint32_t records = 1024;
};

/// Shared between the process that watches and the one that uses the device.
struct Progress {
  size_t next;
  int same, close, reordered, differ, failed;
};

std::string readText(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path.string() + ": Cannot be read.");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string argumentNames(const SavedLaunch &launch, size_t storage) {
  std::string names;
  for (const SavedArgument &argument : launch.arguments)
    if (argument.spec.kind == ArgumentSpec::Kind::Pointer &&
        argument.spec.storage == static_cast<int>(storage))
      names += (names.empty() ? "" : ", ") + argument.name;
  return names;
}

/// A saved launch on the device. What it works on is memory of the host that the device has adopted.
class Repetition {
public:
  Repetition(CudaDevice &device, const SavedLaunch &saved, std::shared_ptr<const Program> kernel,
             uint32_t records)
      : saved(saved) {
    using Saved = SavedMetalKernel::Buffer;
    const SavedMetalKernel &metal = *saved.metal;
    report.resize(2 + size_t(records) * 16);
    report[1] = records;
    for (const SavedArgument &argument : saved.arguments)
      if (argument.spec.kind == ArgumentSpec::Kind::Pointer) {
        auto size = static_cast<int64_t>(saved.storages.at(argument.spec.storage).before.size());
        bounds.push_back(argument.spec.byteOffset);
        bounds.push_back(size - argument.spec.byteOffset);
      }
    scalars.resize((metal.scalars.size() + 15) / 16);
    std::copy(metal.scalars.begin(), metal.scalars.end(), reinterpret_cast<uint8_t *>(scalars.data()));
    for (const SavedStorage &storage : saved.storages)
      states.push_back(storage.before);
    for (std::vector<uint8_t> &state : states)
      storages.push_back(device.adopt(state.data(), state.size()));
    auto reportBuffer = device.adopt(report.data(), report.size() * 4);
    auto boundsBuffer = device.adopt(bounds.data(), bounds.size() * 8);
    others = {reportBuffer, boundsBuffer};
    launch.program = std::move(kernel);
    launch.grid = saved.grid;
    for (const Saved &buffer : metal.buffers)
      if (buffer.storage == Saved::kScalars) {
        launch.scalarsIndex = static_cast<int>(bindings.size());
        launch.scalars = {reinterpret_cast<const std::byte *>(scalars.data()), metal.scalars.size()};
        bindings.push_back({});
      } else if (buffer.storage == Saved::kReport) {
        bindings.push_back({reportBuffer});
      } else if (buffer.storage == Saved::kBounds) {
        bindings.push_back({boundsBuffer});
      } else {
        bindings.push_back({storages.at(buffer.storage), buffer.byteOffset});
      }
    launch.buffers = bindings;
    queue = device.newQueue();
  }

  /// All of the memory comes back, also what the kernel only reads: it must not have changed.
  void run() {
    std::vector<Ticket> tickets;
    for (const auto *buffers : {&storages, &others})
      for (const std::shared_ptr<Buffer> &buffer : *buffers)
        tickets.push_back(queue->fetch(buffer));
    tickets.push_back(queue->launch(launch));
    for (const auto *buffers : {&storages, &others})
      for (const std::shared_ptr<Buffer> &buffer : *buffers)
        tickets.push_back(queue->publish(buffer));
    Queue::wait(tickets);
  }
  const std::vector<uint8_t> &bytes(size_t i) const { return states[i]; }
  /// How many messages the kernel had for the host.
  uint32_t messages() const { return report[0]; }

  /// The milliseconds of a launch on the memory as it was saved.
  double time(const CudaDevice &device) {
    for (size_t i = 0; i < states.size(); ++i)
      std::copy(saved.storages[i].before.begin(), saved.storages[i].before.end(), states[i].begin());
    Ticket before;
    for (const std::shared_ptr<Buffer> &storage : storages)
      if (Ticket fetched = queue->fetch(storage))
        before = fetched;
    if (!before)
      before = queue->copy({}, {}, 0); // no memory: a piece of work that does nothing
    return device.milliseconds(before, queue->launch(launch));
  }

private:
  struct alignas(16) Block {
    uint8_t bytes[16];
  };

  const SavedLaunch &saved;
  std::vector<std::vector<uint8_t>> states;
  std::vector<uint32_t> report;
  std::vector<int64_t> bounds;
  std::vector<Block> scalars;
  std::vector<std::shared_ptr<Buffer>> storages, others;
  std::vector<Binding> bindings;
  Launch launch;
  std::shared_ptr<Queue> queue; // waits, when it is destroyed, for work on the above
};

/// Bytes of the storages, each once: what a kernel moves at least if it reads its inputs and writes its
/// outputs whole.
double gigabytes(const SavedLaunch &launch) {
  double total = 0;
  for (const SavedStorage &storage : launch.storages)
    total += static_cast<double>(storage.before.size());
  return total * 1e-9;
}

/// The same elements in another order: what programs leave that take their places with an atomic.
bool isReordered(const SavedLaunch &launch, const SavedStorage &storage, const std::vector<uint8_t> &result) {
  if (!storage.after || launch.metal->text.find("tm::atomic_") == std::string::npos)
    return false;
  auto width = static_cast<size_t>(std::max(1, bitWidthOf(storage.dtype) / 8));
  auto sorted = [&](const std::vector<uint8_t> &bytes) {
    std::vector<std::string> elements;
    for (size_t i = 0; i + width <= bytes.size(); i += width)
      elements.emplace_back(bytes.begin() + i, bytes.begin() + i + width);
    std::sort(elements.begin(), elements.end());
    return elements;
  };
  return sorted(*storage.after) == sorted(result);
}

void repeat(CudaDevice &device, const fs::path &folder, const Settings &settings, Progress &progress,
            size_t width) {
  std::string status = "same", message;
  int64_t different = 0;
  double largest = 0, ulps = 0, median = 0, size = 0;
  uint32_t messages = 0;
  try {
    SavedLaunch launch = loadLaunch(folder);
    if (!launch.metal)
      throw std::runtime_error("The launch holds no Metal text.");
    ProgramSource source;
    source.binary = readText(folder / "kernel.ptx");
    source.simdgroups = launch.metal->simdgroups;
    source.threadgroupBytes = launch.metal->threadgroupBytes;
    Repetition repetition(device, launch, device.compile(source), settings.records);
    repetition.run();
    messages = repetition.messages();
    for (size_t i = 0; i < launch.storages.size(); ++i) {
      // What the kernel only reads must not have changed either.
      const SavedStorage &storage = launch.storages[i];
      const std::vector<uint8_t> &result = repetition.bytes(i);
      Comparison found = compareStorage(storage, result, settings.tolerance);
      different += found.different;
      largest = std::max(largest, found.largest);
      ulps = std::max(ulps, found.largestUlps);
      if (found.different && status == "same")
        status = "close";
      if ((found.beyond || (found.different && !storage.after)) && isReordered(launch, storage, result)) {
        status = status == "differs" ? status : "order";
      } else if (found.beyond || (found.different && !storage.after)) {
        status = "differs";
        char text[256];
        std::snprintf(text, sizeof text,
                      "%s[%lld] (%s) is %.9g, expected %.9g; %lld of %lld beyond tolerance",
                      argumentNames(launch, i).c_str(), static_cast<long long>(found.worst),
                      storage.dtype.c_str(), found.actual, found.expected,
                      static_cast<long long>(found.beyond), static_cast<long long>(found.elements));
        message += (message.empty() ? "" : "; ") + std::string(text);
      }
    }
    std::vector<double> times;
    for (int i = 0; i < settings.repeat; ++i)
      times.push_back(repetition.time(device));
    if (!times.empty()) {
      std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
      median = times[times.size() / 2];
      size = gigabytes(launch);
    }
  } catch (const std::exception &error) {
    status = "failed";
    message = error.what();
  }
  int &count = status == "same"      ? progress.same
               : status == "close"   ? progress.close
               : status == "order"   ? progress.reordered
               : status == "differs" ? progress.differ
                                     : progress.failed;
  ++count;
  bool bad = status == "differs" || status == "failed";
  if (!settings.quiet || bad) {
    std::printf("%-*s  %-7s  %9lld  %10.3g  %8.3g", static_cast<int>(width),
                folder.filename().string().c_str(), status.c_str(), static_cast<long long>(different),
                largest, ulps);
    if (median > 0)
      std::printf("  %9.4f ms  %8.1f GB/s", median, size / (median * 1e-3));
    if (messages)
      std::printf("  %u messages", messages);
    std::printf("\n");
    if (!message.empty())
      std::printf("  %s\n", message.c_str());
  }
  std::fflush(stdout);
  if (status == "failed")
    device.synchronize(); // throws when the device has been lost to a fault of the kernel
}

void repeatAll(const std::vector<fs::path> &folders, const Settings &settings, Progress &progress,
               size_t width) {
  std::shared_ptr<CudaDevice> device = openCudaDevice();
  if (progress.next == 0)
    std::printf("%s\n", device->profile().name.c_str());
  while (progress.next < folders.size()) {
    size_t now = progress.next;
    try {
      repeat(*device, folders[now], settings, progress, width);
    } catch (const std::exception &) {
      ++progress.next;
      throw;
    }
    ++progress.next;
  }
}

/// A fault of a kernel ends what a process may do on the device, and a kernel may hang: a child does the
/// work, and another goes on after the launch where it ended.
void repeatInChildren(const std::vector<fs::path> &folders, const Settings &settings, Progress &progress,
                      size_t width) {
  int childrenWithoutProgress = 0;
  while (progress.next < folders.size()) {
    size_t begin = progress.next;
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      try {
        repeatAll(folders, settings, progress, width);
      } catch (const std::exception &error) {
        std::printf("  %s\n", error.what());
        std::fflush(stdout);
        _exit(3);
      }
      _exit(0);
    }
    size_t seen = begin;
    int waited = 0, status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      usleep(20000);
      waited = progress.next == seen ? waited + 1 : 0;
      seen = progress.next;
      if (waited < settings.seconds * 50)
        continue;
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      continue;
    if (WIFSIGNALED(status)) {
      std::printf("%s  failed: ended by signal %d%s\n", folders[progress.next].filename().c_str(),
                  WTERMSIG(status), WTERMSIG(status) == SIGKILL ? " (it took too long)" : "");
      ++progress.failed;
      ++progress.next;
    } else if (progress.next == begin && ++childrenWithoutProgress == 1) {
      throw std::runtime_error("The device cannot be used.");
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{
      "Repeats saved launches of the msl engine on an NVIDIA GPU and compares with the memory that was "
      "saved. make_ptx.py compiles their texts first."};
  std::vector<std::string> roots;
  Settings settings;
  bool inProcess = false;
  app.add_option("folder", roots, "saved launches, or folders that hold some")->required();
  app.add_option("--repeat", settings.repeat, "timed runs of each launch after the one that is compared");
  app.add_option("--rtol", settings.tolerance.relative, "relative tolerance of floats");
  app.add_option("--atol", settings.tolerance.absolute, "absolute tolerance of floats");
  app.add_option("--timeout", settings.seconds, "seconds that a launch may take");
  app.add_flag("--quiet", settings.quiet, "print only launches that differ or fail, and the summary");
  app.add_flag("--in-process", inProcess,
               "end at the first fault of a kernel; for tools that watch one process");
  CLI11_PARSE(app, argc, argv);

  std::vector<fs::path> folders;
  size_t width = 6;
  for (const std::string &root : roots) {
    std::vector<fs::path> found = findLaunches(root);
    if (found.empty()) {
      std::fprintf(stderr, "triton-metal-cuda: %s: There is no saved launch.\n", root.c_str());
      return 2;
    }
    folders.insert(folders.end(), found.begin(), found.end());
  }
  for (const fs::path &folder : folders)
    width = std::max(width, folder.filename().string().size());
  void *shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return 2;
  Progress &progress = *new (shared) Progress{};
  if (!settings.quiet)
    std::printf("%-*s  %-7s  %9s  %10s  %8s\n", static_cast<int>(width), "launch", "result", "different",
                "largest", "ulps");
  try {
    if (inProcess)
      repeatAll(folders, settings, progress, width);
    else
      repeatInChildren(folders, settings, progress, width);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "triton-metal-cuda: %s\n", error.what());
    return 2;
  }
  std::printf(
      "%zu launches: %d the same bits, %d within tolerance, %d in another order, %d differ, %d failed\n",
      folders.size(), progress.same, progress.close, progress.reordered, progress.differ, progress.failed);
  return progress.differ || progress.failed ? 1 : 0;
}

// SPDX-License-Identifier: MIT
// Repeats saved launches of the msl engine on an NVIDIA GPU and compares the results with the saved memory.
// make_ptx.py must have put a kernel.ptx beside each launch.json.
#include "SavedKernel.h"
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

/// Shared between the parent process and the child that uses the device.
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

/// The size of all storages, each counted once: the least that a kernel moves if it reads its inputs and
/// writes its outputs completely.
double gigabytes(const SavedLaunch &launch) {
  double total = 0;
  for (const SavedStorage &storage : launch.storages)
    total += static_cast<double>(storage.before.size());
  return total * 1e-9;
}

/// Whether the results are the same elements in another order, as with programs that
/// reserve their places atomically.
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

void repeat(const std::shared_ptr<CudaDevice> &device, const fs::path &folder, const Settings &settings,
            Progress &progress, size_t width) {
  std::string status = "same", message;
  int64_t different = 0;
  double largest = 0, ulps = 0, median = 0, size = 0;
  uint32_t messages = 0;
  try {
    SavedLaunch launch = loadLaunch(folder);
    SavedKernel kernel(device, launch, readText(folder / "kernel.ptx"), settings.records);
    kernel.run();
    messages = kernel.messages();
    for (size_t i = 0; i < launch.storages.size(); ++i) {
      // Memory that the kernel only reads must not have changed either.
      const SavedStorage &storage = launch.storages[i];
      const std::vector<uint8_t> &result = kernel.bytes(i);
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
    std::shared_ptr<Queue> queue = device->newQueue(); // waits when destroyed, before memory is freed
    for (int i = 0; i < settings.repeat; ++i) {
      auto [before, launched] = kernel.launchIn(*queue);
      times.push_back(device->milliseconds(before, launched));
    }
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
    device->synchronize(); // throws if a fault of the kernel has lost the device
}

void repeatAll(const std::vector<fs::path> &folders, const Settings &settings, Progress &progress,
               size_t width) {
  std::shared_ptr<CudaDevice> device = openCudaDevice();
  if (progress.next == 0)
    std::printf("%s\n", device->profile().name.c_str());
  while (progress.next < folders.size()) {
    size_t now = progress.next;
    try {
      repeat(device, folders[now], settings, progress, width);
    } catch (const std::exception &) {
      ++progress.next;
      throw;
    }
    ++progress.next;
  }
}

/// After a fault of a kernel a process cannot use the device any more, and a kernel may hang. So a child
/// process does the work, and another one continues after the launch where it ended.
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

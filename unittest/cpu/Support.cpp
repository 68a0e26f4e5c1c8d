// SPDX-License-Identifier: MIT
#include "Support.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace fs = std::filesystem;

namespace tmetal_test {

std::string textOf(int simdgroups) {
  return R"(#include <triton_metal.h>
kernel void number(device int *out [[buffer(0)]], TM_POSITION) {
  TM_BEGIN()" +
         std::to_string(simdgroups) + R"(, 0)
  TM_REGION { out[tm_sg * 32 + tm_lane] = int(tm_sg * 32 + tm_lane) + 1; }
  TM_END
}
TM_ENTRY(number)
)";
}

std::string freshText() {
  static std::atomic<int> count{0};
  auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  return "// " + std::to_string(getpid()) + " " + std::to_string(now) + " " + std::to_string(count++) + R"(
#include <triton_metal.h>
kernel void add_one(device int *out [[buffer(0)]], TM_POSITION) {
  TM_BEGIN(4, 0)
  TM_REGION {
    const int i = int(tm_pid.x) * 128 + int(tm_sg * 32 + tm_lane);
    out[i] = out[i] + 1;
  }
  TM_END
}
TM_ENTRY(add_one)
)";
}

bool addsOne(const tmetal::CpuProgram &program) {
  std::vector<int> out(3 * 128 + 1, 41);
  void *buffers[] = {out.data()};
  program.launch({3, 1, 1}, buffers);
  return std::count(out.begin(), out.end(), 42) == 3 * 128 && out.back() == 41;
}

fs::path cacheFolder() { return std::getenv("TRITON_METAL_CACHE_DIR"); }

std::vector<fs::path> cached(const std::string &suffix) {
  std::vector<fs::path> result;
  for (const auto &entry : fs::directory_iterator(cacheFolder()))
    if (entry.path().extension() == suffix)
      result.push_back(entry.path());
  return result;
}

void replace(const fs::path &path, const std::string &content) {
  fs::path other = path.string() + ".other";
  std::ofstream(other, std::ios::binary) << content;
  fs::rename(other, path);
}

std::string runChild(const std::string &test, const std::map<std::string, std::string> &environment) {
  std::string command = "exec env";
  for (const auto &[name, value] : environment)
    command += " " + name + "='" + value + "'";
  command += " '" + fs::read_symlink("/proc/self/exe").string() +
             "' --gtest_also_run_disabled_tests --gtest_filter='" + test + "' 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  std::string output;
  for (int c; (c = fgetc(pipe)) != EOF;)
    output += char(c);
  int status = pclose(pipe);
  return output + "exit " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 128) + "\n";
}

namespace {
/// Uses a cache in the build tree, set before the device looks for one, so that the headers are
/// compiled only once.
const bool folderIsSet = [] {
  setenv("TRITON_METAL_CACHE_DIR", UNIT_CPU_CACHE, /*overwrite=*/0);
  return true;
}();
} // namespace

} // namespace tmetal_test

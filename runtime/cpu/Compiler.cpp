// SPDX-License-Identifier: MIT
#include "Compiler.h"

#include <dlfcn.h>
#include <fcntl.h>
#ifdef __linux__
#include <link.h>
#endif
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

extern char **environ; // NOLINT(readability-redundant-declaration): no header of macOS declares it

namespace tmetal {

namespace fs = std::filesystem;

namespace {

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

std::string readFile(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

/// 128 bits of FNV-1a in two lanes, as hexadecimal digits: names, not secrets.
std::string digestOf(const std::string &content) {
  uint64_t a = 0xcbf29ce484222325u, b = 0x9e3779b97f4a7c15u;
  for (unsigned char c : content) {
    a = (a ^ c) * 0x100000001b3u;
    b = (b ^ c) * 0x100000001b3u;
    b ^= b >> 29;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return text;
}

struct Outcome {
  int status;
  std::string output;
};

/// Runs a program without a shell and returns what it prints.
Outcome run(const std::vector<std::string> &command) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 2);
  std::vector<char *> arguments;
  for (const std::string &word : command)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child;
  int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[1]);
  Outcome outcome{127, {}};
  if (failed != 0) {
    close(pipes[0]);
    return outcome;
  }
  char buffer[4096];
  for (ssize_t count; (count = read(pipes[0], buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR);)
    if (count > 0)
      outcome.output.append(buffer, size_t(count));
  close(pipes[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

/// Held while one process makes a file that other processes want too.
class FileLock {
public:
  explicit FileLock(const fs::path &path) : handle(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    while (handle >= 0 && flock(handle, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() {
    if (handle >= 0)
      close(handle);
  }

private:
  int handle;
};

/// Whether an object is complete. A loader would only notice when it touches the missing part.
bool isWhole(const fs::path &object) {
  std::error_code error;
  uintmax_t bytes = fs::file_size(object, error);
  if (error)
    return false;
#ifdef __linux__
  ElfW(Ehdr) header;
  std::ifstream stream(object, std::ios::binary);
  if (!stream.read(reinterpret_cast<char *>(&header), sizeof header))
    return false;
  // The section table is the last part of the file.
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         bytes >= header.e_shoff + uintmax_t(header.e_shnum) * header.e_shentsize;
#else
  return bytes > 0;
#endif
}

/// A suffix that no other thread or process uses.
std::string ownSuffix() {
  static std::atomic<int> count{0};
  return "." + std::to_string(getpid()) + "." + std::to_string(count++);
}

/// The folder of the library that contains this code.
fs::path ownFolder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void *>(&ownFolder), &info) && info.dli_fname) {
    std::error_code ignored;
    fs::path path = fs::canonical(info.dli_fname, ignored);
    return ignored ? fs::path(info.dli_fname).parent_path() : path.parent_path();
  }
  return {};
}

} // namespace

Compiler &Compiler::instance() {
  static Compiler *compiler = new Compiler;
  return *compiler;
}

void Compiler::find() {
  std::call_once(searched, [this] {
    std::vector<std::string> candidates{"clang++-22", "clang++", "clang++-21", "clang++-20", "clang++-19"};
    if (std::string chosen = variable("TRITON_METAL_CLANG"); !chosen.empty())
      candidates = {chosen};
    tried = candidates.front() + (candidates.size() > 1 ? " and others" : "");
    for (const std::string &candidate : candidates) {
      Outcome outcome = run({candidate, "--version"});
      if (outcome.status == 0) {
        clang = candidate;
        version = outcome.output;
        return;
      }
    }
  });
}

bool Compiler::isFound() {
  find();
  return !clang.empty();
}

void Compiler::prepare() {
  std::call_once(prepared, [this] {
    if (!isFound())
      throw std::runtime_error("[clang] No clang was found (tried " + tried +
                               "): install clang, or set TRITON_METAL_CLANG to one.");
    std::vector<fs::path> places;
    if (std::string chosen = variable("TRITON_METAL_HEADERS"); !chosen.empty())
      places.push_back(chosen);
    places.push_back(ownFolder() / "msl");
#ifdef TRITON_METAL_SOURCE_DIR
    places.push_back(fs::path(TRITON_METAL_SOURCE_DIR));
#endif
    for (const fs::path &place : places)
      if (fs::exists(place / "kernels" / "triton_metal.h")) {
        headers = (place / "kernels").string();
        shim = (fs::exists(place / "shim") ? place / "shim" : place / "runtime" / "shim").string();
        break;
      }
    if (headers.empty())
      throw std::runtime_error(
          "[headers] The headers of the CPU device were not found; set TRITON_METAL_HEADERS to the "
          "folder that holds kernels/ and shim/.");
    baseFlags = {"-x",
                 "c++",
                 "-std=c++20",
                 "-O3",
                 "-march=native",
                 "-fPIC",
                 "-fno-exceptions",
                 "-fno-rtti",
                 "-gen-reproducer=off", // no files that a crash would leave for developers of clang
                 "-DTM_HAS_DOUBLE",
                 "-DTM_HAS_ATOMIC64",
                 "-DTM_MSL_32",
                 "-I" + headers,
                 "-I" + shim};
#ifdef __x86_64__
    baseFlags.push_back("-mno-avx512bf16"); // its conversions treat subnormal numbers as zero
#endif
    std::istringstream words(readFile(fs::path(shim) / "compile_flags.txt"));
    for (std::string word; std::getline(words, word);)
      if (!word.empty() && word[0] == '-')
        baseFlags.push_back(word);
    std::string chosen = variable("TRITON_METAL_CACHE_DIR");
    if (chosen.empty())
      chosen = variable("XDG_CACHE_HOME").empty() ? variable("HOME") + "/.cache/triton-metal"
                                                  : variable("XDG_CACHE_HOME") + "/triton-metal";
    folder = chosen;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || access(folder.c_str(), W_OK) != 0)
      throw std::runtime_error("[cache] Compiled kernels cannot be kept in '" + folder +
                               "': set TRITON_METAL_CACHE_DIR to a folder that can be written.");
    // Everything besides the text that affects the result.
    std::vector<fs::path> files;
    for (const std::string &root : {headers, shim})
      for (const auto &entry : fs::recursive_directory_iterator(root))
        if (entry.is_regular_file())
          files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::string all = version;
    for (const fs::path &file : files) {
      all += file.filename().string() + "\n" + readFile(file);
      headerTimes += std::to_string(fs::last_write_time(file).time_since_epoch().count()) + "\n";
    }
    for (const std::string &flag : baseFlags)
      all += flag + "\n";
    std::istringstream processor(readFile("/proc/cpuinfo"));
    int wanted = 2;
    for (std::string line; wanted > 0 && std::getline(processor, line);)
      if (line.rfind("model name", 0) == 0 || line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) {
        all += line;
        --wanted;
      }
    environment = digestOf(all);
  });
}

std::string Compiler::keyOf(const std::string &text, const std::vector<std::string> &flags) {
  prepare();
  std::string all = environment + "\n";
  for (const std::string &flag : flags)
    all += flag + "\n";
  return digestOf(all + text);
}

/// All headers, compiled once for each set of flags. clang accepts it only for exactly the same files, which
/// it recognizes by their times.
std::string Compiler::precompiledHeader(const std::vector<std::string> &flags) {
  std::string all = environment + headerTimes;
  for (const std::string &flag : flags)
    all += flag + "\n";
  fs::path path = fs::path(folder) / ("headers-" + digestOf(all) + ".pch");
  std::lock_guard<std::mutex> lock(headerMutex);
  std::error_code ignored;
  fs::create_directories(folder, ignored); // the cache may have been cleared
  if (fs::exists(path))
    return path.string();
  FileLock fileLock(path.string() + ".lock");
  if (fs::exists(path))
    return path.string();
  fs::path made = path.string() + ownSuffix();
  std::vector<std::string> command{clang};
  command.insert(command.end(), baseFlags.begin(), baseFlags.end());
  command.insert(command.end(), flags.begin(), flags.end());
  auto language = std::find(command.begin(), command.end(), "c++");
  *language = "c++-header";
  for (const char *word : {"-fpch-instantiate-templates", "-o"})
    command.push_back(word);
  command.push_back(made.string());
  command.push_back(headers + "/triton_metal.h");
  ++compilerCalls;
  Outcome outcome = run(command);
  if (outcome.status != 0)
    throw std::runtime_error("The headers of the CPU device do not compile:\n" + outcome.output);
  fs::rename(made, path);
  return path.string();
}

std::string Compiler::compile(const std::string &key, const std::string &text,
                              const std::vector<std::string> &flags, bool again) {
  prepare();
  fs::path object = fs::path(folder) / (key + ".so");
  std::error_code error; // of calls that may fail
  if (!again && isWhole(object)) {
    ++diskHits;
    return object.string();
  }
  precompiledHeader(flags); // before locking the object, which others may wait for
  FileLock lock(object.string() + ".lock");
  if (!again && isWhole(object)) {
    ++diskHits;
    return object.string();
  }
  fs::path source = fs::path(folder) / (key + ".metal");
  std::string suffix = ownSuffix();
  fs::path madeSource = source.string() + suffix, made = object.string() + suffix;
  {
    std::ofstream stream(madeSource, std::ios::binary);
    stream << text;
    if (!stream.flush())
      throw std::runtime_error("[cache] '" + folder + "' cannot be written.");
  }
  fs::rename(madeSource, source);
  // An exit status other than 1 means that the compiler has crashed. The cause may be a precompiled header
  // that is damaged or being replaced by another process, so it is made again. If that does not help, loops
  // over lanes are not vectorized: most such crashes are in the vectorizer, for processors that the
  // compiler is rarely used for.
  enum { AsItIs, NewHeader, NoVectors } attempt = AsItIs;
  while (true) {
    std::string header = precompiledHeader(flags);
    std::vector<std::string> command{clang};
    command.insert(command.end(), baseFlags.begin(), baseFlags.end());
    command.insert(command.end(), flags.begin(), flags.end());
    if (attempt == NoVectors)
      for (const char *word : {"-fno-slp-vectorize", "-mllvm", "-force-vector-width=1"})
        command.push_back(word);
    for (const std::string &word :
         {std::string("-include-pch"), header, std::string("-shared"), std::string("-fuse-ld=lld"),
          std::string("-Wl,--build-id=none"), std::string("-o"), made.string(), source.string()})
      command.push_back(word);
    ++compilerCalls;
    Outcome outcome = run(command);
    if (outcome.status == 0)
      break;
    bool crashed = outcome.status != 1;
    bool ofHeader = outcome.output.find("precompiled") != std::string::npos ||
                    outcome.output.find("PCH") != std::string::npos;
    if (attempt == AsItIs && (crashed || ofHeader)) {
      attempt = NewHeader;
      fs::remove(header, error);
    } else if (attempt == NewHeader && crashed) {
      attempt = NoVectors;
      std::fprintf(
          stderr,
          "triton-metal: %s failed internally at the text of a kernel, which is compiled without vector "
          "instructions now and will be slower: %s\n",
          clang.c_str(), source.c_str());
    } else {
      throw std::runtime_error(outcome.output);
    }
  }
  fs::rename(made, object);
  fs::remove(object.string() + ".lock", error);
  return object.string();
}

std::string Compiler::description() {
  prepare();
  return clang + ": " + version.substr(0, version.find('\n'));
}

CpuStatistics Compiler::statistics() const {
  CpuStatistics result;
  result.compilerCalls = compilerCalls;
  result.diskHits = diskHits;
  return result;
}

} // namespace tmetal

// SPDX-License-Identifier: MIT
// Changes texts of IR at random and sends them through the parser, the verifiers, all passes, both lowerings,
// the printer of Metal text and the reader of bundles. Whatever the text, the answer has to be a result or a
// diagnostic; a crash, a hang or a finding of a sanitizer fails.
//
// Mutants run in child processes, each with some dozens of them. When one ends early, the mutant at which it
// stood is written to a file, reduced if asked for, and another child goes on behind it.
#include "Lowering.h"
#include "Mutate.h"
#include "triton-metal/Analysis/AnalyzeKernel.h"
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Compilation.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/InitAll.h"
#include "triton-metal/Kernel.h"
#include "triton-metal/KernelBundle.h"
#include "triton-metal/Target/PrintMSL.h"
#include "triton-metal/Target/TranslateToGraph.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/Signals.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;
using namespace tmetal;
namespace fs = std::filesystem;

namespace {

struct Options {
  uint64_t seed = 1, first = 0, count = 2000, crashAt = UINT64_MAX;
  unsigned limit = 20; // seconds for one mutant
  double seconds = 1e9;
  bool reduce = false, printed = false, verbose = false;
  fs::path out = "fuzz-ir-failures";
  std::vector<fs::path> inputs, replayed;
};

/// What children tell their parent.
struct Shared {
  volatile uint64_t current; // the mutant that runs, or the next one
  volatile bool parsing;
  bool mayBreakHeap; // by the fault of MLIR that usesBeforeDefinition describes
  uint64_t parsed, changed, lowered, raised, bundles;
};
Shared *shared = nullptr;

const std::vector<std::string> passes = {"canonicalize",
                                         "cse",
                                         "tt-lift-control-flow",
                                         "tt-inline-calls",
                                         "tt-count-unsigned-loops",
                                         "tt-lower-descriptors",
                                         "tt-check-kernel",
                                         "tt-shared-pipeline",
                                         "tt-fuse-multiply-add",
                                         "tt-simplify-induction",
                                         "tt-distribute",
                                         "tt-distribute{simdgroups=1}",
                                         "tt-distribute{alias-groups=0,0}",
                                         "tt-distribute{operand-bytes=512}",
                                         "tt-print-layout-plan",
                                         "tm-specialize-full-tiles",
                                         "tm-allocate-threadgroup-memory",
                                         "tm-place-barriers",
                                         "raise-to-mlx{grid=4 args=ptr:4096,ptr:4096,int:100}",
                                         "raise-to-mlx{grid=2,3,1 args=ptr:65536,same:0:4,dynamic gpu=true}"};

/// Runs `work`; an Error is an answer as good as any.
template <typename Work> bool succeeds(Work work) {
  try {
    work();
    return true;
  } catch (const Error &) {
    return false;
  }
}

bool runPasses(ModuleOp module, const std::string &pipeline) {
  PassManager manager(module.getContext());
  std::string text;
  llvm::raw_string_ostream errors(text);
  return succeeded(parsePassPipeline(pipeline, manager, errors)) && succeeded(manager.run(module));
}

MslOptions someOptions(std::mt19937_64 &random) {
  static const char *const archs[] = {"host", "m1", "m3", "m5"};
  MslOptions options;
  options.simdgroups = 1 << random() % 4;
  options.arch = archs[random() % 4];
  options.fpFusion = random() % 2;
  if (random() % 4 == 0)
    succeeds([&] { setCheckModes(options, random() % 2 ? "address,undefined" : "thread"); });
  return options;
}

LaunchSignature someLaunch(tt::FuncOp kernel, std::mt19937_64 &random) {
  static const int64_t sizes[] = {0, 4, 64, 100, 4096, 65536, 1 << 20};
  static const int64_t values[] = {0, 1, -1, 7, 64, 1000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  LaunchSignature launch;
  for (int64_t &extent : launch.grid)
    extent = 1 + (random() % 2 ? 0 : random() % 5);
  for (Type type : kernel.getArgumentTypes()) {
    ArgumentSpec spec;
    if (isa<tt::PointerType>(type)) {
      spec.kind = ArgumentSpec::Kind::Pointer;
      if (!launch.storages.empty() && random() % 5 == 0) {
        spec.storage = random() % launch.storages.size();
        spec.byteOffset = random() % 3 * 8;
      } else {
        spec.storage = launch.storages.size();
        launch.storages.push_back({sizes[random() % std::size(sizes)]});
      }
    } else if (isa<IntegerType>(type)) {
      spec.kind = ArgumentSpec::Kind::Integer;
      spec.value = values[random() % std::size(values)];
    }
    launch.arguments.push_back(spec);
  }
  return launch;
}

void tryKernel(ModuleOp module, std::mt19937_64 &random) {
  MLIRContext &context = *module.getContext();
  if (!runPasses(module, "tt-shared-pipeline"))
    return;
  bool analyzed = succeeds([&] {
    analyzeKernel(module);
    accessText(describeAccesses(module));
  });
  if (!analyzed)
    return;
  MslOptions options = someOptions(random);
  shared->lowered += succeeds([&] { metalCode(module, options); });
  succeeds([&] {
    bool hasDouble = random() % 2;
    checkRaisable(module, hasDouble);
    LaunchSignature launch = someLaunch(kernelIn(module), random);
    RaisingOptions raising;
    raising.onGpu = !hasDouble;
    raising.memoryBudget = random() % 4 ? int64_t(1) << 24 : 4096;
    withDiagnostics(context, [&] {
      for (RaisedGraph &graph : raiseLaunch(module, launch, raising))
        translateToGraph(*graph.module);
    });
    ++shared->raised;
  });
}

/// MLIR 22 frees the values of a region in which it finds an error, even if an operation before the region
/// uses one of them. Its parser may crash after that, or destroy the heap.
bool usesBeforeDefinition(const std::string &text) {
  std::set<std::string_view> defined;
  std::vector<fuzz::Token> tokens = fuzz::tokenize(text);
  bool defines = false; // in the list of results that begins a line
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const fuzz::Token &token = tokens[i], &next = tokens[i + 1];
    if (token.before.find('\n') != std::string_view::npos)
      defines = token.kind == fuzz::Token::Name;
    defines &= token.text != "=";
    if (token.text == "tt.func" || token.text == "func.func" || token.text == "tm.kernel")
      defined.clear();
    if (token.kind != fuzz::Token::Name || token.text[0] != '%')
      continue;
    if (defines || next.text == "=" || (next.text == ":" && next.before.empty()))
      defined.insert(token.text);
    else if (!defined.count(token.text))
      return true;
  }
  return false;
}

/// As when the user replaces the text of a stage.
void tryCompiledKernel(const std::string &text, std::mt19937_64 &random) {
  succeeds([&] {
    CompiledKernel kernel(text);
    MslOptions options = someOptions(random);
    succeeds([&] { kernel.toMsl(options); });
    succeeds([&] { kernel.accesses(); });
    succeeds([&] { kernel.checkRaisable(true); });
  });
}

/// Returns whether the context may still be used.
bool tryIR(MLIRContext &context, const std::string &text, std::mt19937_64 &random) {
  // Like the parser's own messages, those of passes must be printable.
  DiagnosticCollector diagnostics(context);
  OwningOpRef<ModuleOp> module;
  shared->mayBreakHeap = usesBeforeDefinition(text);
  shared->parsing = true;
  bool parses = succeeds([&] {
    try {
      module = parseModule(context, text, "<mutant>");
    } catch (const Error &error) {
      // A block that is there twice ends a region in which values of others may have been used.
      shared->mayBreakHeap |=
          std::string_view(error.what()).find("redefinition of block") != std::string_view::npos;
      throw;
    }
  });
  if (!parses && shared->mayBreakHeap)
    return false; // still counts as parsing: the heap may turn out to be broken at any time from now on
  shared->parsing = false;
  if (!parses)
    return true;
  ++shared->parsed;
  printedModule(*module);
  for (int i = 0; i < 2; ++i) {
    OwningOpRef<ModuleOp> clone(module->clone());
    std::string pipeline = passes[random() % passes.size()];
    for (int more = random() % 3; more > 0; --more)
      pipeline += "," + passes[random() % passes.size()];
    if (runPasses(*clone, pipeline)) {
      ++shared->changed;
      printedModule(*clone);
    }
  }
  if (!module->getOps<tmetal::tm::KernelOp>().empty()) {
    MslOptions options = someOptions(random);
    succeeds([&] { metalText(*module, options); });
  }
  if (!module->getOps<func::FuncOp>().empty())
    succeeds([&] { translateToGraph(*module); });
  succeeds([&] { targetOf(*module); });
  if (!module->getOps<tt::FuncOp>().empty()) {
    if (random() % 4 == 0)
      tryCompiledKernel(text, random);
    tryKernel(*module, random);
  }
  return true;
}

void tryBundle(const std::string &text, std::mt19937_64 &random) {
  succeeds([&] {
    KernelBundle bundle = readBundle(text);
    ++shared->bundles;
    readBundle(writeBundle(bundle));
    tryCompiledKernel(text, random);
  });
}

/// MLIR 22 does not survive an attribute array<T: ...> whose T is neither an integer nor a float.
bool hasFaultOfMlir(const std::string &text) {
  for (size_t at = 0; (at = text.find("array<", at)) != std::string::npos;) {
    at += 6;
    if (!std::isdigit(text[std::min(at + 1, text.size() - 1)]) && text.compare(at, 4, "bf16") != 0)
      return true;
  }
  return false;
}

/// Returns whether the context may still be used.
bool tryText(MLIRContext &context, const std::string &text, uint64_t seed) {
  std::mt19937_64 random(seed);
  if (hasFaultOfMlir(text))
    return true;
  if (!isBundle(text))
    return tryIR(context, text, random);
  tryBundle(text, random);
  return true;
}

// Child processes

constexpr bool hasSanitizer =
#if __has_feature(address_sanitizer)
    true;
#else
    false;
#endif

void prepareChild(unsigned limit, bool quiet) {
  if (quiet) {
    (void)!std::freopen("/dev/null", "w", stderr);
    (void)!std::freopen("/dev/null", "w", stdout);
  }
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM})
    if (!hasSanitizer)
      std::signal(signal, SIG_DFL);
  std::signal(SIGALRM, SIG_DFL);
  alarm(limit);
  rlimit none = {0, 0}, memory = {rlim_t(4) << 30, rlim_t(4) << 30};
  setrlimit(RLIMIT_CORE, &none);
  if (!hasSanitizer)
    setrlimit(RLIMIT_AS, &memory);
}

std::string nameOf(int status) {
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM ? "hangs"
                                       : std::string("ends by signal ") + strsignal(WTERMSIG(status));
  return "exits with " + std::to_string(WEXITSTATUS(status));
}

/// Runs `work` in a child and returns its wait status.
template <typename Work> int inChild(Work work) {
  std::cout.flush();
  pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool fails(MLIRContext &context, const std::string &text, uint64_t seed, unsigned limit) {
  return inChild([&] {
           prepareChild(limit, true);
           tryText(context, text, seed);
         }) != 0;
}

/// Drops lines, then tokens, as long as the text still fails.
std::string reduced(MLIRContext &context, std::string text, uint64_t seed, unsigned limit) {
  auto dropParts = [&](auto split) {
    for (size_t size = split(text).size() / 2 + 1; size > 0; size /= 2)
      for (size_t at = 0; at < split(text).size();) {
        std::vector<std::string> parts = split(text);
        std::string candidate;
        for (size_t i = 0; i < parts.size(); ++i)
          if (i < at || i >= at + size)
            candidate += parts[i];
        if (candidate != text && fails(context, candidate, seed, limit))
          text = candidate;
        else
          at += size;
      }
  };
  dropParts([](const std::string &all) {
    std::vector<std::string> lines;
    std::istringstream stream(all);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(line + "\n");
    return lines;
  });
  dropParts([](const std::string &all) {
    std::vector<std::string> tokens;
    for (const fuzz::Token &token : fuzz::tokenize(all))
      tokens.push_back(std::string(token.before) + std::string(token.text));
    return tokens;
  });
  return text;
}

// Texts

/// The modules of a test file, without comments.
void readTexts(const fs::path &path, std::vector<std::string> &texts) {
  std::ifstream file(path);
  std::string line, text;
  auto finish = [&] {
    if (text.find_first_not_of(" \n") != std::string::npos)
      texts.push_back(text);
    text.clear();
  };
  while (std::getline(file, line)) {
    size_t begin = line.find_first_not_of(' ');
    if (line.rfind("// -----", 0) == 0 || line.rfind("//---", 0) == 0)
      finish();
    else if (begin == std::string::npos || line.compare(begin, 2, "//") != 0)
      text += line + "\n";
  }
  finish();
}

std::string graphText(ModuleOp module, std::mt19937_64 &random) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (RaisedGraph &graph : raiseLaunch(module, someLaunch(kernelIn(module), random)))
    graph.module->print(stream);
  return text;
}

/// Adds what becomes of a kernel: its form in `tm`, a graph in `mlx`, a bundle. Whether the text parses.
bool addDerived(MLIRContext &context, const std::string &text, std::vector<std::string> &all,
                size_t &bundles) {
  constexpr size_t longest = 12000; // longer ones take long and show little more
  DiagnosticCollector diagnostics(context);
  OwningOpRef<ModuleOp> module;
  if (!succeeds([&] { module = parseModule(context, text, "<text>"); }))
    return false;
  if (module->getOps<tt::FuncOp>().empty() || !runPasses(*module, "tt-shared-pipeline"))
    return true;
  auto add = [&](const std::string &derived) {
    if (derived.size() < longest)
      all.push_back(derived);
  };
  std::mt19937_64 random(text.size());
  succeeds([&] { add(printedModule(*lowered(*module, MslOptions()))); });
  succeeds([&] { add(graphText(*module, random)); });
  if (all.size() / 12 >= bundles)
    succeeds([&] {
      WrittenOptions written;
      written.engine = bundles % 4 == 3 ? "mlx" : "msl";
      Compilation compilation(requestFrom(written));
      add(compilation.bundle(compilation.msl(compilation.tm(compilation.tt(text, "<text>")))));
      ++bundles;
    });
  return true;
}

std::vector<std::string> collect(const Options &options) {
  std::vector<fs::path> files;
  for (const fs::path &input : options.inputs) {
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(input))
      if (entry.path().extension() == ".mlir" || entry.path().extension() == ".ttir")
        files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end()); // so that a number means the same mutant everywhere
  std::vector<std::string> texts;
  for (const fs::path &file : files)
    readTexts(file, texts);
  std::vector<std::string> kept;
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  size_t wrong = 0, bundles = 0;
  for (std::string &text : texts) {
    for (size_t at; (at = text.find("BLOCK")) != std::string::npos;) // of tests with a variable size
      text.replace(at, 5, "64");
    // Most texts of tests for diagnostics get no further than the parser.
    bool parses = addDerived(context, text, kept, bundles);
    if (parses || wrong++ % 8 == 0)
      kept.push_back(text);
  }
  return kept;
}

int replay(MLIRContext &context, const Options &options, const char *program) {
  int bad = 0;
  for (const fs::path &path : options.replayed) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    for (uint64_t variant = 0; variant < 20; ++variant) {
      int status = inChild([&] {
        prepareChild(options.limit, false);
        if (!hasSanitizer)
          llvm::sys::PrintStackTraceOnErrorSignal(program);
        std::signal(SIGALRM, [](int) { std::abort(); }); // shows where it hangs
        tryText(context, text.str(), options.seed + variant);
      });
      if (status) {
        std::cout << path.string() << " " << nameOf(status) << "\n";
        ++bad;
        break;
      }
    }
  }
  return bad ? 1 : 0;
}

Options parse(int argc, char **argv) {
  Options options;
  std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 0; i < words.size(); ++i) {
    auto value = [&] {
      if (i + 1 >= words.size()) {
        std::cerr << words[i] << " needs a value\n";
        std::exit(2);
      }
      return words[++i];
    };
    if (words[i] == "--seed")
      options.seed = std::stoull(value());
    else if (words[i] == "--first")
      options.first = std::stoull(value());
    else if (words[i] == "--count")
      options.count = std::stoull(value());
    else if (words[i] == "--crash-at")
      options.crashAt = std::stoull(value());
    else if (words[i] == "--seconds")
      options.seconds = std::stod(value());
    else if (words[i] == "--limit")
      options.limit = std::stoul(value());
    else if (words[i] == "--out")
      options.out = value();
    else if (words[i] == "--print")
      options.printed = true;
    else if (words[i] == "--verbose")
      options.verbose = true;
    else if (words[i] == "--reduce")
      options.reduce = true;
    else if (words[i] == "--replay")
      options.replayed.push_back(value());
    else
      options.inputs.push_back(words[i]);
  }
  return options;
}

} // namespace

int main(int argc, char **argv) {
  Options options = parse(argc, argv);
  registerAllPasses();
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  shared = static_cast<Shared *>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (!options.replayed.empty())
    return replay(context, options, argv[0]);

  std::vector<std::string> texts = collect(options);
  if (texts.empty()) {
    std::cerr << "fuzz-ir: no texts to change; give files or folders with .mlir files\n";
    return 2;
  }
  fuzz::Mutator mutator(texts);
  if (options.printed) {
    std::cout << mutator.mutant(options.seed, options.first);
    return 0;
  }
  auto started = std::chrono::steady_clock::now();
  auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  std::map<std::string, int> failures;
  int faultsOfMlir = 0;
  uint64_t at = options.first, end = options.first + options.count;
  while (at < end && seconds() < options.seconds) {
    uint64_t stop = std::min(at + (hasSanitizer ? 400 : 60), end); // forks are slow with shadow memory
    int status = inChild([&] {
      prepareChild(options.limit, !options.verbose);
      shared->parsing = false;
      if (options.verbose && !hasSanitizer)
        llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
      for (uint64_t i = at; i < stop; ++i) {
        shared->current = i;
        alarm(options.limit);
        if (i == options.crashAt)
          std::abort(); // to test this program
        if (!tryText(context, mutator.mutant(options.seed, i), options.seed + i)) {
          shared->current = i + 1;
          _exit(0);
        }
      }
      ++shared->current;
    });
    if (status == 0) {
      at = shared->current;
      continue;
    }
    uint64_t bad = shared->current, seed = options.seed + bad;
    std::string text = mutator.mutant(options.seed, bad);
    if (shared->parsing && shared->mayBreakHeap) {
      ++faultsOfMlir;
      at = bad + 1;
      continue;
    }
    // A leak or a broken heap may show later than it arises; such a mutant passes alone.
    bool alone = fails(context, text, seed, options.limit);
    if (options.reduce && alone)
      text = reduced(context, text, seed, options.limit);
    fs::create_directories(options.out);
    fs::path path = options.out / ("mutant_" + std::to_string(bad) + ".mlir");
    std::ofstream(path) << text;
    ++failures[nameOf(status)];
    std::cout << "mutant " << bad << " " << nameOf(status) << (alone ? "" : ", but not alone") << ": "
              << path.string() << " (replay with --seed " << seed << ")" << std::endl;
    at = bad + 1;
  }
  uint64_t tried = at - options.first;
  std::cout << tried << " mutants of " << texts.size() << " texts in " << seconds()
            << " s: " << shared->parsed << " parse, " << shared->changed
            << " pass a random sequence of passes, " << shared->lowered << " become Metal text, "
            << shared->raised << " are raised, " << shared->bundles << " are read as bundles\n";
  if (faultsOfMlir)
    std::cout << faultsOfMlir << " crashed in MLIR's parser, which frees values that are still used\n";
  for (auto &[name, number] : failures)
    std::cout << number << " " << name << "\n";
  return failures.empty() ? 0 : 1;
}

// SPDX-License-Identifier: MIT
// The compiler of texts and its caches: what is compiled, how often, and what happens with damaged files.
#include "Support.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

using namespace tmetal;
using namespace tmetal_test;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<CpuProgram> compile(const std::string &text, const CpuProgramOptions &options = {}) {
  return compileCpuProgram(text, 4, 0, 0, options);
}

std::string contentOf(const fs::path &path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

class CompilerTest : public ::testing::Test {
protected:
  void SetUp() override {
    compile(textOf(4)); // makes sure that the headers are compiled
    before = cpuStatistics();
  }
  void expectCounts(int compilerCalls, int diskHits, int memoryHits) {
    CpuStatistics now = cpuStatistics();
    EXPECT_EQ(now.compilerCalls - before.compilerCalls, compilerCalls);
    EXPECT_EQ(now.diskHits - before.diskHits, diskHits);
    EXPECT_EQ(now.memoryHits - before.memoryHits, memoryHits);
  }
  /// Compiles `text` and returns its object file, which lies beside the source.
  fs::path objectOf(const std::string &text) {
    compile(text);
    for (fs::path path : cached(".metal"))
      if (contentOf(path) == text)
        return path.replace_extension(".so");
    ADD_FAILURE() << "no object";
    return {};
  }
  CpuStatistics before;
};

std::string errorOf(const std::string &text) {
  try {
    compile(text);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "";
}

} // namespace

TEST_F(CompilerTest, CachesInMemoryAndOnDisk) {
  std::string text = freshText();
  std::shared_ptr<CpuProgram> program = compile(text);
  expectCounts(1, 0, 0);
  EXPECT_EQ(compile(text), program);
  expectCounts(1, 0, 1);
  program.reset(); // frees the program in memory, but not the object on disk
  EXPECT_TRUE(addsOne(*compile(text)));
  expectCounts(1, 1, 1);
}

TEST_F(CompilerTest, FlagsMakeAnotherObject) {
  std::string text = freshText();
  CpuProgramOptions options;
  options.extraFlags = {"-DSOMETHING=1"};
  EXPECT_NE(compile(text), compile(text, options));
}

TEST_F(CompilerTest, ErrorsComeFromClang) {
  std::string text = freshText();
  text.replace(text.find("out[i] + 1"), 10, "out[i] + missing_name");
  for (int repeat = 0; repeat < 2; ++repeat) {
    std::string error = errorOf(text);
    EXPECT_NE(error.find("error: use of undeclared identifier 'missing_name'"), std::string::npos) << error;
    EXPECT_NE(error.find(":7:"), std::string::npos) << error; // the line in the text
  }
  expectCounts(2, 0, 0);
}

TEST_F(CompilerTest, TextsWithoutEntryAreRefused) {
  std::string text = freshText();
  text.replace(text.find("TM_ENTRY(add_one)"), 17, "");
  EXPECT_NE(errorOf(text).find("The compiled text has no 'tm_entry'"), std::string::npos);
}

TEST_F(CompilerTest, DamagedObjectsAreMadeAnew) {
  std::string garbage(10000, 'x');
  for (const char *damage : {"empty", "garbage", "half", "headless"}) {
    std::string text = freshText(), kind = damage;
    fs::path object = objectOf(text);
    ASSERT_FALSE(object.empty());
    std::string content = contentOf(object);
    before = cpuStatistics();
    replace(object, kind == "empty"     ? std::string()
                    : kind == "garbage" ? garbage
                    : kind == "half"    ? content.substr(0, content.size() / 2)
                                        : std::string(64, '\0') + content.substr(64));
    EXPECT_TRUE(addsOne(*compile(text))) << damage;
    EXPECT_EQ(cpuStatistics().compilerCalls - before.compilerCalls, 1) << damage;
    EXPECT_EQ(contentOf(object).size(), content.size()) << damage;
  }
}

TEST_F(CompilerTest, ThreadsCompileATextOnce) {
  std::string text = freshText();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { right += addsOne(*compile(text)); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(cpuStatistics().compilerCalls - before.compilerCalls, 1);
}

// Run by the tests below in child processes.
TEST(Child, DISABLED_Compile) {
  const char *name = std::getenv("UNIT_CPU_TEXT");
  std::string text = contentOf(name);
  try {
    std::cout << (addsOne(*compile(text)) ? "right" : "wrong") << "\n";
  } catch (const std::runtime_error &error) {
    std::cout << "error: " << error.what() << "\n";
  }
  std::cout << "calls " << cpuStatistics().compilerCalls << "\n";
}
TEST(Child, DISABLED_Cleared) {
  bool right = addsOne(*compile(freshText()));
  fs::remove_all(cacheFolder());
  right &= addsOne(*compile(freshText()));
  std::cout << (right ? "right" : "wrong") << "\n";
}
TEST(Child, DISABLED_Compiler) {
  std::cout << "found " << hasCpuCompiler() << "\nnamed '" << cpuCompiler() << "'\n";
}

namespace {
class ProcessTest : public CompilerTest {
protected:
  std::string child(const std::string &text, std::map<std::string, std::string> environment = {}) {
    static std::atomic<int> count{0};
    fs::path file =
        fs::temp_directory_path() / ("unit-cpu-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::ofstream(file) << text;
    environment["UNIT_CPU_TEXT"] = file.string();
    std::string output = runChild("Child.DISABLED_Compile", environment);
    fs::remove(file);
    return output;
  }
};
} // namespace

TEST_F(ProcessTest, ProcessesCompileATextOnce) {
  std::string text = freshText();
  constexpr int count = 4;
  std::string outputs[count];
  std::vector<std::thread> threads;
  for (std::string &output : outputs)
    threads.emplace_back([&] { output = child(text); });
  for (std::thread &thread : threads)
    thread.join();
  int calls = 0;
  for (const std::string &output : outputs) {
    EXPECT_NE(output.find("right"), std::string::npos) << output;
    calls += output.find("calls 1") != std::string::npos;
  }
  EXPECT_EQ(calls, 1);
  // The parent finds the objects that they compiled.
  EXPECT_TRUE(addsOne(*compile(text)));
  expectCounts(0, 1, 0);
}

TEST_F(ProcessTest, DamagedHeadersAreMadeAnew) {
  fs::path folder = fs::temp_directory_path() / ("unit-cpu-headers-" + std::to_string(getpid()));
  std::map<std::string, std::string> environment{{"TRITON_METAL_CACHE_DIR", folder.string()}};
  std::string first = child(freshText(), environment);
  EXPECT_NE(first.find("calls 2"), std::string::npos) << first; // one for the headers, one for the text
  int damaged = 0;
  for (const auto &entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".pch") {
      std::string content = contentOf(entry.path());
      replace(entry.path(), content.substr(0, content.size() / 2));
      ++damaged;
    }
  EXPECT_EQ(damaged, 1);
  std::string second = child(freshText(), environment), third = child(freshText(), environment);
  EXPECT_NE(second.find("right"), std::string::npos) << second;
  EXPECT_NE(third.find("calls 1"), std::string::npos) << third;
  fs::remove_all(folder);
}

TEST_F(ProcessTest, ACompilerThatFailsAtVectorsIsAskedForNone) {
  fs::path folder = fs::temp_directory_path() / ("unit-cpu-crash-" + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::path crashing = folder / "clang++";
  std::string real = cpuCompiler();
  std::ofstream(crashing) << "#!/bin/sh\n"
                             "case \"$*\" in *-force-vector-width=1*) ;; *-shared*) exit 70 ;; esac\n"
                             "exec "
                          << real.substr(0, real.find(':')) << " \"$@\"\n";
  fs::permissions(crashing, fs::perms::owner_all);
  std::map<std::string, std::string> environment{{"TRITON_METAL_CACHE_DIR", folder.string()},
                                                 {"TRITON_METAL_CLANG", crashing.string()}};
  std::string output = child(freshText(), environment);
  EXPECT_NE(output.find("right"), std::string::npos) << output;
  EXPECT_NE(output.find("calls 5"), std::string::npos) << output; // two for the headers, three for the text
  EXPECT_NE(output.find("failed internally"), std::string::npos) << output;

  // A compiler that always crashes: the error shows its message.
  std::ofstream(crashing) << "#!/bin/sh\n"
                             "case \"$*\" in *-shared*) echo it is broken; exit 70 ;; esac\n"
                             "exec "
                          << real.substr(0, real.find(':')) << " \"$@\"\n";
  output = child(freshText(), environment);
  EXPECT_NE(output.find("it is broken"), std::string::npos) << output;
  EXPECT_EQ(output.find("right"), std::string::npos) << output;
  fs::remove_all(folder);
}

TEST_F(ProcessTest, ACacheMayBeClearedMeanwhile) {
  fs::path folder = fs::temp_directory_path() / ("unit-cpu-cleared-" + std::to_string(getpid()));
  std::string output = runChild("Child.DISABLED_Cleared", {{"TRITON_METAL_CACHE_DIR", folder.string()}});
  EXPECT_NE(output.find("right"), std::string::npos) << output;
  fs::remove_all(folder);
}

TEST_F(ProcessTest, SaysWhereObjectsCannotBeKept) {
  std::string output = child(freshText(), {{"TRITON_METAL_CACHE_DIR", "/dev/null/cache"}});
  EXPECT_NE(output.find("Compiled kernels cannot be kept in '/dev/null/cache': set TRITON_METAL_CACHE_DIR"),
            std::string::npos)
      << output;
}

TEST_F(ProcessTest, SaysThatThereIsNoCompiler) {
  std::map<std::string, std::string> environment{{"TRITON_METAL_CLANG", "/nowhere/clang++"}};
  std::string output = runChild("Child.DISABLED_Compiler", environment);
  EXPECT_NE(output.find("found 0\nnamed ''"), std::string::npos) << output;
  output = child(freshText(), environment);
  EXPECT_NE(output.find("No clang was found (tried /nowhere/clang++)"), std::string::npos) << output;
}

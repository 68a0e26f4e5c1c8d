// SPDX-License-Identifier: MIT
// Helpers of the CPU device's tests: texts that are in no cache yet, and child processes.
#pragma once

#include "cpu/CpuProgram.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tmetal_test {

/// A text in which each program adds 1 to 128 elements, and which was never compiled before.
std::string freshText();
/// A text for `simdgroups` SIMD groups, in which each thread sets the element with its own index.
std::string textOf(int simdgroups);

std::filesystem::path cacheFolder();
/// The files of the cache that end in `suffix`.
std::vector<std::filesystem::path> cached(const std::string &suffix);
/// Replaces a file by a new one with other content, so that a mapped old one stays intact.
void replace(const std::filesystem::path &path, const std::string &content);

/// Runs a test of this program in a child process with other environment variables. Returns its output, with
/// the exit status at the end.
std::string runChild(const std::string &test, const std::map<std::string, std::string> &environment);

/// Whether a launch of `freshText()` computes the right result.
bool addsOne(const tmetal::CpuProgram &program);

} // namespace tmetal_test

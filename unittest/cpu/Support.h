// SPDX-License-Identifier: MIT
// What the tests of the CPU device share: texts that no cache has seen, and processes of their own.
#pragma once

#include "cpu/CpuDevice.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tmetal_test {

/// A text that adds 1 to each of 128 elements for each program, and that nothing has compiled before.
std::string freshText();
/// The text with another number of SIMD groups; each thread sets the element of its own number.
std::string textOf(int simdgroups);

std::filesystem::path cacheFolder();
/// Files of the cache that end in `suffix`.
std::vector<std::filesystem::path> cached(const std::string &suffix);
/// Other bytes under the same name, in a new file: what is in use stays.
void replace(const std::filesystem::path &path, const std::string &content);

/// A run of this program with other variables: what it prints, with its exit status at the end.
std::string runChild(const std::string &test, const std::map<std::string, std::string> &environment);

/// Whether a launch of `freshText()` does what it should.
bool addsOne(const tmetal::CpuProgram &program);

} // namespace tmetal_test

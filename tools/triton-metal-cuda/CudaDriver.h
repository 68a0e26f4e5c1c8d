// SPDX-License-Identifier: MIT
// The few functions of the CUDA driver that the runner needs, found at run time. Errors are
// std::runtime_error.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tmetal::cuda {

class Driver {
public:
  /// Takes the first GPU.
  Driver();
  const std::string &deviceName() const { return name; }
  /// The CUDA version of the driver, as in 13.0.
  static std::string version();

private:
  std::string name;
};

class Memory {
public:
  explicit Memory(size_t nbytes);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory(Memory &&other) noexcept : address(other.address), nbytes(other.nbytes) { other.address = 0; }
  void write(const void *data, size_t count);
  void read(void *data, size_t count) const;
  /// Fills it with a word. Does not wait.
  void fill(uint32_t word);
  void copyFrom(const Memory &source);
  size_t size() const { return nbytes; }
  uint64_t device() const { return address; }

private:
  uint64_t address = 0;
  size_t nbytes;
};

struct LaunchShape {
  std::array<int64_t, 3> grid;
  std::array<unsigned, 3> threads;
  unsigned sharedBytes = 0; // beside what the kernel declares
};

/// A kernel as PTX or machine code.
class Program {
public:
  struct Resources {
    int registers, stackBytes; // of a thread; the stack holds what does not fit in registers
    int sharedBytes;           // of a block, without what a launch adds
  };
  /// Without an entry's name, `image` is PTX with one kernel.
  explicit Program(const std::string &image, std::string entry = {});
  ~Program();
  Program(const Program &) = delete;
  /// A text of the msl engine takes its buffers, then a number that nobody reads.
  void launch(const std::array<int64_t, 3> &grid, unsigned threads,
              const std::vector<uint64_t> &buffers) const;
  void launch(const LaunchShape &shape, const std::vector<std::vector<uint8_t>> &parameters) const;
  Resources resources() const;
  /// How many threads of such a launch a multiprocessor holds at once.
  int residentThreads(const LaunchShape &shape) const;

private:
  void *module = nullptr, *function = nullptr;
};

void synchronize();

class Event {
public:
  Event();
  ~Event();
  Event(const Event &) = delete;
  void record();
  float millisecondsSince(const Event &start) const; // waits for this one

private:
  void *event = nullptr;
};

} // namespace tmetal::cuda

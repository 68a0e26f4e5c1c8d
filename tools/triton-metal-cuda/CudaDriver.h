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
  uint64_t device() const { return address; }

private:
  uint64_t address = 0;
  size_t nbytes;
};

/// PTX with one kernel.
class Program {
public:
  explicit Program(const std::string &ptx);
  ~Program();
  Program(const Program &) = delete;
  void launch(const std::array<int64_t, 3> &grid, unsigned threads,
              const std::vector<uint64_t> &buffers) const;

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

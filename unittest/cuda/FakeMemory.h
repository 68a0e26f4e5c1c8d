// SPDX-License-Identifier: MIT
// Memory of the fake device. The caller holds the device's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

namespace tmetal_test {

/// An access to what is no memory of the device.
struct Fault {};

class FakeMemory {
public:
  struct Block {
    explicit Block(size_t bytes) : bytes(bytes) {}
    std::vector<std::byte> bytes;
  };

  uint64_t allocate(size_t bytes) {
    uint64_t address = next;
    // What is far behind or in front of a block is none, and an address is never used again.
    next += (bytes + kGap) / kGap * kGap + kGap;
    blocks.emplace(address, std::make_shared<Block>(bytes));
    return address;
  }
  bool release(uint64_t address) { return blocks.erase(address) != 0; }
  size_t count() const { return blocks.size(); }

  bool holds(uint64_t address, size_t bytes) const {
    std::shared_ptr<Block> block;
    size_t offset;
    return find(address, block, offset) && offset + bytes <= block->bytes.size();
  }
  /// Where the host finds it, and what keeps it there.
  std::byte *at(uint64_t address, size_t bytes, std::shared_ptr<Block> *keep = nullptr) const {
    std::shared_ptr<Block> block;
    size_t offset;
    if (!find(address, block, offset) || offset + bytes > block->bytes.size())
      throw Fault{};
    if (keep)
      *keep = block;
    return block->bytes.data() + offset;
  }
  size_t bytesBehind(uint64_t address) const {
    std::shared_ptr<Block> block;
    size_t offset;
    return find(address, block, offset) ? block->bytes.size() - offset : 0;
  }

private:
  static constexpr uint64_t kGap = 1 << 20;

  bool find(uint64_t address, std::shared_ptr<Block> &block, size_t &offset) const {
    auto next = blocks.upper_bound(address);
    if (next == blocks.begin())
      return false;
    --next;
    block = next->second;
    offset = address - next->first;
    return offset <= block->bytes.size();
  }

  uint64_t next = uint64_t(0x7a0) << 36;
  std::map<uint64_t, std::shared_ptr<Block>> blocks;
};

} // namespace tmetal_test

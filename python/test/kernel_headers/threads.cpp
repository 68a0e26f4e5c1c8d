// SPDX-License-Identifier: MIT
// Operating-system threads for atomics.cpp.
#include <thread>
#include <vector>

extern "C" void run_threads(int count, void (*work)(void *, int), void *data) {
  std::vector<std::thread> pool;
  for (int t = 0; t < count; ++t)
    pool.emplace_back(work, data, t);
  for (std::thread &t : pool)
    t.join();
}

extern "C" void yield_thread() { std::this_thread::yield(); }

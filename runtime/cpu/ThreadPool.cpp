// SPDX-License-Identifier: MIT
#include "ThreadPool.h"
#include "Environment.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tmetal {

int threadCount() {
  static const auto count = static_cast<int>(integerVariable(
      "TRITON_METAL_NUM_THREADS", 1, 1024, std::max(1U, std::thread::hardware_concurrency())));
  return count;
}

namespace {

constexpr int64_t kStackMargin = 1 << 20;   // for calls below the kernel
constexpr int64_t kCallerStack = 256 << 10; // the stack that callers are expected to have
constexpr int64_t kWorkerStack = 16 << 20;  // reserved, not touched until used

struct Job {
  const std::function<void(int64_t, int64_t)> *work;
  int64_t count, chunk;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> finished{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error; // the first one
  std::mutex mutex;
  std::condition_variable done;

  /// Takes chunks until none are left. After an exception, the remaining ones are only counted.
  void run() {
    while (true) {
      int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count)
        return;
      int64_t end = std::min(begin + chunk, count);
      if (!failed.load(std::memory_order_relaxed)) {
        try {
          (*work)(begin, end);
        } catch (...) {
          std::lock_guard<std::mutex> lock(mutex);
          if (!failed.exchange(true))
            error = std::current_exception();
        }
      }
      if (finished.fetch_add(end - begin, std::memory_order_acq_rel) + (end - begin) == count) {
        std::lock_guard<std::mutex> lock(mutex);
        done.notify_all();
      }
    }
  }
  bool exhausted() const { return next.load(std::memory_order_relaxed) >= count; }
  bool complete() const { return finished.load(std::memory_order_acquire) == count; }
  /// When everything is done, passes the error to the caller.
  void rethrow() {
    if (failed)
      std::rethrow_exception(error);
  }
};

/// Exists as long as the process, because threads of a library that is unloaded at exit must not be waited
/// for. A forked process has only one thread, so it starts with a new pool.
class Pool {
public:
  static Pool &instance() {
    static const int registered =
        (current = new Pool, pthread_atfork(nullptr, nullptr, [] { current = new Pool; }));
    (void)registered;
    return *current;
  }

  void enqueue(const std::shared_ptr<Job> &job, int workers) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      while (started < threadCount() - 1) {
        startThread(kWorkerStack, [this] { serve(); });
        ++started;
      }
      jobs.push_back(job);
    }
    for (int i = 0; i < workers; ++i)
      wake.notify_one();
  }

  /// A thread with a stack of the given size.
  static pthread_t startThread(int64_t stackBytes, std::function<void()> body, bool detached = true) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t(stackBytes));
    if (detached)
      pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    auto *owned = new std::function<void()>(std::move(body));
    pthread_t thread;
    int status = pthread_create(
        &thread, &attributes,
        [](void *argument) -> void * {
          std::unique_ptr<std::function<void()>> call(static_cast<std::function<void()> *>(argument));
          (*call)();
          return nullptr;
        },
        owned);
    pthread_attr_destroy(&attributes);
    if (status != 0) {
      delete owned;
      throw std::runtime_error("No thread could be started with a stack of " + std::to_string(stackBytes) +
                               " bytes.");
    }
    return thread;
  }

private:
  static inline Pool *current = nullptr;

  void serve() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return !jobs.empty(); });
      std::shared_ptr<Job> job = jobs.front();
      if (job->exhausted()) {
        jobs.pop_front();
        continue;
      }
      lock.unlock();
      job->run();
      lock.lock();
      auto place = std::find(jobs.begin(), jobs.end(), job);
      if (place != jobs.end())
        jobs.erase(place);
    }
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> jobs;
  int started = 0;
};

} // namespace

void parallelFor(int64_t count, int64_t chunk, int64_t stackBytes,
                 const std::function<void(int64_t, int64_t)> &work) {
  if (count <= 0)
    return;
  bool large = stackBytes + kStackMargin > kWorkerStack;
  if (large) {
    // Starts threads with large stacks for this launch only.
    auto job = std::make_shared<Job>();
    job->work = &work;
    job->count = count;
    job->chunk = chunk;
    int threads = int(std::min<int64_t>(threadCount(), (count + chunk - 1) / chunk));
    std::vector<pthread_t> started;
    try {
      for (int i = 0; i < threads; ++i)
        started.push_back(
            Pool::startThread(stackBytes + kStackMargin, [job] { job->run(); }, /*detached=*/false));
    } catch (const std::runtime_error &) {
      if (started.empty())
        throw; // with some threads started, uses those
    }
    for (pthread_t thread : started)
      pthread_join(thread, nullptr);
    job->rethrow();
    return;
  }
  bool callerFits = stackBytes <= kCallerStack;
  int64_t chunks = (count + chunk - 1) / chunk;
  if (callerFits && (chunks == 1 || threadCount() == 1)) {
    work(0, count);
    return;
  }
  auto job = std::make_shared<Job>();
  job->work = &work;
  job->count = count;
  job->chunk = chunk;
  if (threadCount() == 1 && !callerFits) {
    pthread_join(
        Pool::startThread(stackBytes + kStackMargin, [job] { job->run(); }, /*detached=*/false), nullptr);
    job->rethrow();
    return;
  }
  int64_t helpers = std::min<int64_t>(threadCount() - 1, chunks - (callerFits ? 1 : 0));
  Pool::instance().enqueue(job, int(std::max<int64_t>(1, helpers)));
  if (callerFits)
    job->run();
  // The other threads are in their last chunk, so spins briefly before sleeping.
  for (int spin = 0; spin < 2000 && callerFits; ++spin)
    if (job->complete())
      return job->rethrow();
  {
    std::unique_lock<std::mutex> lock(job->mutex);
    job->done.wait(lock, [&] { return job->complete(); });
  }
  job->rethrow();
}

} // namespace tmetal

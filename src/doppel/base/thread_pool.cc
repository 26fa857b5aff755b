#include "doppel/base/thread_pool.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

// A training step lasts a few milliseconds and waits for its threads several times: a wait spins
// for about as long as a wake-up by the kernel would take, and only then sleeps.
constexpr int kSpins = 20000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <typename T>
void wait_while_equal(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause_briefly();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

int ThreadPool::number_of(int threads) {
  if (threads < 0) {
    throw Error(ErrorKind::bad_argument,
                "threads: at least 1, or 0 for one for each processor, was expected, not " +
                    std::to_string(threads));
  }
  return threads == 0 ? available_threads() : threads;
}

ThreadPool::ThreadPool(int wanted)
    : workers_(std::make_unique<std::vector<std::thread>>()), process_(::getpid()) {
  const int threads = number_of(wanted);
  workers_->reserve(static_cast<size_t>(threads) - 1);
  for (int i = 1; i < threads; ++i) {
    try {
      workers_->emplace_back([this, i] { work(static_cast<size_t>(i)); });
    } catch (const std::system_error&) {
      return;  // the process may have no more threads: fewer do the same work
    }
  }
}

bool ThreadPool::forked() const { return ::getpid() != process_; }

ThreadPool::~ThreadPool() {
  if (forked()) {
    // They are the parent's; here is nothing to join.
    static_cast<void>(workers_.release());
    return;
  }
  stopping_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : *workers_) worker.join();
}

int ThreadPool::available_threads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void ThreadPool::parallel_for(size_t count, const std::function<void(size_t, size_t)>& task) {
  if (workers_->empty() || count <= 1 || forked()) {
    for (size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  const std::lock_guard turn(turn_);
  task_ = &task;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  running_.store(workers_->size(), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  run_tasks(0);
  for (size_t left = running_.load(std::memory_order_acquire); left != 0;
       left = running_.load(std::memory_order_acquire)) {
    wait_while_equal(running_, left);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::run_tasks(size_t worker) {
  try {
    for (size_t i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
         i = next_.fetch_add(1, std::memory_order_relaxed)) {
      (*task_)(i, worker);
    }
  } catch (...) {
    next_.store(count_, std::memory_order_relaxed);
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void ThreadPool::work(size_t worker) {
  uint32_t seen = 0;
  while (true) {
    wait_while_equal(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (stopping_) return;
    run_tasks(worker);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

}  // namespace doppel::internal

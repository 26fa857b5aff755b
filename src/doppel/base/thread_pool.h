// A fixed set of threads that work through numbered tasks together with their caller.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace doppel::internal {

// Several threads may use one: their calls take turns. Tasks must not depend on which thread runs
// them: they write to places of their own, and what is summed over tasks is summed in the tasks'
// order. A task must not call its own pool. In a process that was forked there are no threads but
// the caller.
class ThreadPool {
 public:
  // number_of(threads), the caller counted; fewer where no more start.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_->size()) + 1; }

  // Runs task(index, worker) for every index in 0 .. count-1; worker in 0 .. threads()-1 names the
  // running thread, for its scratch memory. Returns when all are done; rethrows the first
  // exception of a task (the remaining tasks are then skipped). A lone task runs at once, whoever
  // else uses the pool.
  void parallel_for(size_t count, const std::function<void(size_t index, size_t worker)>& task);

  // The number of processors this process may run on.
  static int available_threads();
  // How many threads are meant: 0 stands for available_threads(). Throws Error(bad_argument) below.
  static int number_of(int threads);

 private:
  void work(size_t worker);
  void run_tasks(size_t worker);

  bool forked() const;

  std::unique_ptr<std::vector<std::thread>> workers_;  // never null
  const int process_;                                  // that the workers belong to
  const std::function<void(size_t, size_t)>* task_ = nullptr;
  size_t count_ = 0;
  std::atomic<size_t> next_{0};
  std::atomic<uint32_t> round_{0};  // one more for every parallel_for
  std::atomic<size_t> running_{0};  // workers that have not finished this round
  std::atomic<bool> stopping_{false};
  std::mutex turn_;  // of the caller whose tasks run
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace doppel::internal

#include "doppel/base/shared_pool.h"

#include <mutex>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

struct SharedPool {
  std::mutex mutex;
  std::shared_ptr<ThreadPool> pool;
  int threads = 0;
};

SharedPool& the_shared_pool() {
  static SharedPool shared;
  return shared;
}

}  // namespace

std::shared_ptr<ThreadPool> shared_pool() {
  SharedPool& shared = the_shared_pool();
  const std::lock_guard lock(shared.mutex);
  if (!shared.pool) {
    shared.pool = std::make_shared<ThreadPool>(shared.threads);
  }
  return shared.pool;
}

void set_shared_threads(int threads) {
  constexpr int kMostThreads = 1024;
  if (threads < 0 || threads > kMostThreads) {
    throw Error(ErrorKind::bad_argument, "threads: 1 to " + std::to_string(kMostThreads) +
                                             " were expected, or 0 for one for each processor, "
                                             "not " +
                                             std::to_string(threads));
  }
  SharedPool& shared = the_shared_pool();
  std::shared_ptr<ThreadPool> former;  // its threads end outside the lock
  const std::lock_guard lock(shared.mutex);
  shared.threads = threads;
  former.swap(shared.pool);
}

}  // namespace doppel::internal

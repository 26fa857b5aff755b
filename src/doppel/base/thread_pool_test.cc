#include "doppel/base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(ThreadPool, EveryTaskRunsOnceOnAKnownWorker) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (size_t count : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<int> runs(count, 0);
      std::vector<size_t> worker_of(count, 99);
      pool.parallel_for(count, [&](size_t i, size_t worker) {
        ++runs[i];
        worker_of[i] = worker;
      });
      EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), size_t{0}), count);
      for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(runs[i], 1);
        EXPECT_LT(worker_of[i], static_cast<size_t>(threads));
      }
    }
  }
}

TEST(ThreadPool, ManyShortRoundsSeeEachOthersWrites) {
  ThreadPool pool(3);
  std::vector<int> value(8, 0);
  for (int round = 0; round < 5000; ++round) {
    pool.parallel_for(8, [&](size_t i, size_t) { value[i] = round; });
    for (int v : value) ASSERT_EQ(v, round);
  }
}

TEST(ThreadPool, AnExceptionReachesTheCallerAndThePoolLivesOn) {
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    const auto failing = [](size_t i, size_t) {
      if (i == 4) throw Error(ErrorKind::numeric, "task 4");
    };
    EXPECT_THROW(pool.parallel_for(100, failing), Error);
    int done = 0;
    pool.parallel_for(1, [&](size_t, size_t) { ++done; });
    EXPECT_EQ(done, 1);
  }
}

TEST(ThreadPool, NoThreadsAreOneForEachProcessor) {
  EXPECT_EQ(ThreadPool(0).threads(), ThreadPool::available_threads());
  EXPECT_THROW(ThreadPool(-1), Error);
}

// A process may have no room for so many threads; without the catch it ended here.
TEST(ThreadPool, FewerThreadsDoTheSameWork) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
  GTEST_SKIP() << "a sanitizer takes all the address space there is";
#else
  const auto work = [] {
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    const rlim_t room = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (20U << 20);
    const rlimit limit{room, room};
    setrlimit(RLIMIT_AS, &limit);
    ThreadPool pool(64);
    std::atomic<int> done = 0;
    pool.parallel_for(1000, [&](size_t, size_t worker) {
      if (worker < static_cast<size_t>(pool.threads())) ++done;
    });
    std::exit(done == 1000 && pool.threads() < 64 ? 0 : 1);
  };
  EXPECT_EXIT(work(), testing::ExitedWithCode(0), "");
#endif
}

}  // namespace
}  // namespace doppel::internal

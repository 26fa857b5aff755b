#include "doppel/base/thread_pool.h"

#include <gtest/gtest.h>

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

TEST(ThreadPool, RefusesNoThreads) { EXPECT_THROW(ThreadPool(0), Error); }

}  // namespace
}  // namespace doppel::internal

#include "doppel/base/shared_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TEST(SharedPool, IsOneUntilItsSizeIsSet) {
  set_shared_threads(3);
  const std::shared_ptr<ThreadPool> pool = shared_pool();
  EXPECT_EQ(pool->threads(), 3);
  EXPECT_EQ(shared_pool(), pool);
  set_shared_threads(0);
  EXPECT_EQ(shared_pool()->threads(), ThreadPool::available_threads());
  std::atomic<size_t> done = 0;
  pool->parallel_for(100, [&](size_t, size_t) { ++done; });
  EXPECT_EQ(done, 100u) << "who holds the former pool keeps it";
}

TEST(SharedPool, RefusesWhatNobodyMeans) {
  EXPECT_THROW(set_shared_threads(-1), Error);
  EXPECT_THROW(set_shared_threads(100'000), Error);
}

TEST(SharedPool, SeveralCallersTakeTurns) {
  set_shared_threads(2);
  std::vector<std::thread> callers;
  std::vector<size_t> sums(4);
  for (size_t& sum : sums) {
    callers.emplace_back([&sum] {
      for (int round = 0; round < 200; ++round) {
        std::vector<size_t> squares(round % 2 == 0 ? 50 : 1);
        shared_pool()->parallel_for(squares.size(), [&](size_t i, size_t) { squares[i] = i * i; });
        for (const size_t square : squares) sum += square;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const size_t sum : sums) EXPECT_EQ(sum, 100u * (49 * 50 * 99 / 6));
  set_shared_threads(0);
}

TEST(SharedPool, WhatOneCallersTaskThrowsIsItsOwn) {
  set_shared_threads(2);
  std::thread failing([] {
    for (int round = 0; round < 100; ++round) {
      EXPECT_THROW(shared_pool()->parallel_for(
                       10, [](size_t, size_t) { throw Error(ErrorKind::io, "mine"); }),
                   Error);
    }
  });
  for (int round = 0; round < 100; ++round) {
    EXPECT_NO_THROW(shared_pool()->parallel_for(10, [](size_t, size_t) {}));
  }
  failing.join();
  set_shared_threads(0);
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/service/turn.h"

#include <gtest/gtest.h>

#include <thread>

namespace doppel::internal {
namespace {

TEST(Turn, ComesToTheNextAndNotToWhoIsLate) {
  std::counting_semaphore<> turns(1);
  const std::map<std::string, std::string> path;
  RequestRecord record;
  HttpRequest patient, hasty;
  hasty.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  const RouteRequest first{patient, path, Role::recognise, record};
  const RouteRequest late{hasty, path, Role::recognise, record};
  std::thread next;
  bool had_its_turn = false;
  {
    const Turn turn(turns, first);
    EXPECT_THROW(Turn(turns, late), Refusal);
    next = std::thread([&] {
      const Turn mine(turns, first);
      had_its_turn = true;
    });
  }
  next.join();
  EXPECT_TRUE(had_its_turn);
  EXPECT_TRUE(turns.try_acquire()) << "all were given back";
}

}  // namespace
}  // namespace doppel::internal

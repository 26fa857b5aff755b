// One of the few requests that may do something costly at once; the others wait for their turn, for
// as long as their time lasts.
#pragma once

#include <chrono>
#include <semaphore>

#include "doppel/service/route.h"

namespace doppel::internal {

class Turn {
 public:
  // Throws Refusal(503) where the request's time is over before its turn comes.
  Turn(std::counting_semaphore<>& turns, const RouteRequest& request) : turns_(turns) {
    constexpr auto kForever = std::chrono::steady_clock::time_point::max();
    if (request.http.deadline == kForever) {
      turns_.acquire();
    } else if (!turns_.try_acquire_until(request.http.deadline)) {
      request.refuse_late();
    }
  }
  ~Turn() { turns_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::counting_semaphore<>& turns_;
};

}  // namespace doppel::internal

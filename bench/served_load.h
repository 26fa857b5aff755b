// What the benchmarks of the service share: `doppel serve`, and wrk that asks it on the same cores.
#pragma once

#include <sys/types.h>

#include <string>

#include "bench/large_gallery.h"

namespace doppel::internal {

// What a command prints. Throws Error(io) where it fails.
std::string output_of(const std::string& command);

// `doppel serve` with a world's gallery until the end of its scope.
class Serving {
 public:
  explicit Serving(const LargeGallery& world);
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  std::string url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + target;
  }
  pid_t process() const { return process_; }

 private:
  pid_t process_ = 0;
  int port_ = 0;
};

struct Load {
  double answered_per_s = 0, refused_per_s = 0, p50_ms = 0, p99_ms = 0;
  size_t requests = 0, broken = 0;  // broken: without an answer, or with none within 30 s
};

// wrk with the pictures of a world, one after the other.
class LoadMaker {
 public:
  explicit LoadMaker(const LargeGallery& world);
  // Each of the clients asks again as soon as it is answered. Throws Error(io) where wrk fails.
  Load run(const Serving& serving, int clients, int seconds) const;

 private:
  std::string files_, script_;
};

}  // namespace doppel::internal

// How many requests a key may make: a bucket of tokens for each, which fills steadily.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace doppel::internal {

// Several threads may use it at once.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `rate` requests a second, of each key; 0 is as many as one likes. As many as those of one
  // second, at least one, may come at once.
  explicit RateLimit(double rate) : rate_(rate) {}

  // Takes one. False where the key has none left. What is known of keys that have rested for a
  // while is forgotten.
  bool take(const std::string& key, Time now);

 private:
  struct Bucket {
    double tokens = 0;
    Time last;
  };
  const double rate_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace doppel::internal

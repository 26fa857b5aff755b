#include "doppel/service/rate_limit.h"

#include <algorithm>

namespace doppel::internal {
namespace {

constexpr size_t kManyBuckets = 10'000;

}  // namespace

bool RateLimit::take(const std::string& key, Time now) {
  if (rate_ <= 0) return true;
  const double most = std::max(rate_, 1.0);
  const std::lock_guard lock(mutex_);
  const auto filled = [&](const Bucket& bucket) {
    return std::min(
        most, bucket.tokens + rate_ * std::chrono::duration<double>(now - bucket.last).count());
  };
  if (buckets_.size() >= kManyBuckets) {
    std::erase_if(buckets_, [&](const auto& entry) { return filled(entry.second) >= most; });
  }
  Bucket& bucket = buckets_.try_emplace(key, Bucket{most, now}).first->second;
  bucket.tokens = filled(bucket);
  bucket.last = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace doppel::internal

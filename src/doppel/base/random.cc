#include "doppel/base/random.h"

#include <cmath>
#include <numbers>

#include "doppel/base/elementary.h"

namespace doppel::internal {

std::array<uint32_t, 4> philox(uint64_t key, std::array<uint32_t, 4> c) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

uint32_t Random::next() {
  if (used_ == 4) {
    block_ = philox(seed_, counter_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

// Lemire: Fast random integer generation in an interval, 2019. The rejected words are those whose
// low product falls into the last, incomplete copy of the interval.
uint32_t Random::below(uint32_t bound) {
  const uint32_t rejected = (0u - bound) % bound;
  while (true) {
    const uint64_t product = uint64_t{next()} * bound;
    if (static_cast<uint32_t>(product) >= rejected) return static_cast<uint32_t>(product >> 32);
  }
}

double Random::uniform() { return next() * 0x1p-32; }

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Random::normal() {
  const double radius = std::sqrt(-2 * elementary::log((next() + 1.0) * 0x1p-32));
  return radius * elementary::cos(2 * std::numbers::pi * uniform());
}

}  // namespace doppel::internal

// Random numbers as a function of (seed, purpose, position): Philox4x32-10, a counter-based
// generator (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011).
// No state is shared, so any thread may draw any number, in any order, on any machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace doppel::internal {

// What a stream of numbers is for: equal seeds never meet between two purposes.
enum class Purpose : uint16_t {
  weights = 1,
  pairs,
  split,
  shuffle,
  dropout,
  synthetic,
  sample,
  bootstrap,
  augment,
};

// The raw generator: four random words for a 64-bit key and a 128-bit counter.
std::array<uint32_t, 4> philox(uint64_t key, std::array<uint32_t, 4> counter);

// Where a purpose (and one of its parts, e.g. a layer) sits in the counter's last word.
constexpr uint32_t purpose_word(Purpose purpose, uint16_t part) {
  return static_cast<uint32_t>(purpose) << 16 | part;
}

// A sequence of numbers for one purpose. `index` selects one of its independent streams (an epoch,
// an identity), `part` one more. A value type: cheap to make, copy and throw away.
class Random {
 public:
  Random(uint64_t seed, Purpose purpose, uint32_t index = 0, uint16_t part = 0)
      : seed_(seed), counter_{0, 0, index, purpose_word(purpose, part)} {}

  uint32_t next();                 // uniform over all 32-bit words
  uint32_t below(uint32_t bound);  // uniform over 0 .. bound-1, without bias; bound >= 1
  double uniform();                // uniform in [0, 1), 32 random bits
  double uniform(double low, double high);
  double normal();  // mean 0, variance 1 (Box and Muller, 1958)

  // Fisher-Yates; the same order on every standard library, which std::shuffle does not promise.
  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(static_cast<uint32_t>(i))]);
    }
  }

 private:
  uint64_t seed_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;  // words of block_ already given out
};

}  // namespace doppel::internal

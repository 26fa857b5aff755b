// Which images a training step sees: every step's batch as indices of images, either images in
// shuffled order or several images each of several identities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace doppel::internal {

struct BatchSettings {
  size_t size = 96;  // images in a batch
  // 0: batches run through the shuffled images, whosever they are. K >= 1: a batch holds
  // size / K identities with K images each, those of an identity side by side.
  size_t per_identity = 0;

  // Throws Error(bad_argument) naming the setting that makes no sense: a size outside 1 .. 65536,
  // one that is no multiple of per_identity.
  void check() const;

  friend bool operator==(const BatchSettings&, const BatchSettings&) = default;
};

// An endless sequence of the numbers 0 .. count-1, round by round: a round has each of them once,
// in an order of its own. The sequence is cut into groups; where a group lies in two rounds, the
// second one's order is changed so that a group holds no number twice, as long as count >= group.
class Rounds {
 public:
  // Another `stream` has other orders. count and group are at least 1.
  Rounds(uint64_t seed, uint32_t stream, size_t count, size_t group)
      : seed_(seed), stream_(stream), count_(count), group_(group) {}

  // The number at a position, a pure function of it; fast while positions stay in a round or go to
  // the next.
  uint32_t at(size_t position);

 private:
  void load(size_t round);
  void advance_to(size_t round);

  uint64_t seed_;
  uint32_t stream_;
  size_t count_, group_;
  std::vector<uint32_t> order_;  // of round_; empty where none is loaded
  size_t round_ = 0;
};

// The batches of a training, all of them full. Everyone gets the same share: no image (or no
// identity, and of an identity no image) comes again before all others came; within a batch none
// comes twice as long as there are enough. Small data sets are repeated to fill a batch.
class BatchPlan {
 public:
  // identity_of: one number per image, any numbers. Throws Error(bad_argument) as check() does,
  // Error(bad_data) where there are no images or more than 2^32 - 1.
  BatchPlan(std::span<const uint32_t> identity_of, const BatchSettings& settings, uint64_t seed);

  // The images of step 0, 1, ..: a pure function of the constructor's arguments and the step, so
  // that a training can be resumed anywhere. For one thread at a time.
  std::vector<uint32_t> batch(size_t step);

 private:
  struct Member {  // an identity
    std::vector<uint32_t> images;
    Rounds rounds;  // over them, a group for each visit
  };

  BatchSettings settings_;
  std::vector<Member> members_;  // none where identities do not matter
  Rounds rounds_;                // over the members or over all images
};

}  // namespace doppel::internal

#include "doppel/data/batches.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostImages = 65536;  // in a batch

}  // namespace

void BatchSettings::check() const {
  if (size < 1 || size > kMostImages) {
    throw Error(ErrorKind::bad_argument, "batch: 1 to " + std::to_string(kMostImages) +
                                             " images were expected, not " + std::to_string(size));
  }
  if (per_identity > 0 && size % per_identity != 0) {
    throw Error(ErrorKind::bad_argument, "batch: " + std::to_string(size) +
                                             " images are not a multiple of " +
                                             std::to_string(per_identity) + " per identity");
  }
}

uint32_t Rounds::at(size_t position) {
  load(position / count_);
  return order_[position % count_];
}

// A round's order depends on the last numbers of the round before, in whose group it begins. So
// loading starts at a round that begins with a group, at most `group` rounds back; or, since only a
// round's first `group` numbers are ever moved, one round back where the last ones are not of them.
void Rounds::load(size_t round) {
  if (!order_.empty() && round == round_) return;
  size_t first = round;
  if (order_.empty() || round != round_ + 1) {
    order_.clear();
    if (count_ >= 2 * group_) {
      if (first > 0 && first * count_ % group_ != 0) --first;
    } else if (count_ >= group_) {
      while (first * count_ % group_ != 0) --first;
    }
  }
  for (; first <= round; ++first) advance_to(first);
}

void Rounds::advance_to(size_t round) {
  // The last numbers of the round before that are in one group with this round's first.
  const size_t carried = count_ < group_ || order_.empty() ? 0 : round * count_ % group_;
  const std::vector<uint32_t> taken(order_.end() - static_cast<std::ptrdiff_t>(carried),
                                    order_.end());
  order_.resize(count_);
  std::iota(order_.begin(), order_.end(), 0u);
  // Stream 0 counts its rounds in the 32 bits of the index, the others, which are many, in 16 bits
  // of the part: after 65,535 rounds their orders come again.
  Random random = stream_ == 0 ? Random(seed_, Purpose::shuffle, static_cast<uint32_t>(round))
                               : Random(seed_, Purpose::shuffle, stream_,
                                        static_cast<uint16_t>(1 + round % 65535));
  random.shuffle(std::span<uint32_t>(order_));
  if (carried > 0) {
    // Behind the group, in their order, go those of its numbers that are taken. They and the free
    // ones that take their place are among the first group_ numbers.
    std::vector<uint32_t> sorted = taken;
    std::sort(sorted.begin(), sorted.end());
    const size_t free = group_ - carried;
    std::vector<uint32_t> head, behind;
    size_t read = 0;
    for (; head.size() < free; ++read) {
      const bool is_taken = std::binary_search(sorted.begin(), sorted.end(), order_[read]);
      (is_taken ? behind : head).push_back(order_[read]);
    }
    std::copy(head.begin(), head.end(), order_.begin());
    std::copy(behind.begin(), behind.end(), order_.begin() + static_cast<std::ptrdiff_t>(free));
  }
  round_ = round;
}

BatchPlan::BatchPlan(std::span<const uint32_t> identity_of, const BatchSettings& settings,
                     uint64_t seed)
    : settings_(settings), rounds_(seed, 0, 1, 1) {
  settings_.check();
  if (identity_of.empty() || identity_of.size() > UINT32_MAX) {
    throw Error(ErrorKind::bad_data, "batches: 1 to 4294967295 images were expected, not " +
                                         std::to_string(identity_of.size()));
  }
  if (settings.per_identity == 0) {
    rounds_ = Rounds(seed, 0, identity_of.size(), settings.size);
    return;
  }
  std::map<uint32_t, std::vector<uint32_t>> images_of;
  for (uint32_t i = 0; i < identity_of.size(); ++i) images_of[identity_of[i]].push_back(i);
  for (auto& [identity, images] : images_of) {
    const uint32_t stream = static_cast<uint32_t>(members_.size() + 1);
    const size_t count = images.size();
    members_.push_back({std::move(images), Rounds(seed, stream, count, settings.per_identity)});
  }
  rounds_ = Rounds(seed, 0, members_.size(), settings.size / settings.per_identity);
}

std::vector<uint32_t> BatchPlan::batch(size_t step) {
  std::vector<uint32_t> images;
  images.reserve(settings_.size);
  if (settings_.per_identity == 0) {
    for (size_t i = 0; i < settings_.size; ++i) {
      images.push_back(rounds_.at(step * settings_.size + i));
    }
    return images;
  }
  const size_t identities = settings_.size / settings_.per_identity;
  for (size_t i = 0; i < identities; ++i) {
    const size_t position = step * identities + i;
    Member& member = members_[rounds_.at(position)];
    // Every round visits each identity once.
    const size_t visit = position / members_.size();
    for (size_t k = 0; k < settings_.per_identity; ++k) {
      const uint32_t which = member.rounds.at(visit * settings_.per_identity + k);
      images.push_back(member.images[which]);
    }
  }
  return images;
}

}  // namespace doppel::internal

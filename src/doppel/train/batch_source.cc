#include "doppel/train/batch_source.h"

#include <algorithm>
#include <numeric>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {

PairBatches::PairBatches(const Matrix& inputs, std::span<const Pair> pairs, size_t batch,
                         uint64_t seed)
    : inputs_(inputs), pairs_(pairs), batch_(batch), seed_(seed), order_(pairs.size()) {
  if (pairs.empty()) throw Error(ErrorKind::bad_data, "training: there are no pairs");
}

size_t PairBatches::batches_in_epoch() const { return (pairs_.size() + batch_ - 1) / batch_; }

TrainingBatch PairBatches::batch(size_t step) {
  const size_t epoch = step / batches_in_epoch(), place = step % batches_in_epoch();
  if (epoch != ordered_epoch_) {
    std::iota(order_.begin(), order_.end(), 0u);
    Random(seed_, Purpose::shuffle, static_cast<uint32_t>(epoch))
        .shuffle(std::span<uint32_t>(order_));
    ordered_epoch_ = epoch;
  }
  const size_t first = place * batch_, count = std::min(batch_, order_.size() - first);
  TrainingBatch result;
  result.examples = count;
  result.images.resize(2 * count);
  result.labels.resize(2 * count);
  for (size_t i = 0; i < count; ++i) {
    const Pair& pair = pairs_[order_[first + i]];
    result.images[i] = inputs_.row(pair.a).data();
    result.images[count + i] = inputs_.row(pair.b).data();
    result.labels[i] = result.labels[count + i] = pair.genuine;
  }
  return result;
}

ImageBatches::ImageBatches(const Matrix& inputs, ImageShape shape,
                           std::span<const uint32_t> identity_of, const BatchSettings& settings,
                           const AugmentSettings& augment, size_t epoch_steps, uint64_t seed)
    : inputs_(inputs),
      shape_(shape),
      identity_of_(identity_of),
      plan_(identity_of, settings, seed),
      augment_(augment),
      batch_(settings.size),
      epoch_steps_(epoch_steps),
      seed_(seed) {}

TrainingBatch ImageBatches::plain_batch(size_t step) {
  TrainingBatch result;
  for (uint32_t image : plan_.batch(step)) {
    result.images.push_back(inputs_.row(image).data());
    result.labels.push_back(identity_of_[image]);
  }
  result.examples = result.images.size();
  return result;
}

TrainingBatch ImageBatches::batch(size_t step) {
  TrainingBatch result = plain_batch(step);
  if (augment_ == AugmentSettings{}) return result;
  result.made = Matrix(result.images.size(), inputs_.columns);
  for (size_t i = 0; i < result.images.size(); ++i) {
    augment(augment_, shape_, {result.images[i], inputs_.columns}, result.made.row(i),
            Random(seed_, Purpose::augment, static_cast<uint32_t>(step), static_cast<uint16_t>(i)));
    result.images[i] = result.made.row(i).data();
  }
  return result;
}

}  // namespace doppel::internal

// Where a training's batches come from: pairs in shuffled order, or images, each time changed a
// little, with whom they show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/data/batches.h"
#include "doppel/data/pairs.h"
#include "doppel/image/augment.h"

namespace doppel::internal {

struct TrainingBatch {
  std::vector<const float*> images;  // network inputs
  std::vector<uint32_t> labels;      // one per image: identities or, of pairs, genuine or not
  size_t examples = 0;               // what the loss is a mean over
  Matrix made;                       // images that belong to this batch alone
};

// A batch is a function of its step alone, so that a training can be resumed anywhere. For one
// thread at a time.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual size_t batches_in_epoch() const = 0;
  virtual size_t examples_in_epoch() const = 0;
  virtual TrainingBatch batch(size_t step) = 0;
  // For measuring statistics: as batch(), the images unchanged.
  virtual TrainingBatch plain_batch(size_t step) { return batch(step); }
};

// Every epoch shows every pair once, in an order of its own; the last batch may be smaller. The
// first images of a batch's pairs come first, then their second ones. Keeps references.
class PairBatches : public BatchSource {
 public:
  // Throws Error(bad_data) where there are no pairs.
  PairBatches(const Matrix& inputs, std::span<const Pair> pairs, size_t batch, uint64_t seed);

  size_t batches_in_epoch() const override;
  size_t examples_in_epoch() const override { return pairs_.size(); }
  TrainingBatch batch(size_t step) override;

 private:
  const Matrix& inputs_;
  std::span<const Pair> pairs_;
  size_t batch_;
  uint64_t seed_;
  std::vector<uint32_t> order_;
  size_t ordered_epoch_ = static_cast<size_t>(-1);
};

// Batches of images as BatchPlan has them, augmented. "Epochs" are parts of `epoch_steps` steps.
// Keeps a reference to the inputs, one row of height x width values per image.
class ImageBatches : public BatchSource {
 public:
  ImageBatches(const Matrix& inputs, ImageShape shape, std::span<const uint32_t> identity_of,
               const BatchSettings& settings, const AugmentSettings& augment, size_t epoch_steps,
               uint64_t seed);

  size_t batches_in_epoch() const override { return epoch_steps_; }
  size_t examples_in_epoch() const override { return epoch_steps_ * batch_; }
  TrainingBatch batch(size_t step) override;
  TrainingBatch plain_batch(size_t step) override;

 private:
  const Matrix& inputs_;
  ImageShape shape_;
  std::span<const uint32_t> identity_of_;
  BatchPlan plan_;
  AugmentSettings augment_;
  size_t batch_, epoch_steps_;
  uint64_t seed_;
};

}  // namespace doppel::internal

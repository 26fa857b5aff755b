// What the engine runs: a network's layers become stages, neighbours fused where a kernel does
// several in one pass. A stage treats tiles of 16 images, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace doppel::internal {

// Dropout's masks are a function of these and of layer, image slot and value.
struct DropoutSeed {
  uint64_t seed = 0;
  uint32_t step = 0;
};

// What a stage is given beside its values.
struct Pass {
  const float* parameters;  // the whole network's
  const float* prepared;    // prepared_floats(), made of them
  const float* statistics;  // statistics_floats(), of the batch or, in inference, the running ones
  size_t tiles;             // how many, side by side
  size_t slot;              // the first image's place in the batch
  size_t images;            // how many there are in these tiles; lanes behind them are empty
  const DropoutSeed* dropout;  // null: none
  float* scratch;              // scratch_floats() of the running thread
  float* tape;                 // tape_floats() for each tile; null in inference
};

// What a stage was given and gave: pass.tiles x in_size() (or out_size()) x 16 values.
struct Values {
  const float* x;
  const float* skip;  // the value that a shortcut adds, as large as x; null without one
  const float* y;
};

class Stage {
 public:
  Stage(size_t in_size, size_t out_size) : in_size_(in_size), out_size_(out_size) {}
  virtual ~Stage() = default;

  size_t in_size() const { return in_size_; }  // values of one image
  size_t out_size() const { return out_size_; }

  // True where several tiles at once are faster than one after the other.
  virtual bool wants_several_tiles() const { return false; }
  virtual size_t scratch_floats() const { return 0; }
  // What forward keeps for backward and backward for gradient(), per tile.
  virtual size_t tape_floats() const { return 0; }
  // What backward leaves per tile for gradient() to add up.
  virtual size_t partial_floats() const { return 0; }

  // Parameters in the form the kernels like, made once for each batch.
  virtual size_t prepared_floats() const { return 0; }
  virtual void prepare(const float* /*parameters*/, float* /*prepared*/) const {}

  // x and skip to y.
  virtual void forward(const Pass& pass, const float* x, const float* skip, float* y) const = 0;

  // From dy, the gradient of y, to dx and dskip; each may be null where nobody needs it. dy may be
  // overwritten. `partial` holds pass.tiles x partial_floats().
  virtual void backward(const Pass& pass, const Values& values, float* dy, float* dx, float* dskip,
                        float* partial) const = 0;

  // The parameters' gradient, once all tiles have been backward: tasks that may run side by side.
  // Each sums over the tiles in their order and writes its own part of the network's `gradient`.
  virtual size_t gradient_tasks() const { return 0; }
  virtual void gradient(size_t /*task*/, size_t /*tiles*/, const float* /*tapes*/,
                        const float* /*partials*/, float* /*scratch*/, float* /*gradient*/) const {}

  // A stage whose statistics_floats() is not 0 depends on the whole batch. Before its forward, each
  // tile is measured and then combined with all others; before its backward, likewise the gradient.
  virtual size_t statistics_floats() const { return 0; }
  virtual void measure(const Pass& /*pass*/, const float* /*x*/, float* /*partial*/) const {}
  virtual void combine_statistics(const float* /*parameters*/, size_t /*images*/,
                                  const float* /*partials*/, float* /*statistics*/) const {}
  virtual void measure_gradient(const Pass& /*pass*/, const Values& /*values*/, const float* /*dy*/,
                                float* /*partial*/) const {}
  virtual void combine_gradient_statistics(size_t /*images*/, const float* /*partials*/,
                                           float* /*statistics*/) const {}
  // The running statistics among the parameters to the stage's; and a part `momentum` of the
  // batch's into the running ones.
  virtual void load_statistics(const float* /*parameters*/, float* /*statistics*/) const {}
  virtual void update_running_statistics(const float* /*statistics*/, double /*momentum*/,
                                         float* /*parameters*/) const {}

 private:
  size_t in_size_, out_size_;
};

// Where a value comes from: a stage's index, or the images themselves.
inline constexpr size_t kImages = static_cast<size_t>(-1);
inline constexpr size_t kNoSkip = static_cast<size_t>(-2);

struct PlannedStage {
  std::unique_ptr<Stage> stage;
  size_t skip = kNoSkip;  // whose output its shortcut adds; x is always the stage's before it
};

}  // namespace doppel::internal

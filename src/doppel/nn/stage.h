// What the engine runs: a network's layers become stages, neighbours fused where a kernel does
// several in one pass. A stage treats tiles of 16 images, forward and backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "doppel/nn/network.h"

namespace doppel {

// Dropout's masks are a function of these and of layer, image slot and value.
struct DropoutSeed {
  uint64_t seed = 0;
  uint32_t step = 0;
};

// What a stage is given beside its values.
struct Pass {
  const float* parameters;     // the whole network's
  size_t tiles;                // how many, side by side
  size_t slot;                 // the first image's place in the batch
  const DropoutSeed* dropout;  // null: none
  float* scratch;              // scratch_floats() of the running thread
  float* tape;                 // tape_floats() for each tile; null in inference
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

  // x holds pass.tiles x in_size() x 16 values, y as many with out_size().
  virtual void forward(const Pass& pass, const float* x, float* y) const = 0;

  // From dy, the gradient of y, to dx; dx may be null where nobody needs it. dy may be overwritten.
  // `partial` holds pass.tiles x partial_floats().
  virtual void backward(const Pass& pass, const float* x, const float* y, float* dy, float* dx,
                        float* partial) const = 0;

  // The parameters' gradient, once all tiles have been backward: tasks that may run side by side.
  // Each sums over the tiles in their order and writes its own part of the network's `gradient`.
  virtual size_t gradient_tasks() const { return 0; }
  virtual void gradient(size_t /*task*/, size_t /*tiles*/, const float* /*tapes*/,
                        const float* /*partials*/, float* /*scratch*/, float* /*gradient*/) const {}

 private:
  size_t in_size_, out_size_;
};

// The network's stages in order. Throws as layer_shapes() does.
std::vector<std::unique_ptr<Stage>> plan_stages(const Network& network);

}  // namespace doppel

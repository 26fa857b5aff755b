#include "doppel/nn/activation_stage.h"

#include "doppel/nn/kernels.h"

namespace doppel::internal {
namespace {

class ActivationStage : public Stage {
 public:
  ActivationStage(size_t size, bool relu, std::optional<Drop> drop)
      : Stage(size, size), relu_(relu), drop_(drop) {}

  size_t scratch_floats() const override { return mask_floats(out_size()); }

  void forward(const Pass& pass, const float* x, const float*, float* y) const override {
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate(x + at, out_size(), relu_, kept, kept == nullptr ? 1 : drop_->scale(), y + at);
    }
  }

  void backward(const Pass& pass, const Values& values, float* dy, float* dx, float*,
                float*) const override {
    if (dx == nullptr) return;
    for (size_t t = 0; t < pass.tiles; ++t) {
      const size_t at = t * out_size() * kLanes;
      const LaneBits* kept = draw(pass, t);
      activate_gradient(values.y + at, dy + at, out_size(), relu_, kept,
                        kept == nullptr ? 1 : drop_->scale(), dx + at);
    }
  }

 private:
  // The masks are drawn again in backward: they cost less than keeping them.
  const LaneBits* draw(const Pass& pass, size_t tile) const {
    if (!drop_ || pass.dropout == nullptr) return nullptr;
    auto* kept = reinterpret_cast<LaneBits*>(pass.scratch);
    drop_->draw(*pass.dropout, pass.slot + tile * kLanes, out_size(), kept);
    return kept;
  }

  bool relu_;
  std::optional<Drop> drop_;
};

}  // namespace

std::unique_ptr<Stage> activation_stage(size_t size, bool relu, std::optional<Drop> drop) {
  return std::make_unique<ActivationStage>(size, relu, drop);
}

}  // namespace doppel::internal

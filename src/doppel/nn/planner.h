// From a network's layers to the stages that compute it: each layer plans its stage, perhaps
// together with the layers behind it.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "doppel/nn/network.h"
#include "doppel/nn/stage.h"

namespace doppel::internal {

class Planner {
 public:
  explicit Planner(const Network& network);

  std::vector<PlannedStage> plan();

  // For a layer that plans its stage.
  size_t index() const { return index_; }                    // its place
  const Shape& input() const { return given_[index_]; }      // what it is given
  const Shape& output() const { return given_[next_]; }      // what the last layer taken gives
  size_t parameters() const { return parameters_[index_]; }  // where its tensors begin
  // The layer `ahead` of those taken so far, where it is of this type and nothing else needs what
  // stands before it; else null.
  template <typename T>
  const T* peek(size_t ahead = 0) const {
    const size_t layer = next_ + ahead;
    if (layer >= network_.layers.size() || shortcut_from_[layer]) return nullptr;
    return std::get_if<T>(&network_.layers[layer]);
  }
  size_t taken() const { return next_; }  // the first layer that is not
  // The same layer, which the stage then computes, too.
  template <typename T>
  const T* take() {
    const T* layer = peek<T>();
    if (layer != nullptr) ++next_;
    return layer;
  }
  void add(std::unique_ptr<Stage> stage) { stages_.push_back({std::move(stage), kNoSkip}); }
  // One that also adds what `layer` was given.
  void add_with_shortcut(std::unique_ptr<Stage> stage, size_t layer) {
    stages_.push_back({std::move(stage), made_by_[layer]});
  }

 private:
  const Network& network_;
  std::vector<Shape> given_;         // to layer i; behind the last what the network gives
  std::vector<size_t> parameters_;   // of layer i
  std::vector<bool> shortcut_from_;  // a shortcut begins before layer i
  std::vector<size_t> made_by_;      // the stage that makes the value before layer i
  std::vector<PlannedStage> stages_;
  size_t index_ = 0, next_ = 0;  // the layer that plans; the first one that is not taken
};

// The network's stages in order. Throws as layer_shapes() does.
std::vector<PlannedStage> plan_stages(const Network& network);

}  // namespace doppel::internal

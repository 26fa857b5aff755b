// Several looks at one network input at test time: mirrored and scaled copies, whose embeddings a
// caller puts together.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "doppel/image/warp.h"

namespace doppel::internal {

struct Views {
  bool mirror = false;            // each scale also mirrored
  std::vector<double> scales{1};  // above 1 the picture grows; 1 is the input itself

  size_t count() const { return scales.size() * (mirror ? 2 : 1); }
  // Throws Error(bad_argument) where there are not 1 to 16 scales, each in 0.1 .. 10.
  void check() const;

  friend bool operator==(const Views&, const Views&) = default;
};

// All views of one input, one behind the other: for each scale the picture scaled about its centre
// (as warp() does: bilinear, the border repeated), then, with mirror, that mirrored. in has
// shape.size() values, out count() times as many; throws Error(mismatch) where they have not.
void make_views(const Views& views, ImageShape shape, std::span<const float> in,
                std::span<float> out);

// {"mirror": true, "scales": [1, 0.9, 1.1]}
nlohmann::json views_to_json(const Views& views);
// Back; what is not named has its default. Throws Error(bad_data) naming a key that is unknown or a
// value of another type, Error(bad_argument) as check() does.
Views views_from_json(const nlohmann::json& json);

}  // namespace doppel::internal

// What training does to a network's input each time it is shown: a little turned, shifted, lit
// otherwise, a part of it covered, so that the network learns the person and not the picture.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "doppel/base/random.h"
#include "doppel/image/warp.h"

namespace doppel::internal {

// Everything is off (0) at first. "Std" is the standard deviation of a normal distribution about no
// change; values are those of the input: standardised inputs have the deviation 1.
// The steps in their order:
struct AugmentSettings {
  // One warp, the border repeated.
  double rotation = 0;  // std, radians
  double scale = 0;     // std of the logarithm: 0.1 is about 10 % larger or smaller
  double aspect = 0;    // the same, of the width alone
  double shear = 0;     // std, pixels sideways per row
  double shift = 0;     // std, of half the width sideways, of half the height up and down
  double flip = 0;      // probability that left and right change places
  double elastic = 0;   // std of smooth bending, of half the width and half the height
  // Out of focus: Gaussian, sigma uniform in blur_least .. blur_most pixels.
  double blur = 0;  // probability
  double blur_least = 0.5, blur_most = 1;
  // Middle values raised or lowered: with lowest and highest value 0 and 1, t becomes
  // t + k t (1 - t); |k| <= 1.
  double tone = 0;  // std of k
  // Light from a side: values change linearly, by this much at the border and not in the middle.
  double light_x = 0, light_y = 0;  // std
  double gain = 0;                  // std: values times 1 + gain
  double offset = 0;                // std: plus offset
  double noise = 0;                 // std, of every pixel for itself
  // A rectangle becomes 0, the mean of a standardised input. Its height is uniform in cutout_least
  // .. cutout_most of the height, its width as much of the width, its place anywhere inside.
  double cutout = 0;  // probability
  double cutout_least = 0.1, cutout_most = 0.35;

  // Throws Error(bad_argument) naming a setting that is negative or too large to make sense.
  void check() const;

  friend bool operator==(const AugmentSettings&, const AugmentSettings&) = default;
};

// out = in as the settings and `random` have it: a pure function, so that a training gives the same
// on any number of threads with random = Random(seed, Purpose::augment, step, slot in the batch).
// Every setting has its own random numbers: another setting changes nothing of what it does. in and
// out hold shape.size() values and do not overlap; with all settings 0 out gets in's bits.
// Throws Error(mismatch) where they have another size.
void augment(const AugmentSettings& settings, ImageShape shape, std::span<const float> in,
             std::span<float> out, Random random);

// {"rotation": 0.08, "scale": 0.1, ...}: all settings.
nlohmann::json augment_to_json(const AugmentSettings& settings);
// Back; what is not named has its default. Throws Error(bad_data) naming a key that is unknown or a
// value that is no number, Error(bad_argument) as check() does.
AugmentSettings augment_from_json(const nlohmann::json& json);

}  // namespace doppel::internal

// Draws one synthetic face: the traits of a person and the circumstances of one picture come in, a
// grey image goes out. synthetic.h draws both from a seed.
#pragma once

#include "doppel/base/random.h"
#include "doppel/image/image.h"

namespace doppel::internal {

enum class HairStyle { bald, receding, cropped, parted, curly, fringe, bob, long_straight };
enum class BeardStyle { none, stubble, moustache, goatee, full };

// What stays the same from picture to picture. Lengths are in units of half a head's height; u runs
// to the right of the picture, v downwards, both from the middle of the head.
struct FaceTraits {
  double head_width = 0.74;  // half the width at the temples
  double chin = 1.0;         // how far down the chin reaches
  double taper = 0.3;        // how much narrower the jaw is than the temples
  double jaw_square = 0.3;   // 0 round, 1 square
  double ear_size = 0.15;
  double skin = 0.65;  // albedo
  double eye_distance = 0.31, eye_height = -0.03;
  double eye_width = 0.15, eye_open = 0.075, eye_tilt = 0;
  double iris = 0.25;  // albedo
  double brow_height = -0.22, brow_thickness = 0.03, brow_arch = 0.05, brow_slope = 0;
  double nose_length = 0.3, nose_width = 0.12, nose_height = 0.14;
  double mouth_height = 0.56, mouth_width = 0.25, upper_lip = 0.05, lower_lip = 0.07;
  double lip_tone = 0.75;  // times the skin's albedo
  double age = 0.3;        // depth of folds
  HairStyle hair = HairStyle::cropped;
  double hair_tone = 0.15;
  double hair_volume = 0.08, hairline = -0.55, parting = 0;
  BeardStyle beard = BeardStyle::none;
  double glasses_width = 0.21, glasses_height = 0.16, glasses_square = 0.5;
  double glasses_tone = 0.1, glasses_thickness = 0.02;
  double clothing = 0.2, background = 0.3;  // albedos
};

// What differs from picture to picture.
struct FaceView {
  double yaw = 0, pitch = 0, roll = 0;  // radians: right, down, clockwise as seen in the picture
  double shift_x = 0, shift_y = 0;      // pixels
  double scale = 1;
  double smile = 0;       // -1 frown .. 1 smile
  double mouth_open = 0;  // 0 .. 1
  double eyes_open = 1;   // 0 closed .. 1
  double gaze = 0;        // -1 .. 1
  double brow_raise = 0;  // -1 .. 1
  bool glasses = false;
  double glare = 0;    // of the glasses, 0 .. 1
  double light_x = 0;  // where the light comes from, z being 1 towards the camera
  double light_y = -0.3;
  double ambient = 0.4, gain = 1;
  double noise = 0.01;  // standard deviation of the sensor's noise
};

inline constexpr int kFaceWidth = 92, kFaceHeight = 112;

// The picture, kFaceHeight x kFaceWidth, in whole 8-bit levels. `texture` gives the hair's and the
// skin's grain (the same for all pictures of a person), `noise` the sensor's. Only + - * / and
// square roots are used, so the pixels are the same on every machine with IEEE 754 doubles.
Image draw_face(const FaceTraits& traits, const FaceView& view, Random texture, Random noise);

}  // namespace doppel::internal

#include "doppel/image/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

struct Field {
  const char* name;
  double AugmentSettings::*value;
  double most;
};

constexpr double kProbability = 1, kValues = 100, kSigma = 10;  // the most of these

constexpr Field kFields[] = {
    {"rotation", &AugmentSettings::rotation, std::numbers::pi},
    {"scale", &AugmentSettings::scale, 1},
    {"aspect", &AugmentSettings::aspect, 1},
    {"shear", &AugmentSettings::shear, 1},
    {"shift", &AugmentSettings::shift, 1},
    {"flip", &AugmentSettings::flip, kProbability},
    {"elastic", &AugmentSettings::elastic, 1},
    {"blur", &AugmentSettings::blur, kProbability},
    {"blur_least", &AugmentSettings::blur_least, kSigma},
    {"blur_most", &AugmentSettings::blur_most, kSigma},
    {"tone", &AugmentSettings::tone, 1},
    {"light_x", &AugmentSettings::light_x, kValues},
    {"light_y", &AugmentSettings::light_y, kValues},
    {"gain", &AugmentSettings::gain, 1},
    {"offset", &AugmentSettings::offset, kValues},
    {"noise", &AugmentSettings::noise, kValues},
    {"cutout", &AugmentSettings::cutout, kProbability},
    {"cutout_least", &AugmentSettings::cutout_least, 1},
    {"cutout_most", &AugmentSettings::cutout_most, 1},
};

// What is drawn for one image, whatever the settings, so that each has numbers of its own.
struct Draw {
  Affine affine;
  double blur_sigma = 0;  // 0: no blur
  double tone = 0, light_x = 0, light_y = 0, gain = 1, offset = 0;
  size_t cut_top = 0, cut_left = 0, cut_height = 0, cut_width = 0;  // height 0: no cutout
  uint64_t elastic_seed = 0, noise_seed = 0;
};

// The target's centre is turned, scaled and moved into the source: the inverse of what is seen.
// With c, s of the angle and k, a the scale and aspect:
//   source = (flip c a / k, -s / k + shear; flip s / k, c / k) target + shift.
Affine draw_affine(const AugmentSettings& settings, ImageShape shape, Random& random) {
  const double angle = settings.rotation * random.normal();
  const double scale = elementary::exp(settings.scale * random.normal());
  const double aspect = elementary::exp(settings.aspect * random.normal());
  const double shear = settings.shear * random.normal();
  const double shift_x = settings.shift * random.normal();
  const double shift_y = settings.shift * random.normal();
  const double flip = random.uniform() < settings.flip ? -1 : 1;
  const double c = elementary::cos(angle), s = elementary::sin(angle);
  return {flip * c * aspect / scale,
          -s / scale + shear,
          shift_x * static_cast<double>(shape.width) / 2,
          flip * s / scale,
          c / scale,
          shift_y * static_cast<double>(shape.height) / 2};
}

Draw draw(const AugmentSettings& settings, ImageShape shape, Random& random) {
  Draw d;
  d.affine = draw_affine(settings, shape, random);
  const bool blurs = random.uniform() < settings.blur;
  const double sigma = random.uniform(settings.blur_least, settings.blur_most);
  if (blurs) d.blur_sigma = sigma;
  d.tone = std::clamp(settings.tone * random.normal(), -1.0, 1.0);
  d.light_x = settings.light_x * random.normal();
  d.light_y = settings.light_y * random.normal();
  d.gain = 1 + settings.gain * random.normal();
  d.offset = settings.offset * random.normal();
  const auto side = [&](size_t whole) {
    const double part = random.uniform(settings.cutout_least, settings.cutout_most);
    return std::min(static_cast<size_t>(part * static_cast<double>(whole) + 0.5), whole);
  };
  const auto place = [&](size_t whole, size_t part) {
    return static_cast<size_t>(random.uniform() * static_cast<double>(whole - part + 1));
  };
  const bool cuts = random.uniform() < settings.cutout;
  const size_t height = side(shape.height), width = side(shape.width);
  d.cut_top = place(shape.height, height);
  d.cut_left = place(shape.width, width);
  d.cut_width = width;
  if (cuts) d.cut_height = height;
  const auto seed = [&] {
    const uint64_t high = random.next();
    return high << 32 | random.next();
  };
  d.elastic_seed = seed();
  d.noise_seed = seed();
  return d;
}

// A uniform cubic B-spline over kCells cells: the weights of a pixel's four control points.
constexpr size_t kCells = 4, kControls = kCells + 3;

struct Spline {
  size_t cell = 0;
  std::array<double, 4> weights{};
};

std::vector<Spline> splines(size_t pixels) {
  std::vector<Spline> list(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(pixels) * kCells;
    list[i].cell = std::min(static_cast<size_t>(at), kCells - 1);
    const double t = at - static_cast<double>(list[i].cell), u = 1 - t;
    list[i].weights = {u * u * u / 6, (3 * t * t * t - 6 * t * t + 4) / 6,
                       (3 * u * u * u - 6 * u * u + 4) / 6, t * t * t / 6};
  }
  return list;
}

// Smooth displacements, in pixels, as warp() takes them. The mean of a B-spline's squared weights
// is the integral of its square, 151/315, for each axis: so much is left of a deviation.
std::vector<float> bending(double elastic, ImageShape shape, uint64_t seed) {
  Random random(seed, Purpose::augment);
  const std::vector<Spline> columns = splines(shape.width), rows = splines(shape.height);
  std::vector<float> displacement(2 * shape.size());
  float* out = displacement.data();
  for (size_t extent : {shape.width, shape.height}) {
    const double deviation = elastic * static_cast<double>(extent) / 2 * 315 / 151;
    double controls[kControls][kControls];
    for (auto& row : controls) {
      for (double& control : row) control = deviation * random.normal();
    }
    for (const Spline& row : rows) {
      double mixed[kControls] = {};
      for (size_t k = 0; k < 4; ++k) {
        for (size_t c = 0; c < kControls; ++c) {
          mixed[c] += row.weights[k] * controls[row.cell + k][c];
        }
      }
      for (const Spline& column : columns) {
        double sum = 0;
        for (size_t k = 0; k < 4; ++k) sum += column.weights[k] * mixed[column.cell + k];
        *out++ = static_cast<float>(sum);
      }
    }
  }
  return displacement;
}

// Gaussian, cut off at 3 sigma, the border repeated; first along the rows, then along the columns.
void blur(double sigma, ImageShape shape, std::span<float> image) {
  const size_t radius = static_cast<size_t>(std::ceil(3 * sigma)), taps = 2 * radius + 1;
  std::vector<double> weights(taps);
  double sum = 0;
  for (size_t k = 0; k < taps; ++k) {
    const double z = (static_cast<double>(k) - static_cast<double>(radius)) / sigma;
    sum += weights[k] = elementary::exp(-z * z / 2);
  }
  std::vector<float> tap(taps);
  for (size_t k = 0; k < taps; ++k) tap[k] = static_cast<float>(weights[k] / sum);

  const size_t height = shape.height, width = shape.width;
  std::vector<float> padded(width + 2 * radius), along(shape.size());
  for (size_t i = 0; i < height; ++i) {
    const float* row = image.data() + i * width;
    std::fill_n(padded.begin(), radius, row[0]);
    std::copy_n(row, width, padded.begin() + static_cast<std::ptrdiff_t>(radius));
    std::fill_n(padded.end() - static_cast<std::ptrdiff_t>(radius), radius, row[width - 1]);
    float* out = along.data() + i * width;
    for (size_t k = 0; k < taps; ++k) {
      for (size_t j = 0; j < width; ++j) out[j] += tap[k] * padded[j + k];
    }
  }
  for (size_t i = 0; i < height; ++i) {
    float* out = image.data() + i * width;
    std::fill_n(out, width, 0.0f);
    for (size_t k = 0; k < taps; ++k) {
      const size_t at = std::min(i + k < radius ? 0 : i + k - radius, height - 1);
      const float* row = along.data() + at * width;
      for (size_t j = 0; j < width; ++j) out[j] += tap[k] * row[j];
    }
  }
}

// x + k (x - least) (most - x) / (most - least): the curve of the header in the image's own range.
void change_tone(double tone, std::span<float> image) {
  const auto [least, most] = std::minmax_element(image.begin(), image.end());
  const float low = *least, high = *most;
  if (!(high > low)) return;
  const float k = static_cast<float>(tone / (double{high} - double{low}));
  for (float& x : image) x += k * (x - low) * (high - x);
}

void light(const Draw& d, ImageShape shape, std::span<float> image) {
  // -1 in the middle of the first pixel, 1 in that of the last.
  const auto ramp = [](size_t i, size_t n) {
    return n < 2 ? 0.0 : 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1;
  };
  std::vector<float> across(shape.width);
  for (size_t j = 0; j < shape.width; ++j) {
    across[j] = static_cast<float>(d.light_x * ramp(j, shape.width));
  }
  const float gain = static_cast<float>(d.gain), offset = static_cast<float>(d.offset);
  for (size_t i = 0; i < shape.height; ++i) {
    const float down = static_cast<float>(d.light_y * ramp(i, shape.height));
    float* row = image.data() + i * shape.width;
    for (size_t j = 0; j < shape.width; ++j) row[j] = (row[j] + across[j] + down) * gain + offset;
  }
}

// Nearly normal: the sum of four random bytes, of mean 510 and variance 4 (256^2 - 1) / 12.
void add_noise(double deviation, uint64_t seed, std::span<float> image) {
  Random random(seed, Purpose::augment, 1);
  const float scale = static_cast<float>(deviation / std::sqrt(65535.0 / 3));
  for (float& x : image) {
    const uint32_t word = random.next();
    const uint32_t sum = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24);
    x += scale * (static_cast<float>(sum) - 510);
  }
}

}  // namespace

void AugmentSettings::check() const {
  for (const Field& field : kFields) {
    const double value = this->*field.value;
    if (!(value >= 0 && value <= field.most)) {
      throw Error(ErrorKind::bad_argument, std::string("augmentation: ")
                                               .append(field.name)
                                               .append(" lies in 0 .. ")
                                               .append(std::to_string(field.most))
                                               .append(", not ")
                                               .append(std::to_string(value)));
    }
  }
  const auto ascend = [](const char* what, double least, double most) {
    if (least <= most) return;
    throw Error(ErrorKind::bad_argument, std::string("augmentation: ")
                                             .append(what)
                                             .append("_least is above ")
                                             .append(what)
                                             .append("_most: ")
                                             .append(std::to_string(least))
                                             .append(", ")
                                             .append(std::to_string(most)));
  };
  ascend("blur", blur_least, blur_most);
  ascend("cutout", cutout_least, cutout_most);
}

void augment(const AugmentSettings& settings, ImageShape shape, std::span<const float> in,
             std::span<float> out, Random random) {
  const Draw d = draw(settings, shape, random);
  std::vector<float> displacement;
  if (settings.elastic > 0) displacement = bending(settings.elastic, shape, d.elastic_seed);
  warp(shape, in, d.affine, displacement, out);
  if (out.empty()) return;
  if (d.blur_sigma > 0) blur(d.blur_sigma, shape, out);
  if (d.tone != 0) change_tone(d.tone, out);
  if (d.light_x != 0 || d.light_y != 0 || d.gain != 1 || d.offset != 0) light(d, shape, out);
  if (settings.noise > 0) add_noise(settings.noise, d.noise_seed, out);
  for (size_t i = 0; i < d.cut_height; ++i) {
    std::fill_n(out.data() + (d.cut_top + i) * shape.width + d.cut_left, d.cut_width, 0.0f);
  }
}

nlohmann::json augment_to_json(const AugmentSettings& settings) {
  nlohmann::json json;
  for (const Field& field : kFields) json[field.name] = settings.*field.value;
  return json;
}

AugmentSettings augment_from_json(const nlohmann::json& json) {
  const JsonObject object(json, "augmentation");
  AugmentSettings settings;
  std::vector<std::string> known;
  for (const Field& field : kFields) {
    known.emplace_back(field.name);
    object.read(field.name, settings.*field.value);
  }
  object.expect_only(known);
  settings.check();
  return settings;
}

}  // namespace doppel::internal

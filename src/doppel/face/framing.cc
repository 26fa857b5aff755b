#include "doppel/face/framing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace doppel::internal {
namespace {

// With fewer nothing can be told.
constexpr size_t kLeastFaces = 8;

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

// Both eyes' places, in parts of the picture's width; heights are stretched to `tallness` times it.
using EyePlaces = std::array<double, 4>;

EyePlaces eye_places(const FramedFace& framed, double tallness) {
  const double x = 1.0 / framed.picture.width, y = tallness / framed.picture.height;
  const FoundFace& face = framed.face;
  return {face.left_eye.x * x, face.left_eye.y * y, face.right_eye.x * x, face.right_eye.y * y};
}

}  // namespace

Framing measure_framing(std::span<const std::optional<FramedFace>> found) {
  Framing framing;
  framing.pictures = found.size();
  std::vector<double> tallness;
  for (const std::optional<FramedFace>& one : found) {
    if (!one) continue;
    tallness.push_back(static_cast<double>(one->picture.height) / one->picture.width);
  }
  framing.faces = tallness.size();
  if (framing.faces == 0) return framing;

  const double usual = median_of(std::move(tallness));
  std::array<std::vector<double>, 4> places;
  std::vector<double> apart;
  for (const std::optional<FramedFace>& one : found) {
    if (!one) continue;
    const EyePlaces at = eye_places(*one, usual);
    for (size_t k = 0; k < at.size(); ++k) places[k].push_back(at[k]);
    apart.push_back(std::hypot(at[2] - at[0], at[3] - at[1]));
  }
  framing.eyes_apart = median_of(std::move(apart));

  // The root of the mean square over both eyes, a face.
  std::vector<double> astray(framing.faces);
  for (const std::vector<double>& place : places) {
    const double middle = median_of(place);
    for (size_t i = 0; i < place.size(); ++i) {
      astray[i] += (place[i] - middle) * (place[i] - middle) / 2;
    }
  }
  std::ranges::sort(astray);
  astray.resize((9 * astray.size() + 9) / 10);  // the rest may be no faces at all
  double sum = 0;
  for (const double square : astray) sum += std::sqrt(square);
  framing.eyes_astray = sum / static_cast<double>(astray.size()) / framing.eyes_apart;
  return framing;
}

FramingVerdict judge(const Framing& framing) {
  if (framing.faces < kLeastFaces || 2 * framing.faces < framing.pictures) {
    return FramingVerdict::few_faces;
  }
  if (framing.eyes_astray > kMostAstray) return FramingVerdict::astray;
  if (framing.eyes_apart < kLeastApart) return FramingVerdict::small;
  return FramingVerdict::alike;
}

}  // namespace doppel::internal

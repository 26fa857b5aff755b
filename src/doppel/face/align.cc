#include "doppel/face/align.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <string>

#include "doppel/error.h"
#include "doppel/face/similarity.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

using Complex = std::complex<double>;

// The mean proportions of faces, in distances of the eyes, and how much of a picture they take: so
// that 92 x 112 pixels show a face from above the brows to below the chin.
constexpr double kMouthBelowEyes = 1.08;
constexpr double kEyesApart =
    0.36;                           // of the width, or of what the height would be wide at 92 x 112
constexpr double kEyesDown = 0.42;  // of the height

// From places in the aligned picture to those in the one that the face is in.
Similarity fit(const FoundFace& face, ImageSize size) {
  Similarity similarity;
  if (face.five_points) {
    similarity = nearest_similarity(aligned_five_points(size), *face.five_points);
  } else {
    const FacePlaces places = aligned_places(size);
    similarity = nearest_similarity(std::array{places.left_eye, places.right_eye, places.mouth},
                                    std::array{face.left_eye, face.right_eye, face.mouth});
  }
  const double scale = std::abs(similarity.turn);
  if (!(scale > 1e-9) || !std::isfinite(scale) || !std::isfinite(std::abs(similarity.shift))) {
    throw Error(ErrorKind::bad_argument,
                "face to align: its landmarks at different places were expected");
  }
  return similarity;
}

// Adds the picture's grey value (and colours) at a place, linear between pixel centres, to `sums`.
void add_sample(const Image& image, Complex place, double* sums) {
  const double x = std::clamp(place.real() - 0.5, 0.0, static_cast<double>(image.width - 1));
  const double y = std::clamp(place.imag() - 0.5, 0.0, static_cast<double>(image.height - 1));
  const auto left = static_cast<size_t>(x), upper = static_cast<size_t>(y);
  const auto width = static_cast<size_t>(image.width);
  const double right_part = x - static_cast<double>(left);
  const double lower_part = y - static_cast<double>(upper);
  const size_t right = std::min(left + 1, width - 1);
  const size_t lower = std::min(upper + 1, static_cast<size_t>(image.height) - 1);
  const size_t at[] = {upper * width + left, upper * width + right, lower * width + left,
                       lower * width + right};
  const double weights[] = {(1 - lower_part) * (1 - right_part), (1 - lower_part) * right_part,
                            lower_part * (1 - right_part), lower_part * right_part};
  for (size_t i = 0; i < 4; ++i) {
    sums[0] += weights[i] * static_cast<double>(image.pixels[at[i]]);
    if (image.colors.empty()) continue;
    for (size_t c = 0; c < 3; ++c) {
      sums[1 + c] += weights[i] * static_cast<double>(image.colors[3 * at[i] + c]);
    }
  }
}

void check_picture(const Image& image) {
  check_size(ErrorKind::bad_argument, image.width, image.height, "picture to align a face of");
  const size_t area = static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
  if (image.pixels.size() != area || (!image.colors.empty() && image.colors.size() != 3 * area)) {
    throw Error(ErrorKind::bad_argument,
                "picture to align a face of: " + std::to_string(image.pixels.size()) +
                    " pixels and " + std::to_string(image.colors.size()) +
                    " values of colour do not make " + std::to_string(image.width) + " x " +
                    std::to_string(image.height));
  }
}

}  // namespace

FacePlaces aligned_places(ImageSize size) {
  const double width = size.width, height = size.height;
  const double apart = kEyesApart * std::min(width, height * 92 / 112);
  const double y = kEyesDown * height;
  return {{width / 2 - apart / 2, y},
          {width / 2 + apart / 2, y},
          {width / 2, y + kMouthBelowEyes * apart}};
}

FivePoints aligned_five_points(ImageSize size) {
  // Of the mean face, in parts of its box (dlib, get_face_chip_details()).
  constexpr FivePoints kMeanFace = {{{0.8595674595992, 0.2134981538014},
                                     {0.6460604764104, 0.2289674387677},
                                     {0.1205750620789, 0.2137274526848},
                                     {0.3340850613712, 0.2290642403242},
                                     {0.4901123135679, 0.6277975316475}}};
  constexpr double kAround = 0.25;
  FivePoints points = kMeanFace;
  // dlib's chips reach from the middle of their first pixel to that of the last one.
  for (Point& point : points) {
    point.x = (point.x + kAround) / (1 + 2 * kAround) * (size.width - 1) + 0.5;
    point.y = (point.y + kAround) / (1 + 2 * kAround) * (size.height - 1) + 0.5;
  }
  return points;
}

Image align_face(const Image& image, const FoundFace& face, ImageSize size) {
  check_picture(image);
  check_size(ErrorKind::bad_argument, size.width, size.height, "size to align a face at");
  const Similarity similarity = fit(face, size);
  // So many samples along a pixel's side that no pixel of the picture is passed over; the picture's
  // own side is enough for all of the new one's.
  const double most = std::ceil(static_cast<double>(std::max(image.width, image.height)) /
                                std::min(size.width, size.height));
  const auto samples =
      static_cast<int>(std::ceil(std::clamp(std::abs(similarity.turn), 1.0, most)));
  Image result{size.width, size.height, {}};
  result.pixels.reserve(static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
  const double share = 1.0 / (static_cast<double>(samples) * samples);
  for (int row = 0; row < size.height; ++row) {
    for (int column = 0; column < size.width; ++column) {
      double sums[4] = {};
      for (int i = 0; i < samples; ++i) {
        for (int j = 0; j < samples; ++j) {
          const Complex place(column + (j + 0.5) / samples, row + (i + 0.5) / samples);
          add_sample(image, similarity.turn * place + similarity.shift, sums);
        }
      }
      result.pixels.push_back(static_cast<float>(sums[0] * share));
      if (image.colors.empty()) continue;
      for (size_t c = 0; c < 3; ++c) {
        result.colors.push_back(static_cast<float>(sums[1 + c] * share));
      }
    }
  }
  return result;
}

}  // namespace doppel::internal

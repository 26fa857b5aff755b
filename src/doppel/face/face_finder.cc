#include "doppel/face/face_finder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "doppel/error.h"
#include "doppel/face/face_detector.h"
#include "doppel/image/resize.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {
namespace {

// The detector's window: no smaller face is found.
constexpr double kWindow = 80;
// A picture that is a face's close crop shall hold two windows; doubled, one shows more detail.
constexpr int kSmallSide = 300;
// What is searched of a picture, without its continued border: the time grows with it.
constexpr double kMostSearched = 1.2e6;
// Where there is no sure face, one with at least this score will do.
constexpr double kLeastScore = -0.3;

constexpr const char* kLandmarksFile = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";

// The picture as it is searched: scaled, 8 bits, its border continued by a third.
struct Searched {
  double scale_x = 1, scale_y = 1;  // from the picture's pixels to the searched ones
  long border_x = 0, border_y = 0;
  GreyPixels pixels;

  Point in_picture(double x, double y) const {
    return {(x - static_cast<double>(border_x) + 0.5) / scale_x,
            (y - static_cast<double>(border_y) + 0.5) / scale_y};
  }
};

double search_scale(const Image& image) {
  const int shorter = std::min(image.width, image.height);
  double scale = 1;
  if (shorter < kSmallSide) scale = std::max(2.0, 2 * kWindow / shorter);
  const double area = static_cast<double>(image.width) * image.height;
  return std::min({scale, std::sqrt(kMostSearched / area),
                   static_cast<double>(kMostSide) / std::max(image.width, image.height)});
}

Searched searched(const Image& image) {
  const double scale = search_scale(image);
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side * scale)));
  };
  Image grey{image.width, image.height, image.pixels};  // colours are not looked at
  grey = resize(grey, scaled(image.width), scaled(image.height));
  Searched result;
  result.scale_x = static_cast<double>(grey.width) / image.width;
  result.scale_y = static_cast<double>(grey.height) / image.height;
  result.border_x = grey.width / 3;
  result.border_y = grey.height / 3;
  GreyPixels& pixels = result.pixels;
  pixels.height = grey.height + 2 * result.border_y;
  pixels.width = grey.width + 2 * result.border_x;
  pixels.values.reserve(static_cast<size_t>(pixels.height * pixels.width));
  for (long y = 0; y < pixels.height; ++y) {
    const auto row = static_cast<int>(std::clamp<long>(y - result.border_y, 0, grey.height - 1));
    for (long x = 0; x < pixels.width; ++x) {
      const auto column =
          static_cast<int>(std::clamp<long>(x - result.border_x, 0, grey.width - 1));
      pixels.values.push_back(
          static_cast<uint8_t>(std::clamp(grey.at(row, column), 0.0f, 1.0f) * 255.0f + 0.5f));
    }
  }
  return result;
}

// The middle of the landmarks first .. last - 1.
Point middle(const Searched& searched, const DetectedFace& found, size_t first, size_t last) {
  double x = 0, y = 0;
  for (size_t i = first; i < last; ++i) {
    x += static_cast<double>(found.landmarks[i].x);
    y += static_cast<double>(found.landmarks[i].y);
  }
  const auto count = static_cast<double>(last - first);
  return searched.in_picture(x / count, y / count);
}

FoundFace box_of(const Searched& searched, const DetectedFace& found) {
  FoundFace face;
  face.left = static_cast<double>(found.left - searched.border_x) / searched.scale_x;
  face.top = static_cast<double>(found.top - searched.border_y) / searched.scale_y;
  face.width = static_cast<double>(found.width) / searched.scale_x;
  face.height = static_cast<double>(found.height) / searched.scale_y;
  face.score = found.score;
  return face;
}

FoundFace face_of(const Searched& searched, const DetectedFace& found) {
  FoundFace face = box_of(searched, found);
  face.left_eye = middle(searched, found, 36, 42);
  face.right_eye = middle(searched, found, 42, 48);
  face.mouth = middle(searched, found, 48, 60);
  return face;
}

Point between(Point a, Point b, double part) {
  return {a.x + part * (b.x - a.x), a.y + part * (b.y - a.y)};
}

FoundFace face_of(const Searched& searched, const DetectedFace& found, FivePoints points) {
  // Of the mean face: how far below the eyes the mouth is, in distances of the nose's base.
  constexpr double kMouthBelowEyes = 1.38;
  for (Point& point : points) point = searched.in_picture(point.x, point.y);
  FoundFace face = box_of(searched, found);
  face.right_eye = between(points[0], points[1], 0.5);
  face.left_eye = between(points[2], points[3], 0.5);
  face.mouth = between(between(face.left_eye, face.right_eye, 0.5), points[4], kMouthBelowEyes);
  face.five_points = points;
  return face;
}

}  // namespace

bool can_find_faces() {
#if DOPPEL_HAS_DLIB
  return true;
#else
  return false;
#endif
}

FaceFinder::FaceFinder(std::filesystem::path landmarks)
    : landmarks_(landmarks.empty() ? kLandmarksFile : std::move(landmarks)) {
  if (can_find_faces()) return;
  throw Error(ErrorKind::unavailable,
              "faces cannot be found: this program was built without dlib; install libdlib-dev and "
              "libdlib-data and build it with -DDOPPEL_DLIB=ON");
}

FaceFinder::FaceFinder(std::shared_ptr<const FivePointFinder> five_points)
    : FaceFinder(std::filesystem::path()) {
  five_points_ = std::move(five_points);
  if (five_points_) landmarks_.clear();
}

std::vector<FoundFace> FaceFinder::find(const Image& image) const {
  const Searched in = searched(image);
  std::vector<FoundFace> faces;
  for (const DetectedFace& found : face_detector().find(in.pixels, kLeastScore, landmarks_)) {
    faces.push_back(five_points_ ? face_of(in, found, five_points_->find(in.pixels, found))
                                 : face_of(in, found));
  }
  return faces;
}

}  // namespace doppel::internal

#include "doppel/face/face_finder.h"

#include "doppel/base/error.h"

#if DOPPEL_HAS_DLIB

#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include "doppel/image/resize.h"
#include "doppel/image/size_limits.h"

namespace doppel {
namespace {

namespace fs = std::filesystem;

// The detector's window: no smaller face is found.
constexpr double kWindow = 80;
// A picture that is a face's close crop shall hold two windows; doubled, one shows more detail.
constexpr int kSmallSide = 300;
// What is searched of a picture, without its continued border: the time grows with it.
constexpr double kMostSearched = 1.2e6;
// Where there is no sure face, one with at least this score will do.
constexpr double kLeastScore = -0.3;

constexpr const char* kLandmarksFile = "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";
constexpr unsigned long kLandmarks = 68;

std::shared_ptr<const dlib::shape_predictor> read_landmarks(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorKind::io, path.string() +
                                   ": the landmarks' model that aligning faces takes cannot be "
                                   "read; Debian has it in the package libdlib-data");
  }
  auto predictor = std::make_shared<dlib::shape_predictor>();
  try {
    dlib::deserialize(*predictor, file);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_data,
                path.string() + ": no shape predictor of dlib: " + error.what());
  }
  if (predictor->num_parts() != kLandmarks) {
    throw Error(ErrorKind::bad_data, path.string() + ": a shape predictor of " +
                                         std::to_string(kLandmarks) + " points was expected, not " +
                                         std::to_string(predictor->num_parts()));
  }
  return predictor;
}

// Read once for the whole program: it takes a second and 100 MB.
std::shared_ptr<const dlib::shape_predictor> landmarks_of(const fs::path& path) {
  static std::mutex mutex;
  static std::map<fs::path, std::shared_ptr<const dlib::shape_predictor>> known;
  const std::lock_guard lock(mutex);
  auto& predictor = known[path];
  if (!predictor) predictor = read_landmarks(path);
  return predictor;
}

// The picture as it is searched: scaled by `scale`, 8 bits, its border continued by a third.
struct Searched {
  double scale_x = 1, scale_y = 1;  // from the picture's pixels to the searched ones
  long border_x = 0, border_y = 0;
  dlib::array2d<unsigned char> pixels;

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

void fill_searched(const Image& image, Searched& searched) {
  const double scale = search_scale(image);
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side * scale)));
  };
  Image grey{image.width, image.height, image.pixels};  // colours are not looked at
  grey = resize(grey, scaled(image.width), scaled(image.height));
  searched.scale_x = static_cast<double>(grey.width) / image.width;
  searched.scale_y = static_cast<double>(grey.height) / image.height;
  searched.border_x = grey.width / 3;
  searched.border_y = grey.height / 3;
  searched.pixels.set_size(grey.height + 2 * searched.border_y, grey.width + 2 * searched.border_x);
  for (long y = 0; y < searched.pixels.nr(); ++y) {
    const auto row = static_cast<int>(std::clamp<long>(y - searched.border_y, 0, grey.height - 1));
    for (long x = 0; x < searched.pixels.nc(); ++x) {
      const auto column =
          static_cast<int>(std::clamp<long>(x - searched.border_x, 0, grey.width - 1));
      searched.pixels[y][x] =
          static_cast<unsigned char>(std::clamp(grey.at(row, column), 0.0f, 1.0f) * 255.0f + 0.5f);
    }
  }
}

// The middle of the points first .. last - 1 of the 68.
Point middle(const Searched& searched, const dlib::full_object_detection& shape,
             unsigned long first, unsigned long last) {
  double x = 0, y = 0;
  for (unsigned long i = first; i < last; ++i) {
    x += static_cast<double>(shape.part(i).x());
    y += static_cast<double>(shape.part(i).y());
  }
  const auto count = static_cast<double>(last - first);
  return searched.in_picture(x / count, y / count);
}

FoundFace face_of(const Searched& searched, const dlib::rect_detection& found,
                  const dlib::shape_predictor& landmarks) {
  const dlib::full_object_detection shape = landmarks(searched.pixels, found.rect);
  FoundFace face;
  face.left = static_cast<double>(found.rect.left() - searched.border_x) / searched.scale_x;
  face.top = static_cast<double>(found.rect.top() - searched.border_y) / searched.scale_y;
  face.width = static_cast<double>(found.rect.width()) / searched.scale_x;
  face.height = static_cast<double>(found.rect.height()) / searched.scale_y;
  face.score = found.detection_confidence;
  face.left_eye = middle(searched, shape, 36, 42);
  face.right_eye = middle(searched, shape, 42, 48);
  face.mouth = middle(searched, shape, 48, 60);
  return face;
}

}  // namespace

// A detector keeps what it computes, so each thread takes one of its own; they are kept, for it
// takes longer to make one than to search a small picture.
struct FaceFinder::Detectors {
  fs::path landmarks;
  std::mutex mutex;
  std::vector<std::unique_ptr<dlib::frontal_face_detector>> idle;

  std::unique_ptr<dlib::frontal_face_detector> take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) {
      return std::make_unique<dlib::frontal_face_detector>(dlib::get_frontal_face_detector());
    }
    auto detector = std::move(idle.back());
    idle.pop_back();
    return detector;
  }
  void give_back(std::unique_ptr<dlib::frontal_face_detector> detector) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(detector));
  }
};

bool can_find_faces() { return true; }

FaceFinder::FaceFinder(fs::path landmarks) : detectors_(std::make_unique<Detectors>()) {
  detectors_->landmarks = landmarks.empty() ? fs::path(kLandmarksFile) : std::move(landmarks);
}

std::vector<FoundFace> FaceFinder::find(const Image& image) const {
  Searched searched;
  fill_searched(image, searched);
  std::vector<dlib::rect_detection> found;
  auto detector = detectors_->take();
  (*detector)(searched.pixels, found, kLeastScore);
  detectors_->give_back(std::move(detector));
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.detection_confidence > b.detection_confidence;
  });
  std::vector<FoundFace> faces;
  for (const dlib::rect_detection& one : found) {
    const bool sure = one.detection_confidence >= 0;
    if (!sure && !faces.empty() && faces.front().score >= 0) break;
    faces.push_back(face_of(searched, one, *landmarks_of(detectors_->landmarks)));
  }
  return faces;
}

FaceFinder::~FaceFinder() = default;

}  // namespace doppel

#else  // without a detector

namespace doppel {

struct FaceFinder::Detectors {};

bool can_find_faces() { return false; }

FaceFinder::FaceFinder(std::filesystem::path) {
  throw Error(ErrorKind::bad_argument,
              "faces cannot be found: this program was built without dlib; install libdlib-dev and "
              "libdlib-data and build it with -DDOPPEL_DLIB=ON");
}

std::vector<FoundFace> FaceFinder::find(const Image&) const { return {}; }

FaceFinder::~FaceFinder() = default;

}  // namespace doppel

#endif

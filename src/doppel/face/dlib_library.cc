// libdoppel_faces.so: dlib's frontal detector and its landmarks.
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>

// Debian's dlib is built to call BLAS and LAPACK, whose last bits differ from machine to machine;
// its own loops do for the small matrices of an alignment.
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK

#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "doppel/error.h"
#include "doppel/face/face_detector.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

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
  if (predictor->num_parts() != DetectedFace::kLandmarks) {
    throw Error(ErrorKind::bad_data, path.string() + ": a shape predictor of " +
                                         std::to_string(DetectedFace::kLandmarks) +
                                         " points was expected, not " +
                                         std::to_string(predictor->num_parts()));
  }
  return predictor;
}

// Read once for the whole process: it takes a second and 100 MB.
std::shared_ptr<const dlib::shape_predictor> landmarks_of(const fs::path& path) {
  static std::mutex mutex;
  static std::map<fs::path, std::shared_ptr<const dlib::shape_predictor>> known;
  const std::lock_guard lock(mutex);
  auto& predictor = known[path];
  if (!predictor) predictor = read_landmarks(path);
  return predictor;
}

class DlibDetector final : public FaceDetector {
 public:
  std::vector<DetectedFace> find(const GreyPixels& grey, double least_score,
                                 const fs::path& landmarks) const override {
    dlib::array2d<unsigned char> pixels(grey.height, grey.width);
    for (long y = 0; y < grey.height; ++y) {
      std::copy_n(&grey.values[static_cast<size_t>(y * grey.width)], grey.width, &pixels[y][0]);
    }
    std::vector<dlib::rect_detection> found;
    auto detector = take();
    (*detector)(pixels, found, least_score);
    give_back(std::move(detector));
    std::ranges::stable_sort(found, std::ranges::greater(),
                             &dlib::rect_detection::detection_confidence);
    std::vector<DetectedFace> faces;
    for (const dlib::rect_detection& one : found) {
      const bool sure = one.detection_confidence >= 0;
      if (!sure && !faces.empty() && faces.front().score >= 0) break;
      DetectedFace face{one.rect.left(),
                        one.rect.top(),
                        static_cast<long>(one.rect.width()),
                        static_cast<long>(one.rect.height()),
                        one.detection_confidence,
                        {}};
      if (!landmarks.empty()) {
        const dlib::full_object_detection shape = (*landmarks_of(landmarks))(pixels, one.rect);
        for (size_t i = 0; i < DetectedFace::kLandmarks; ++i) {
          face.landmarks.push_back({shape.part(i).x(), shape.part(i).y()});
        }
      }
      faces.push_back(face);
    }
    return faces;
  }

 private:
  // A detector keeps what it computes, so each thread takes one of its own; they are kept, for it
  // takes longer to make one than to search a small picture.
  std::unique_ptr<dlib::frontal_face_detector> take() const {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) {
      return std::make_unique<dlib::frontal_face_detector>(dlib::get_frontal_face_detector());
    }
    auto detector = std::move(idle_.back());
    idle_.pop_back();
    return detector;
  }
  void give_back(std::unique_ptr<dlib::frontal_face_detector> detector) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(detector));
  }

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<dlib::frontal_face_detector>> idle_;
};

}  // namespace
}  // namespace doppel::internal

extern "C" __attribute__((visibility("default"))) const doppel::internal::FaceDetector*
doppel_face_detector() {
  static const doppel::internal::DlibDetector detector;
  return &detector;
}

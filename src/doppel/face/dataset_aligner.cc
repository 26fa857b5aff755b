#include "doppel/face/dataset_aligner.h"

#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/face/align.h"
#include "doppel/face/choose.h"

namespace doppel::internal {
namespace {

// Its places times these factors.
FoundFace stretched(FoundFace face, double x, double y) {
  for (Point* place : face.places()) *place = {place->x * x, place->y * y};
  return face;
}

}  // namespace

std::optional<Image> DatasetAligner::align(const Image& image, const std::string& name) {
  std::vector<FoundFace> found = finder_.find(image);
  std::optional<FoundFace> face;
  if (!found.empty()) face = choose_faces(std::move(found), FaceChoice::largest, name).front();
  {
    const std::lock_guard lock(mutex_);
    std::optional<FoundFace>& known = faces_[name];
    if (face) known = stretched(*face, 1.0 / image.width, 1.0 / image.height);
  }
  if (!face) return {};
  return align_face(image, *face, size_);
}

Image DatasetAligner::place(const Image& image, const std::string& name) const {
  std::optional<FoundFace> sum;
  double count = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [other, face] : faces_) {
      if (!face) continue;
      count += 1;
      if (!sum) sum = stretched(*face, 0, 0);
      FoundFace one = *face;
      const std::vector<Point*> from = one.places(), to = sum->places();
      for (size_t i = 0; i < to.size(); ++i) {
        *to[i] = {to[i]->x + from[i]->x, to[i]->y + from[i]->y};
      }
    }
  }
  if (!sum) {
    throw Error(ErrorKind::bad_data,
                name +
                    ": no face was found in this image, nor in any other of these; aligning is "
                    "for photos of faces");
  }
  return align_face(image, stretched(*sum, image.width / count, image.height / count), size_);
}

std::optional<std::string> DatasetAligner::note() const {
  const std::lock_guard lock(mutex_);
  size_t missing = 0;
  const std::string* first = nullptr;
  for (const auto& [name, face] : faces_) {
    if (face) continue;
    if (missing++ == 0) first = &name;
  }
  if (missing == 0) return {};
  return "no face was found in " + std::to_string(missing) + " of " +
         std::to_string(faces_.size()) +
         " images; placed as the others are on the average: " + *first +
         (missing > 1 ? " and others" : "");
}

}  // namespace doppel::internal

#include "doppel/model/photo_faces.h"

#include <utility>

#include "doppel/error.h"
#include "doppel/face/align.h"
#include "doppel/image/content.h"

namespace doppel::internal {
namespace {

// A face that is found is at least about a tenth of the shorter side; so it keeps 100 pixels.
constexpr int kPhotoSide = 1000;

// In pixels of the photo as it was before it was decoded at a part of its size.
FoundFace enlarged(FoundFace face, int divisor) {
  for (double* side : {&face.left, &face.top, &face.width, &face.height}) *side *= divisor;
  for (Point* place : face.places()) *place = {place->x * divisor, place->y * divisor};
  return face;
}

}  // namespace

PhotoFaces::PhotoFaces(const Model& model)
    : input_(model.preprocessing), color_(model.embedder->takes_color()) {
  if (model.preprocessing.align) {
    finder_ = std::make_unique<FaceFinder>(model.embedder->five_points());
  }
}

PhotoFaces::~PhotoFaces() = default;

DecodeOptions PhotoFaces::decoding() const {
  return {.color = color_, .shorter_side = finder_ ? kPhotoSide : 0};
}

std::vector<PhotoFace> PhotoFaces::of(const Image& photo, FaceChoice choice,
                                      const std::string& name) const {
  if (!finder_) {
    std::vector<PhotoFace> faces = whole(photo);
    if (faces.empty() && choice != FaceChoice::all) {
      throw Error(ErrorKind::no_face,
                  "no face was found in " + name +
                      ": the picture is of one grey, a gradient or noise, or less than 24 pixels "
                      "wide or high");
    }
    return faces;
  }
  std::vector<PhotoFace> faces;
  for (const FoundFace& face : choose_faces(finder_->find(photo), choice, name)) {
    Image aligned = align_face(photo, face, {input_.width, input_.height});
    const Looks looks = measure_looks(aligned);
    const FoundFace whole = enlarged(face, photo.divisor);
    faces.push_back(
        {whole.left, whole.top, whole.width, whole.height, std::move(aligned), looks, whole});
  }
  return faces;
}

std::vector<PhotoFace> PhotoFaces::whole(const Image& photo) const {
  if (!shows_something(photo)) return {};
  return {{0, 0, static_cast<double>(photo.width * photo.divisor),
           static_cast<double>(photo.height * photo.divisor), photo, measure_looks(photo, input_)}};
}

}  // namespace doppel::internal

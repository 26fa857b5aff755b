#include "doppel/model/photo_faces.h"

#include "doppel/face/align.h"

namespace doppel {
namespace {

// A face that is found is at least about a tenth of the shorter side; so it keeps 100 pixels.
constexpr int kPhotoSide = 1000;

}  // namespace

PhotoFaces::PhotoFaces(const Model& model)
    : size_{model.preprocessing.width, model.preprocessing.height}, color_(takes_color(model)) {
  if (model.preprocessing.align) finder_ = std::make_unique<FaceFinder>();
}

PhotoFaces::~PhotoFaces() = default;

DecodeOptions PhotoFaces::decoding() const {
  return {.color = color_, .shorter_side = finder_ ? kPhotoSide : 0};
}

std::vector<PhotoFace> PhotoFaces::of(const Image& photo, FaceChoice choice,
                                      const std::string& name) const {
  std::vector<PhotoFace> faces;
  if (!finder_) {
    faces.push_back(whole(photo));
    return faces;
  }
  for (const FoundFace& face : choose_faces(finder_->find(photo), choice, name)) {
    faces.push_back(
        {face.left, face.top, face.width, face.height, align_face(photo, face, size_), face});
  }
  return faces;
}

PhotoFace PhotoFaces::whole(const Image& photo) {
  return {0, 0, static_cast<double>(photo.width), static_cast<double>(photo.height), photo};
}

std::vector<PhotoFace> PhotoFaces::load(const std::filesystem::path& path,
                                        FaceChoice choice) const {
  return of(load_image(path, decoding()), choice, path.string());
}

}  // namespace doppel

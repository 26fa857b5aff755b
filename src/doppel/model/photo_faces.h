// A photo in, the faces in it out as a model takes them: one way for all that is compared with it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "doppel/face/choose.h"
#include "doppel/face/face_finder.h"
#include "doppel/image/decode.h"
#include "doppel/image/image.h"
#include "doppel/image/looks.h"
#include "doppel/model/model.h"

namespace doppel::internal {

struct PhotoFace {
  double left = 0, top = 0, width = 0,
         height = 0;                    // its box, in pixels of the photo as it was sent
  Image image;                          // for embed_images()
  Looks looks;                          // of that at the size that the model takes
  std::optional<FoundFace> found = {};  // none where the photo was taken as it is
};

// The faces of photos for one model. Where the model was trained on pictures as they are, a photo
// is one face, unless it shows nothing at all (image/content.h). Where it was trained with
// alignment, faces are found, chosen and aligned to the model's size as those of its training were.
class PhotoFaces {
 public:
  // Throws as FaceFinder does where the model aligns and this program cannot.
  explicit PhotoFaces(const Model& model);
  ~PhotoFaces();

  // The chosen faces of a photo, of `all` perhaps none; `name` is what errors call it. Several
  // threads may call this at once. Throws as FaceFinder::find() and choose_faces() do;
  // Error(no_face) where the photo shows nothing and one face is to be chosen.
  std::vector<PhotoFace> of(const Image& photo, FaceChoice choice, const std::string& name) const;

  // The whole photo as one face; none where it shows nothing.
  std::vector<PhotoFace> whole(const Image& photo) const;

  // How to decode photos for of(): with colours where the model takes them; a model that aligns
  // needs no more than is searched for faces, so that large photos take little memory.
  DecodeOptions decoding() const;

 private:
  Preprocessing input_;
  bool color_;
  std::unique_ptr<FaceFinder> finder_;  // null: photos are taken as they are
};

}  // namespace doppel::internal

// The images of a whole data set in, one by one, each one's face aligned out; what is no face that
// can be found is placed as the others are on the average.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "doppel/face/face_finder.h"
#include "doppel/face/found_face.h"
#include "doppel/image/image.h"

namespace doppel::internal {

class DatasetAligner {
 public:
  // Pictures become `size`, their faces placed by five points where a finder of these is given.
  // Throws as FaceFinder does where there is no detector.
  explicit DatasetAligner(ImageSize size,
                          std::shared_ptr<const FivePointFinder> five_points = nullptr)
      : finder_(std::move(five_points)), size_(size) {}

  // The largest face of the image, aligned; nothing where none is found. `name` tells images apart.
  // Several threads may call this at once.
  std::optional<Image> align(const Image& image, const std::string& name);

  // An image in which none was found, cut as if its face were where the aligned ones' are on the
  // average, in parts of width and height. To be called once all images were given to align(): the
  // average then does not depend on their order. Throws Error(bad_data) where no face was found at
  // all.
  Image place(const Image& image, const std::string& name) const;

  // "no face was found in 2 of 400 images, ..: ..", or nothing where each had one.
  std::optional<std::string> note() const;

 private:
  FaceFinder finder_;
  ImageSize size_;
  mutable std::mutex mutex_;
  // By the image's name: the face in parts of the image's width and height, nothing for none.
  std::map<std::string, std::optional<FoundFace>> faces_;
};

}  // namespace doppel::internal

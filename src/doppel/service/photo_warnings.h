// What an operator should know of the photos that a service knows and meets.
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "doppel/gallery/photo_notices.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"
#include "doppel/service/served_gallery.h"

namespace doppel::internal {

// Several threads may use it at once.
class PhotoWarnings {
 public:
  // The answer of each face.
  void add(std::span<const PhotoFace> faces, std::span<const Answer> answers);
  void add_visit(const Visit& visit, const Answer& answer);

  // A sentence each: that the model is none for people, and gallery/photo_notices.h's.
  std::vector<std::string> all(const Model& model, ServedGallery& gallery) const;

 private:
  mutable std::mutex mutex_;
  ProbeNotices probes_;
};

}  // namespace doppel::internal

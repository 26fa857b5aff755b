// A photo as CompreFace's routes take it and tell of it: the faces that the parameters let through,
// and their objects in the answers.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/service/request_photos.h"
#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

// What the parameters of a photo's routes say.
struct PhotoOptions {
  size_t limit = 0;  // of faces; 0: all
  double least_probability = 0;
  bool embeddings = false, landmarks = false, status = false, whole = false;

  // Throws Error(bad_argument) and Refusal(bad_parameter) naming the parameter.
  explicit PhotoOptions(const RouteRequest& request);
};

// A photo's faces that the options let through, the largest first, and how long it took.
struct FoundFaces {
  std::string bytes;  // of the photo
  RequestPhoto photo;
  Matrix embeddings;  // one row each
  double detector_ms = 0, calculator_ms = 0;
};

// The faces of the photo in the body's `field`, with their embeddings where `embed` is set. Throws
// Refusal: unreadable_photo, no_face, and as photo_field() and read_photo() do.
FoundFaces find_faces(const RouteRequest& request, const std::string& field,
                      const PhotoOptions& options, bool embed, ServiceParts& parts);

// {"box", and what the options ask for}.
nlohmann::json face_json(const FoundFaces& found, size_t i, const PhotoOptions& options);

// "plugins_versions", where the options ask for them.
void add_versions(nlohmann::json& document, const PhotoOptions& options, const ServiceParts& parts);

// What the documentation says of PhotoOptions.
std::vector<QueryParameter> compreface_photo_parameters();

nlohmann::json values_json(std::span<const float> row);

}  // namespace doppel::internal

#include "doppel/service/compreface_photo.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/service/compreface_request.h"

namespace doppel::internal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostFaces = 10'000;

// The detector's score by the logistic function: 0.5 where it is undecided. A photo that is taken
// as a face is one for sure.
double probability_of(const PhotoFace& face) {
  return face.found ? std::round(1e5 / (1 + std::exp(-2 * face.found->score))) / 1e5 : 1.0;
}

double ms_since(Clock::time_point start) {
  return std::round(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
}

}  // namespace

PhotoOptions::PhotoOptions(const RouteRequest& request)
    : limit(request.number("limit", 0, 0, kMostFaces)),
      status(request.flag("status", false)),
      whole(!request.flag("detect_faces", true)) {
  const std::string& least = request.text("det_prob_threshold");
  if (!least.empty()) {
    const auto [end, error] =
        std::from_chars(least.data(), least.data() + least.size(), least_probability);
    if (error != std::errc() || end != least.data() + least.size() || least_probability < 0 ||
        least_probability > 1) {
      refuse(CompreFaceCode::bad_parameter,
             "det_prob_threshold: a number from 0 to 1 was expected");
    }
  }
  const std::string plugins = "," + request.text("face_plugins") + ",";
  embeddings = plugins.find(",calculator,") != std::string::npos;
  landmarks = plugins.find(",landmarks,") != std::string::npos;
}
FoundFaces find_faces(const RouteRequest& request, const std::string& field,
                      const PhotoOptions& options, bool embed, ServiceParts& parts) {
  FoundFaces found;
  found.bytes = photo_field(request.http, field);
  const Clock::time_point start = Clock::now();
  try {
    found.photo = read_photo(request, found.bytes, field, FaceChoice::all, options.whole, parts);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    refuse(CompreFaceCode::unreadable_photo, error.what());
  }
  std::vector<PhotoFace>& faces = found.photo.faces;
  std::erase_if(faces, [&](const PhotoFace& face) {
    return probability_of(face) < options.least_probability;
  });
  std::ranges::stable_sort(faces, [](const PhotoFace& a, const PhotoFace& b) {
    return a.width * a.height > b.width * b.height;
  });
  if (options.limit > 0 && faces.size() > options.limit) {
    faces.erase(faces.begin() + static_cast<std::ptrdiff_t>(options.limit), faces.end());
  }
  found.detector_ms = ms_since(start);
  if (faces.empty()) refuse(CompreFaceCode::no_face, "No face is found in the given image");
  if (!embed) return found;
  const Clock::time_point detected = Clock::now();
  std::vector<Image> images;
  images.reserve(faces.size());
  for (PhotoFace& face : faces) images.push_back(face.image);
  EachEmbedding embedded = parts.batches.embed(std::move(images));
  for (const std::optional<std::string>& fault : embedded.faults) {
    if (fault) refuse(CompreFaceCode::unreadable_photo, field + ": its embedding " + *fault);
  }
  found.embeddings = std::move(embedded.rows);
  found.calculator_ms = ms_since(detected);
  return found;
}

nlohmann::json face_json(const FoundFaces& found, size_t i, const PhotoOptions& options) {
  const PhotoFace& face = found.photo.faces[i];
  const auto pixel = [](double value) { return static_cast<int64_t>(std::lround(value)); };
  nlohmann::json document = {{"box",
                              {{"probability", probability_of(face)},
                               {"x_min", pixel(face.left)},
                               {"y_min", pixel(face.top)},
                               {"x_max", pixel(face.left + face.width)},
                               {"y_max", pixel(face.top + face.height)}}}};
  if (options.embeddings) document["embedding"] = values_json(found.embeddings.row(i));
  if (options.landmarks && face.found) {
    nlohmann::json& points = document["landmarks"] = nlohmann::json::array();
    for (const Point& point : {face.found->left_eye, face.found->right_eye, face.found->mouth}) {
      points.push_back({pixel(point.x), pixel(point.y)});
    }
  }
  if (options.status) {
    document["execution_time"] = {{"detector", found.detector_ms},
                                  {"calculator", found.calculator_ms}};
  }
  return document;
}

void add_versions(nlohmann::json& document, const PhotoOptions& options,
                  const ServiceParts& parts) {
  if (!options.status) return;
  document["plugins_versions"] = {
      {"detector", parts.model.preprocessing.align ? "dlib.FrontalFaceDetector" : "whole photo"},
      {"calculator", "doppel." + parts.digest.substr(0, 12)}};
}

std::vector<QueryParameter> compreface_photo_parameters() {
  return {{"limit", "integer", "How many faces, the largest first; 0 is all"},
          {"det_prob_threshold", "number", "How sure of a face the detector has to be, 0 to 1"},
          {"face_plugins", "string", "calculator (embeddings), landmarks; separated by commas"},
          {"status", "boolean", "With times and versions"},
          {"detect_faces", "boolean", "false: the photo is a face"}};
}

nlohmann::json values_json(std::span<const float> row) {
  return std::vector<float>(row.begin(), row.end());
}

}  // namespace doppel::internal

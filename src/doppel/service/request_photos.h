// The photos of a request: from its form, or from JSON in base64, to the faces on them and their
// embeddings. Never from a path or an address that a client names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/error.h"
#include "doppel/face/choose.h"
#include "doppel/model/photo_faces.h"
#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

inline constexpr size_t kMostRequestPhotos = 64;

// A photo, its faces and in the end their embeddings; or why there are none.
struct RequestPhoto {
  std::string name;
  std::vector<PhotoFace> faces;  // boxes in pixels of the photo as it was sent
  size_t first = 0;              // of its rows among all embeddings
  std::string image_digest;      // image/image_digest.h
  std::optional<Error> problem;
};

// Decodes a photo and finds its faces, the surest first; with `whole`, it is itself a face, if it
// shows anything. They
// are brought to the model's size at once, which changes no bit of what it makes of them, so that
// many large photos of one request do not lie in memory together. Throws as decode_image() and
// PhotoFaces::of() do, and Refusal(503) where the request's time is over before its turn comes.
RequestPhoto read_photo(const RouteRequest& request, std::string_view bytes,
                        const std::string& name, FaceChoice choice, bool whole,
                        const ServiceParts& parts);

// All parts of the request's form, whatever their fields are called; at least one. What is wrong
// with a photo stands beside it. Throws Error(bad_argument) as read_form() does.
std::vector<RequestPhoto> read_photos(const RouteRequest& request, FaceChoice choice,
                                      const ServiceParts& parts);

// The bytes of the photo that a form's field, or a JSON body's, of this name holds. Throws
// Refusal(400): 33 where a form has none, 5 where a JSON body has none or it is no base64, and as
// read_form() and json_body() do.
std::string photo_field(const HttpRequest& request, const std::string& name);

// Moves all faces' images out and gives their embeddings, one row each. A photo of which one cannot
// be embedded gets that as its problem, and no rows.
Matrix embed_faces(std::vector<RequestPhoto>& photos, ServiceParts& parts);

// Before a photo with these bytes is enrolled. Throws as refuse_person() of
// gallery/synthetic_model.h does, unless the service is to take such photos.
void check_model_for(std::string_view bytes, const std::string& name, const ServiceParts& parts);

// Throws the first photo's problem, where one has any.
void throw_problems(const std::vector<RequestPhoto>& photos);

// [left, top, width, height].
nlohmann::json box_json(const PhotoFace& face);

// {"file", "faces": [...]}, or {"file", "error"}; `of_face(row, face)` gives a face's object.
template <typename OfFace>
nlohmann::json photos_json(const std::vector<RequestPhoto>& photos, const OfFace& of_face) {
  nlohmann::json documents = nlohmann::json::array();
  for (const RequestPhoto& photo : photos) {
    nlohmann::json document = {{"file", photo.name}};
    if (photo.problem) {
      document["error"] = {{"code", 400}, {"message", photo.problem->what()}};
    } else {
      nlohmann::json& faces = document["faces"] = nlohmann::json::array();
      for (size_t i = 0; i < photo.faces.size(); ++i) {
        faces.push_back(of_face(photo.first + i, photo.faces[i]));
      }
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace doppel::internal

// The routes of CompreFace 1.2 under /api/v1, for the programs that speak to it: the same paths,
// verbs, parameters, bodies and errors
// (https://github.com/exadel-inc/CompreFace/blob/master/docs/Rest-API-description.md).
//
// What differs:
// * A face of nobody in the gallery says "unknown": true beside its nearest people.
// * A similarity is similarity_of() its distance: 0.5 is where the gallery, or for two photos the
//   model, draws the line.
// * A photo is enrolled once: again for the same subject gives the image_id it has.
// * Of the plugins there are calculator and landmarks (the eyes and the mouth); others give
// nothing.
// * Photos are there to be downloaded only where the gallery keeps them.
// * What changes the gallery, gives its photos, or compares given embeddings with its templates
//   needs a key of the role admin; but for GET such requests have no parameters beside the known
//   ones, and a DELETE has no slash at its end, no empty parameter and no body (check_meant()).
#pragma once

#include <cstdint>
#include <string>

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

// CommonExceptionCode of CompreFace.
enum class CompreFaceCode {
  image_not_found = 11,
  unreadable_photo = 21,
  bad_parameter = 26,
  no_face = 28,
  too_many_faces = 31,
  missing_parameter = 33,
  bad_argument = 36,
  wrong_embeddings = 37,
  subject_not_found = 42,
  subject_exists = 43,
  embedding_not_found = 44,
};

// Throws Refusal with 404 for what is not found, else with 400.
[[noreturn]] void refuse(CompreFaceCode code, const std::string& message);

// The template that {image_id} of the path names, which need not be there any more. Throws
// Refusal: bad_argument for what is no UUID, `missing` for one that is not of this gallery.
int64_t image_in_path(const RouteRequest& request, const ServiceParts& parts,
                      CompreFaceCode missing);

// The body as a JSON object. Throws as json_body() does, and Refusal(bad_argument).
nlohmann::json object_body(const HttpRequest& request);

}  // namespace doppel::internal

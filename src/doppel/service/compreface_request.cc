#include "doppel/service/compreface_request.h"

#include <optional>

#include "doppel/service/image_id.h"

namespace doppel::internal {

void refuse(CompreFaceCode code, const std::string& message) {
  const bool not_found = code == CompreFaceCode::image_not_found ||
                         code == CompreFaceCode::subject_not_found ||
                         code == CompreFaceCode::embedding_not_found;
  throw Refusal(not_found ? 404 : 400, static_cast<int>(code), message);
}

int64_t image_in_path(const RouteRequest& request, const ServiceParts& parts,
                      CompreFaceCode missing) {
  const std::string& uuid = request.path.at("image_id");
  if (!is_uuid(uuid)) refuse(CompreFaceCode::bad_argument, "image_id: a UUID was expected");
  const std::optional<int64_t> id = template_of_image_id(parts.gallery.identity(), uuid);
  if (!id) refuse(missing, "Image " + uuid + " not found");
  return *id;
}

nlohmann::json object_body(const HttpRequest& request) {
  nlohmann::json body = json_body(request);
  if (!body.is_object()) refuse(CompreFaceCode::bad_argument, "body: a JSON object was expected");
  return body;
}

}  // namespace doppel::internal

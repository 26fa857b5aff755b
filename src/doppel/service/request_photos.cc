#include "doppel/service/request_photos.h"

#include <utility>

#include "doppel/base/base64.h"
#include "doppel/data/synthetic.h"
#include "doppel/gallery/synthetic_model.h"
#include "doppel/image/decode.h"
#include "doppel/image/image_digest.h"
#include "doppel/image/resize.h"
#include "doppel/service/turn.h"

namespace doppel::internal {
namespace {

std::string name_of(const FormPart& part, size_t index) {
  if (!part.file.empty()) return part.file;
  if (!part.name.empty()) return part.name;
  return std::string("photo ").append(std::to_string(index + 1));
}

bool has_json_body(const HttpRequest& request) {
  return request.header("content-type").starts_with("application/json");
}

}  // namespace

RequestPhoto read_photo(const RouteRequest& request, std::string_view bytes,
                        const std::string& name, FaceChoice choice, bool whole,
                        const ServiceParts& parts) {
  const Turn turn(parts.decoding, request);
  DecodeOptions options = parts.photos.decoding();
  options.most_pixels = parts.most_pixels;
  const Image image = decode_image(bytes, name, options);
  RequestPhoto photo;
  photo.name = name;
  photo.image_digest = image_digest(image);
  if (whole) {
    photo.faces = parts.photos.whole(image);
  } else {
    photo.faces = parts.photos.of(image, choice, name);
  }
  const Preprocessing& input = parts.model.preprocessing;
  for (PhotoFace& face : photo.faces) {
    face.image = resize(face.image, input.width, input.height);
  }
  return photo;
}

std::vector<RequestPhoto> read_photos(const RouteRequest& request, FaceChoice choice,
                                      const ServiceParts& parts) {
  std::vector<RequestPhoto> photos;
  for (const FormPart& part : read_form(request.http, kMostRequestPhotos)) {
    request.check_time();
    const std::string name = name_of(part, photos.size());
    try {
      photos.push_back(read_photo(request, part.bytes, name, choice, false, parts));
    } catch (const Error& error) {
      photos.emplace_back();
      photos.back().name = name;
      photos.back().problem = error;
    }
  }
  if (photos.empty()) throw Error(ErrorKind::bad_argument, "body: a photo was expected");
  return photos;
}

std::string photo_field(const HttpRequest& request, const std::string& name) {
  if (has_json_body(request)) {
    const nlohmann::json body = json_body(request);
    if (!body.is_object() || !body.contains(name) || !body[name].is_string()) {
      throw Refusal(400, 5, "Field " + name + " cannot be empty: a photo in base64 was expected");
    }
    std::string_view text = body[name].get_ref<const std::string&>();
    // Browsers write "data:image/png;base64," in front of it.
    if (text.starts_with("data:")) text.remove_prefix(std::min(text.find(',') + 1, text.size()));
    std::optional<std::string> bytes = from_base64(text);
    if (!bytes || bytes->empty()) throw Refusal(400, 5, name + ": base64 was expected");
    return std::move(*bytes);
  }
  for (const FormPart& part : read_form(request, kMostRequestPhotos)) {
    if (part.name == name) return std::string(part.bytes);
  }
  throw Refusal(400, 33, "Missing parameter: " + name);
}

Matrix embed_faces(std::vector<RequestPhoto>& photos, ServiceParts& parts) {
  std::vector<Image> images;
  for (RequestPhoto& photo : photos) {
    for (PhotoFace& face : photo.faces) images.push_back(std::move(face.image));
  }
  if (images.empty()) return {};
  const EachEmbedding embedded = parts.batches.embed(std::move(images));
  Matrix rows(0, embedded.rows.columns);
  size_t next = 0;
  for (RequestPhoto& photo : photos) {
    const size_t first = next;
    next += photo.faces.size();
    for (size_t i = first; i < next; ++i) {
      const std::optional<std::string>& fault = embedded.faults[i];
      if (fault)
        photo.problem = Error(ErrorKind::bad_data, photo.name + ": its embedding " + *fault);
    }
    if (photo.problem) photo.faces.clear();
    photo.first = rows.rows;
    for (size_t i = 0; i < photo.faces.size(); ++i) rows.append(embedded.rows.row(first + i));
  }
  return rows;
}

void check_model_for(std::string_view bytes, const std::string& name, const ServiceParts& parts) {
  if (parts.people_with_synthetic_model) return;
  refuse_person(parts.model, "The model that is served", is_synthetic_file(bytes), name,
                "start doppel serve with --force");
}

void throw_problems(const std::vector<RequestPhoto>& photos) {
  for (const RequestPhoto& photo : photos) {
    if (photo.problem) throw Error(*photo.problem);
  }
}

nlohmann::json box_json(const PhotoFace& face) {
  return {face.left, face.top, face.width, face.height};
}

}  // namespace doppel::internal

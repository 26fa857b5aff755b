#include "doppel/service/compreface_collection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/quality.h"
#include "doppel/service/compreface_photo.h"
#include "doppel/service/compreface_request.h"
#include "doppel/service/image_id.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostListed = 10'000;

// The subject a parameter names.
std::string subject_parameter(const RouteRequest& request) {
  if (!request.http.query.contains("subject")) {
    refuse(CompreFaceCode::missing_parameter, "Missing parameter: subject");
  }
  return request.text("subject");
}

// The name as the gallery keeps it.
std::string checked_subject(const std::string& given) {
  std::string name = normal_name(given);
  try {
    check_person_name(name, "subject");
  } catch (const Error& error) {
    refuse(CompreFaceCode::bad_parameter, error.what());
  }
  return name;
}

// The one of a JSON body, {"subject": "Ada"}.
std::string subject_of_body(const HttpRequest& request) {
  const json body = json_body(request);
  if (!body.is_object() || !body.contains("subject") || !body["subject"].is_string()) {
    refuse(CompreFaceCode::bad_parameter, "subject: a text was expected");
  }
  return checked_subject(body["subject"].get<std::string>());
}

json named_face(const Face& face, const ServiceParts& parts) {
  return {{"image_id", image_id(parts.gallery.identity(), face.id)}, {"subject", face.name}};
}

// ---- subjects

HttpResponse add_subject(const RouteRequest& request, ServiceParts& parts) {
  const std::string name = subject_of_body(request.http);
  parts.gallery.change([&](Gallery& gallery) {
    if (gallery.find(name)) refuse(CompreFaceCode::subject_exists, "Subject already exists");
    gallery.enrol(std::vector<NewPerson>{{name, {}}});
  });
  return json_response({{"subject", name}}, 201);
}

HttpResponse list_subjects(const RouteRequest&, ServiceParts& parts) {
  json names = json::array();
  parts.gallery.look([&](Gallery& gallery) {
    for (const Person& person : gallery.people()) names.push_back(person.name);
  });
  return json_response({{"subjects", names}});
}

HttpResponse rename_subject(const RouteRequest& request, ServiceParts& parts) {
  const std::string& from = request.path.at("subject");
  const std::string to = subject_of_body(request.http);
  parts.gallery.change([&](Gallery& gallery) {
    if (!gallery.find(from)) refuse(CompreFaceCode::subject_not_found, "Subject not found");
    gallery.rename(from, to, /*merge=*/true);
  });
  return json_response({{"updated", true}});
}

HttpResponse delete_subject(const RouteRequest& request, ServiceParts& parts) {
  const std::string& name = request.path.at("subject");
  parts.gallery.change([&](Gallery& gallery) {
    if (!gallery.find(name)) refuse(CompreFaceCode::subject_not_found, "Subject not found");
    gallery.remove(std::vector<std::string>{name});
  });
  return json_response({{"subject", name}});
}

HttpResponse delete_subjects(const RouteRequest&, ServiceParts& parts) {
  std::vector<std::string> names;
  parts.gallery.change([&](Gallery& gallery) {
    for (const Person& person : gallery.people()) names.push_back(person.name);
    if (!names.empty()) gallery.remove(names);
  });
  return json_response({{"deleted", names.size()}});
}

// ---- the collection of faces

HttpResponse add_face(const RouteRequest& request, ServiceParts& parts) {
  const std::string name = checked_subject(subject_parameter(request));
  const PhotoOptions options(request);
  FoundFaces found = find_faces(request, "file", options, true, parts);
  if (found.photo.faces.size() > 1) {
    refuse(CompreFaceCode::too_many_faces, "Found more than one face in the given image");
  }
  check_model_for(found.bytes, "the photo", parts);
  NewTemplate made;
  made.origin = "file";
  made.image_digest = found.photo.image_digest;
  made.quality = image_quality(found.photo.faces[0].image);
  made.embedding.assign(found.embeddings.row(0).begin(), found.embeddings.row(0).end());
  made.photo = std::move(found.bytes);
  int64_t id = 0;
  parts.gallery.change([&](Gallery& gallery) {
    try {
      id = gallery.enrol(std::vector<NewPerson>{{name, {made}}}).ids.at(0);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::mismatch) throw;
      refuse(CompreFaceCode::bad_parameter, error.what());
    }
  });
  return json_response(named_face({id, name}, parts), 201);
}

HttpResponse list_faces(const RouteRequest& request, ServiceParts& parts) {
  const size_t page = request.number("page", 0, 0, 1'000'000);
  const size_t size = request.number("size", 20, 1, kMostListed);
  const std::string& subject = request.text("subject");
  std::vector<Face> faces;
  size_t total = 0;
  parts.gallery.look([&](Gallery& gallery) {
    if (subject.empty()) {
      total = gallery.templates();
      faces = gallery.faces(page * size, size);
      return;
    }
    const std::optional<Person> person = gallery.find(subject);
    if (!person) return;
    const std::vector<TemplateFacts> all = gallery.templates_of(person->id);
    total = all.size();
    for (size_t i = page * size; i < std::min(total, (page + 1) * size); ++i) {
      faces.push_back({all[i].id, person->name});
    }
  });
  json listed = json::array();
  for (const Face& face : faces) listed.push_back(named_face(face, parts));
  return json_response({{"faces", listed},
                        {"page_number", page},
                        {"page_size", size},
                        {"total_pages", (total + size - 1) / size},
                        {"total_elements", total}});
}

HttpResponse delete_faces(const RouteRequest& request, ServiceParts& parts) {
  const std::string& subject = request.text("subject");
  // A name that its sender did not have at hand is not meant for everybody.
  if (request.http.query.contains("subject") &&
      subject.find_first_not_of(' ') == std::string::npos) {
    refuse(CompreFaceCode::bad_parameter,
           "subject: a name was expected; all photos are deleted without this parameter");
  }
  std::vector<int64_t> ids;
  parts.gallery.change([&](Gallery& gallery) {
    if (subject.empty()) {
      for (const Face& face : gallery.faces(0, gallery.templates())) ids.push_back(face.id);
    } else {
      const std::optional<Person> person = gallery.find(subject);
      if (!person) refuse(CompreFaceCode::subject_not_found, "Subject not found");
      for (const TemplateFacts& facts : gallery.templates_of(person->id)) ids.push_back(facts.id);
    }
    if (!ids.empty()) gallery.remove_templates(ids);
  });
  return json_response({{"deleted", ids.size()}});
}

HttpResponse delete_face(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, CompreFaceCode::embedding_not_found);
  std::optional<Face> face;
  parts.gallery.change([&](Gallery& gallery) {
    face = gallery.face(id);
    if (!face) {
      refuse(CompreFaceCode::embedding_not_found,
             "Image " + request.path.at("image_id") + " not found");
    }
    gallery.remove_templates(std::vector{id});
  });
  return json_response(named_face(*face, parts));
}

HttpResponse delete_listed_faces(const RouteRequest& request, ServiceParts& parts) {
  const json body = json_body(request.http);
  if (!body.is_array())
    refuse(CompreFaceCode::bad_argument, "body: a list of image ids was expected");
  json deleted = json::array();
  parts.gallery.change([&](Gallery& gallery) {
    std::vector<int64_t> ids;
    for (const json& uuid : body) {
      if (!uuid.is_string() || !is_uuid(uuid.get<std::string>())) {
        refuse(CompreFaceCode::bad_argument, "body: a list of UUIDs was expected");
      }
      // Those that are not there are passed over, and so is one that is listed twice.
      const std::optional<int64_t> id =
          template_of_image_id(parts.gallery.identity(), uuid.get<std::string>());
      const std::optional<Face> face = id ? gallery.face(*id) : std::nullopt;
      if (!face || std::ranges::find(ids, *id) != ids.end()) continue;
      ids.push_back(*id);
      deleted.push_back(named_face(*face, parts));
    }
    if (!ids.empty()) gallery.remove_templates(ids);
  });
  return json_response(deleted);
}

HttpResponse photo_of(int64_t id, ServiceParts& parts) {
  HttpResponse response;
  response.content_type = "application/octet-stream";
  parts.gallery.look([&](Gallery& gallery) { response.body = gallery.photo(id); });
  return response;
}

HttpResponse download_face(const RouteRequest& request, ServiceParts& parts) {
  const std::optional<int64_t> id =
      template_of_image_id(parts.gallery.identity(), request.path.at("image_id"));
  return photo_of(id.value_or(-1), parts);
}

}  // namespace

void add_compreface_collection(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  const std::string root = "/api/v1/recognition/", subjects = root + "subjects",
                    faces = root + "faces", face = faces + "/{image_id}";
  const QueryParameter subject = {"subject", "string", "The person"};
  const json named = {{"subject", "Ada"}};
  table.add({.method = "POST",
             .path = subjects,
             .permission = Permission::admin,
             .summary = "Adds a person without photos",
             .body = RequestBody::json,
             .body_example = named,
             .success = 201,
             .answer_fields = {"subject"},
             .answer = with(add_subject)});
  table.add({.method = "GET",
             .path = subjects,
             .summary = "All names",
             .answer_fields = {"subjects"},
             .answer = with(list_subjects)});
  table.add({.method = "DELETE",
             .path = subjects,
             .permission = Permission::admin,
             .summary = "Deletes everybody",
             .answer_fields = {"deleted"},
             .answer = with(delete_subjects)});
  table.add({.method = "PUT",
             .path = subjects + "/{subject}",
             .permission = Permission::admin,
             .summary = "Renames a person; two of one name become one",
             .body = RequestBody::json,
             .body_example = named,
             .answer_fields = {"updated"},
             .answer = with(rename_subject)});
  table.add({.method = "DELETE",
             .path = subjects + "/{subject}",
             .permission = Permission::admin,
             .summary = "Deletes a person and all that is stored of them",
             .answer_fields = {"subject"},
             .answer = with(delete_subject)});
  std::vector<QueryParameter> adding = compreface_photo_parameters();
  adding.push_back(subject);
  table.add({.method = "POST",
             .path = faces,
             .permission = Permission::admin,
             .summary = "Enrols a photo of a person, who may be new",
             .query = adding,
             .body = RequestBody::file,
             .success = 201,
             .answer_fields = {"image_id", "subject"},
             .answer = with(add_face)});
  table.add(
      {.method = "GET",
       .path = faces,
       .summary = "The enrolled photos, page by page",
       .query = {{"page", "integer", "From 0 on"},
                 {"size", "integer", "Of a page"},
                 {"subject", "string", "Of this person alone"}},
       .answer_fields = {"faces", "page_number", "page_size", "total_pages", "total_elements"},
       .answer = with(list_faces)});
  table.add({.method = "DELETE",
             .path = faces,
             .permission = Permission::admin,
             .summary = "Deletes a person's photos; without a subject, all",
             .query = {subject},
             .answer_fields = {"deleted"},
             .answer = with(delete_faces)});
  table.add({.method = "POST",
             .path = faces + "/delete",
             .permission = Permission::admin,
             .summary = "Deletes the photos that are listed",
             .body = RequestBody::json,
             .body_example = json::array(),
             .answer = with(delete_listed_faces)});
  table.add({.method = "DELETE",
             .path = face,
             .permission = Permission::admin,
             .summary = "Deletes a photo",
             .answer_fields = {"image_id", "subject"},
             .answer = with(delete_face)});
  table.add({.method = "GET",
             .path = face + "/img",
             .permission = Permission::admin,
             .summary = "The photo, where the gallery keeps photos",
             .content_type = "application/octet-stream",
             .answer = with(download_face)});
  // Its key stands in the path, so that the address can stand in a page.
  table.add({.method = "GET",
             .path = "/api/v1/static/{api_key}/images/{image_id}",
             .permission = Permission::admin,
             .summary = "The same, with the key in the address",
             .content_type = "application/octet-stream",
             .answer = with(download_face)});
}

}  // namespace doppel::internal

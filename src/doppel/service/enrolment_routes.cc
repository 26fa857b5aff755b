#include "doppel/service/enrolment_routes.h"

#include <set>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/quality.h"
#include "doppel/service/image_id.h"
#include "doppel/service/request_photos.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

HttpResponse look_at_faces(const RouteRequest& request, ServiceParts& parts) {
  const std::vector<RequestPhoto> photos = read_photos(request, FaceChoice::all, parts);
  const json found = photos_json(photos, [](size_t, const PhotoFace& face) {
    return json{{"box", box_json(face)}, {"quality", image_quality(face.image)}};
  });
  return json_response({{"photos", found}});
}

HttpResponse enrol_photos(const RouteRequest& request, ServiceParts& parts) {
  const std::string name = normal_name(request.path.at("name"));
  check_person_name(name, "name");
  std::vector<RequestPhoto> photos = read_photos(request, FaceChoice::one, parts);
  throw_problems(photos);
  NewPerson person = {name, {}};
  // The parts of the form once more, for their bytes: read_photos() has one photo for each.
  const std::vector<FormPart> form = read_form(request.http, kMostRequestPhotos);
  for (size_t i = 0; i < photos.size(); ++i) {
    check_model_for(form.at(i).bytes, photos[i].name, parts);
    NewTemplate made;
    made.origin = photos[i].name;
    made.image_digest = photos[i].image_digest;
    made.quality = image_quality(photos[i].faces.at(0).image);
    made.photo = form.at(i).bytes;
    person.templates.push_back(std::move(made));
  }
  const Matrix embeddings = embed_faces(photos, parts);
  throw_problems(photos);
  for (size_t i = 0; i < photos.size(); ++i) {
    person.templates[i].embedding.assign(embeddings.row(i).begin(), embeddings.row(i).end());
  }
  std::set<int64_t> known;  // so that whoever undoes it removes no photo of before
  Enrolled enrolled;
  parts.gallery.change([&](Gallery& gallery) {
    known.clear();
    if (const std::optional<Person> there = gallery.find(name)) {
      for (const TemplateFacts& facts : gallery.templates_of(there->id)) known.insert(facts.id);
    }
    enrolled = gallery.enrol(std::vector<NewPerson>{person});
  });
  json listed = json::array();
  for (size_t i = 0; i < photos.size(); ++i) {
    const int64_t id = enrolled.ids.at(i);
    listed.push_back({{"file", photos[i].name},
                      {"image_id", image_id(parts.gallery.identity(), id)},
                      {"quality", person.templates[i].quality},
                      {"added", known.insert(id).second}});
  }
  return json_response({{"name", name}, {"added", enrolled.templates}, {"photos", listed}}, 201);
}

}  // namespace

void add_enrolment_routes(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  table.add({.method = "POST",
             .path = "/v1/faces",
             .summary = "The faces on each of the photos and their quality, 0 to 1",
             .body = RequestBody::photos,
             .answer_fields = {"photos"},
             .answer = with(look_at_faces)});
  table.add({.method = "POST",
             .path = "/v1/people/{name}/photos",
             .permission = Permission::admin,
             .summary = "Enrols photos of a person, who may be new: all of them, or none",
             .body = RequestBody::photos,
             .success = 201,
             .answer_fields = {"name", "added", "photos"},
             .answer = with(enrol_photos)});
}

}  // namespace doppel::internal

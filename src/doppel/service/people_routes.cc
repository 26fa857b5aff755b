#include "doppel/service/people_routes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "doppel/base/json_object.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/gallery/exchange.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/encode.h"
#include "doppel/image/quality.h"
#include "doppel/service/image_id.h"
#include "doppel/service/request_photos.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostPage = 500, kMostSyntheticPeople = 99;
constexpr uint64_t kSyntheticSeed = 1;

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

HttpResponse list_people(const RouteRequest& request, ServiceParts& parts) {
  const size_t page = request.number("page", 0, 0, 1'000'000);
  const size_t size = request.number("size", 50, 1, kMostPage);
  const std::string wanted = lower_ascii(normal_name(request.text("search")));
  std::vector<Person> people;
  parts.gallery.look([&](Gallery& gallery) { people = gallery.people(); });
  std::erase_if(people, [&](const Person& person) {
    return lower_ascii(person.name).find(wanted) == std::string::npos;
  });
  if (request.http.query.contains("templates")) {
    const size_t templates = request.number("templates", 1, 0, 1'000'000);
    std::erase_if(people, [&](const Person& person) { return person.templates != templates; });
  }
  json listed = json::array();
  for (size_t i = page * size; i < std::min(people.size(), (page + 1) * size); ++i) {
    listed.push_back(
        {{"name", people[i].name}, {"added", people[i].added}, {"templates", people[i].templates}});
  }
  return json_response(
      {{"people", listed}, {"page", page}, {"size", size}, {"total", people.size()}});
}

[[noreturn]] void refuse_nobody(const std::string& name) {
  throw Refusal(404, "there is no \"" + shown(name) + "\"");
}

HttpResponse show_person(const RouteRequest& request, ServiceParts& parts) {
  const std::string& name = request.path.at("name");
  std::optional<Person> person;
  std::vector<TemplateFacts> templates;
  parts.gallery.look([&](Gallery& gallery) {
    person = gallery.find(name);
    if (person) templates = gallery.templates_of(person->id);
  });
  if (!person) refuse_nobody(name);
  json listed = json::array();
  for (const TemplateFacts& facts : templates) {
    listed.push_back({{"image_id", image_id(parts.gallery.identity(), facts.id)},
                      {"added", facts.added},
                      {"quality", facts.quality},
                      {"image_digest", facts.image_digest},
                      {"photo", facts.photo}});
  }
  return json_response({{"name", person->name}, {"added", person->added}, {"templates", listed}});
}

HttpResponse export_one(const RouteRequest& request, ServiceParts& parts) {
  const std::string& name = request.path.at("name");
  HttpResponse response;
  response.content_type = "application/x-ndjson";
  parts.gallery.look([&](Gallery& gallery) {
    if (!gallery.find(name)) refuse_nobody(name);
    export_person(gallery, name, /*photos=*/true,
                  [&](const std::string& line) { response.body += line + "\n"; });
  });
  return response;
}

HttpResponse import_people(const RouteRequest& request, ServiceParts& parts) {
  std::istringstream stream(request.http.body);
  const ImportedGallery imported = read_export(stream, "body");
  if (imported.settings.model_digest != parts.digest) {
    throw Refusal(409, "these templates are of another model than the one that is served");
  }
  for (const NewPerson& person : imported.people) {
    for (const NewTemplate& photo : person.templates) {
      if (!photo.photo.empty()) check_model_for(photo.photo, photo.origin, parts);
    }
  }
  Enrolled enrolled;
  parts.gallery.change([&](Gallery& gallery) {
    if (gallery.settings().photos && !imported.settings.photos) {
      throw Refusal(409, "the gallery keeps photos, and these people come without");
    }
    enrolled = gallery.enrol(imported.people);
  });
  return json_response({{"people", enrolled.people}, {"templates", enrolled.templates}}, 201);
}

// The body, an object with no other members than these. Throws as json_body() does.
json known_members(const HttpRequest& request, std::initializer_list<const char*> members) {
  json body = json_body(request);
  JsonObject(body, "body", ErrorKind::bad_argument).expect_only(members);
  return body;
}

HttpResponse decide(const RouteRequest& request, ServiceParts& parts) {
  const json body = known_members(request.http, {"distance", "fpir"});
  const bool by_distance = body.contains("distance"), by_fpir = body.contains("fpir");
  const JsonObject object(body, "body", ErrorKind::bad_argument);
  if (by_distance == by_fpir) {
    throw Error(ErrorKind::bad_argument,
                "body: {\"distance\": number} or {\"fpir\": number} was expected");
  }
  parts.gallery.change([&](Gallery& gallery) {
    const GallerySettings& settings = gallery.settings();
    gallery.set_decision(by_fpir ? object.number("fpir") : settings.fpir,
                         by_distance ? std::optional(object.number("distance")) : std::nullopt,
                         settings.fusion);
  });
  return json_response({{"rule", to_json(parts.gallery.rule())},
                        {"decision", decision_json(parts.gallery.settings())}});
}

std::string synthetic_name(size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "Synthetic %02zu", number);
  return name;
}

HttpResponse fill_synthetically(const RouteRequest& request, ServiceParts& parts) {
  const json body = known_members(request.http, {"people"});
  size_t wanted = 20;
  if (body.contains("people")) {
    wanted = JsonObject(body, "body", ErrorKind::bad_argument)
                 .whole_number("people", 1, kMostSyntheticPeople);
  }
  std::vector<RequestPhoto> photos;
  std::vector<std::string> files;
  for (size_t i = 1; i <= wanted; ++i) {
    files.push_back(synthetic_file(kSyntheticSeed, static_cast<uint32_t>(i), 0));
    try {
      photos.push_back(
          read_photo(request, files.back(), synthetic_name(i), FaceChoice::largest, false, parts));
    } catch (const Error&) {
      throw Refusal(409, "this model looks for real faces, and finds none in drawn ones");
    }
  }
  std::vector<NewPerson> people;
  for (const RequestPhoto& photo : photos) {
    NewTemplate made;
    made.origin = photo.name;
    made.image_digest = photo.image_digest;
    made.quality = image_quality(photo.faces.front().image);
    made.photo = files[people.size()];
    people.push_back({photo.name, {made}});
  }
  const Matrix embeddings = embed_faces(photos, parts);
  throw_problems(photos);
  for (size_t i = 0; i < people.size(); ++i) {
    people[i].templates[0].embedding.assign(embeddings.row(i).begin(), embeddings.row(i).end());
  }
  Enrolled enrolled;
  parts.gallery.change([&](Gallery& gallery) {
    if (!gallery.people().empty()) {
      throw Refusal(409, "invented people are for an empty gallery; this one knows somebody");
    }
    enrolled = gallery.enrol(people);
  });
  return json_response({{"people", enrolled.people}, {"templates", enrolled.templates}}, 201);
}

HttpResponse synthetic_photo(const RouteRequest& request, ServiceParts&) {
  const std::string& text = request.path.at("number");
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 ||
      number > kMostSyntheticPeople) {
    throw Refusal(404,
                  "invented people have the numbers 1 to " + std::to_string(kMostSyntheticPeople));
  }
  HttpResponse response;
  response.content_type = "image/png";
  response.body = encode_png(synthetic_face(kSyntheticSeed, static_cast<uint32_t>(number), 1));
  return response;
}

}  // namespace

void add_people_routes(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  table.add({.method = "GET",
             .path = "/v1/people",
             .summary = "Who is known, page by page",
             .query = {{"search", "string", "A part of the name"},
                       {"templates", "integer", "Only who has just so many; 1 finds one photo"},
                       {"page", "integer", "From 0 on"},
                       {"size", "integer", "Of a page, 1 to 500"}},
             .answer_fields = {"people", "page", "size", "total"},
             .answer = with(list_people)});
  table.add({.method = "POST",
             .path = "/v1/people",
             .permission = Permission::admin,
             .summary = "Adds the people of an export",
             .body = RequestBody::lines,
             .success = 201,
             .answer_fields = {"people", "templates"},
             .answer = with(import_people)});
  table.add({.method = "GET",
             .path = "/v1/people/{name}",
             .summary = "What is stored of a person",
             .answer_fields = {"name", "added", "templates"},
             .answer = with(show_person)});
  table.add({.method = "GET",
             .path = "/v1/people/{name}/export",
             .permission = Permission::admin,
             .summary = "All that is stored of a person, templates included, as JSON lines",
             .content_type = "application/x-ndjson",
             .answer = with(export_one)});
  table.add(
      {.method = "PUT",
       .path = "/v1/decision",
       .permission = Permission::admin,
       .summary = "Sets the distance below which somebody is known, or the FPIR it follows from",
       .body = RequestBody::json,
       .body_example = {{"fpir", 0.01}},
       .answer_fields = {"rule", "decision"},
       .answer = with(decide)});
  table.add({.method = "POST",
             .path = "/v1/synthetic-people",
             .permission = Permission::admin,
             .summary = "Fills an empty gallery with drawn, invented people",
             .body = RequestBody::json,
             .body_example = {{"people", 20}},
             .success = 201,
             .answer_fields = {"people", "templates"},
             .answer = with(fill_synthetically)});
  table.add({.method = "GET",
             .path = "/v1/synthetic-people/{number}",
             .summary = "Another picture of one of them",
             .content_type = "image/png",
             .answer = with(synthetic_photo)});
}

}  // namespace doppel::internal

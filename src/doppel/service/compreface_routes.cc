#include "doppel/service/compreface_routes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/quality.h"
#include "doppel/loss/energy.h"
#include "doppel/service/image_id.h"
#include "doppel/service/request_photos.h"

namespace doppel {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// CommonExceptionCode of CompreFace.
enum Code {
  kImageNotFound = 11,
  kUnreadablePhoto = 21,
  kBadParameter = 26,
  kNoFace = 28,
  kTooManyFaces = 31,
  kMissingParameter = 33,
  kBadArgument = 36,
  kWrongEmbeddings = 37,
  kSubjectNotFound = 42,
  kSubjectExists = 43,
  kEmbeddingNotFound = 44,
};

constexpr size_t kMostPredictions = 1000, kMostFaces = 10'000, kMostEmbeddings = 1000;
constexpr size_t kMostListed = 10'000;

[[noreturn]] void refuse(Code code, const std::string& message) {
  const bool not_found =
      code == kImageNotFound || code == kSubjectNotFound || code == kEmbeddingNotFound;
  throw Refusal(not_found ? 404 : 400, code, message);
}

double rounded(double value) { return std::round(value * 1e5) / 1e5; }

// What the parameters of a photo's routes say.
struct PhotoOptions {
  size_t limit = 0;  // of faces; 0: all
  double least_probability = 0;
  bool embeddings = false, landmarks = false, status = false, whole = false;

  explicit PhotoOptions(const RouteRequest& request)
      : limit(request.number("limit", 0, 0, kMostFaces)),
        status(request.flag("status", false)),
        whole(!request.flag("detect_faces", true)) {
    const std::string& least = request.text("det_prob_threshold");
    if (!least.empty()) {
      const auto [end, error] =
          std::from_chars(least.data(), least.data() + least.size(), least_probability);
      if (error != std::errc() || end != least.data() + least.size() || least_probability < 0 ||
          least_probability > 1) {
        refuse(kBadParameter, "det_prob_threshold: a number from 0 to 1 was expected");
      }
    }
    const std::string plugins = "," + request.text("face_plugins") + ",";
    embeddings = plugins.find(",calculator,") != std::string::npos;
    landmarks = plugins.find(",landmarks,") != std::string::npos;
  }
};

// The detector's score by the logistic function: 0.5 where it is undecided. A photo that is taken
// as a face is one for sure.
double probability_of(const PhotoFace& face) {
  return face.found ? rounded(1 / (1 + std::exp(-2 * face.found->score))) : 1.0;
}

// A photo's faces that the options let through, the largest first, and how long it took.
struct FoundFaces {
  RequestPhoto photo;
  Matrix embeddings;
  double detector_ms = 0, calculator_ms = 0;
};

double ms_since(Clock::time_point start) {
  return std::round(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
}

FoundFaces find_faces(const std::string& bytes, const std::string& field,
                      const PhotoOptions& options, bool embed, ServiceParts& parts) {
  FoundFaces found;
  const Clock::time_point start = Clock::now();
  try {
    found.photo = read_photo(bytes, field, FaceChoice::all, options.whole, parts);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    refuse(kUnreadablePhoto, error.what());
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
  if (faces.empty()) refuse(kNoFace, "No face is found in the given image");
  if (!embed) return found;
  const Clock::time_point detected = Clock::now();
  std::vector<Image> images;
  images.reserve(faces.size());
  for (PhotoFace& face : faces) images.push_back(face.image);
  found.embeddings = parts.batches.embed(std::move(images));
  found.calculator_ms = ms_since(detected);
  return found;
}

json values_of(std::span<const float> row) { return std::vector<float>(row.begin(), row.end()); }

// {"box", and what the options ask for}.
json face_json(const FoundFaces& found, size_t i, const PhotoOptions& options) {
  const PhotoFace& face = found.photo.faces[i];
  const auto pixel = [](double value) { return static_cast<int64_t>(std::lround(value)); };
  json document = {{"box",
                    {{"probability", probability_of(face)},
                     {"x_min", pixel(face.left)},
                     {"y_min", pixel(face.top)},
                     {"x_max", pixel(face.left + face.width)},
                     {"y_max", pixel(face.top + face.height)}}}};
  if (options.embeddings) document["embedding"] = values_of(found.embeddings.row(i));
  if (options.landmarks && face.found) {
    json& points = document["landmarks"] = json::array();
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

void add_versions(json& document, const PhotoOptions& options, const ServiceParts& parts) {
  if (!options.status) return;
  document["plugins_versions"] = {
      {"detector", parts.model.preprocessing.align ? "dlib.FrontalFaceDetector" : "whole photo"},
      {"calculator", "doppel." + parts.digest.substr(0, 12)}};
}

double model_threshold(ServiceParts& parts) {
  return parts.model.threshold ? parts.model.threshold->value : parts.gallery.rule().threshold;
}

// The subject a parameter names.
std::string subject_parameter(const RouteRequest& request) {
  if (!request.http.query.contains("subject")) {
    refuse(kMissingParameter, "Missing parameter: subject");
  }
  return request.text("subject");
}

void check_subject(const std::string& name) {
  try {
    check_person_name(name, "subject");
  } catch (const Error& error) {
    refuse(kBadParameter, error.what());
  }
}

// The one of a JSON body, {"subject": "Ada"}.
std::string subject_of_body(const HttpRequest& request) {
  const json body = json_body(request);
  if (!body.is_object() || !body.contains("subject") || !body["subject"].is_string()) {
    refuse(kBadParameter, "subject: a text was expected");
  }
  const std::string name = body["subject"].get<std::string>();
  check_subject(name);
  return name;
}

int64_t image_in_path(const RouteRequest& request, const ServiceParts& parts, Code missing) {
  const std::string& uuid = request.path.at("image_id");
  if (!is_uuid(uuid)) refuse(kBadArgument, "image_id: a UUID was expected");
  const std::optional<int64_t> id = template_of_image_id(parts.gallery.identity(), uuid);
  if (!id) refuse(missing, "Image " + uuid + " not found");
  return *id;
}

json named_face(const Face& face, const ServiceParts& parts) {
  return {{"image_id", image_id(parts.gallery.identity(), face.id)}, {"subject", face.name}};
}

// ---- subjects

HttpResponse add_subject(const RouteRequest& request, ServiceParts& parts) {
  const std::string name = subject_of_body(request.http);
  parts.gallery.change([&](Gallery& gallery) {
    if (gallery.find(name)) refuse(kSubjectExists, "Subject already exists");
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
    if (!gallery.find(from)) refuse(kSubjectNotFound, "Subject not found");
    gallery.rename(from, to, /*merge=*/true);
  });
  return json_response({{"updated", true}});
}

HttpResponse delete_subject(const RouteRequest& request, ServiceParts& parts) {
  const std::string& name = request.path.at("subject");
  parts.gallery.change([&](Gallery& gallery) {
    if (!gallery.find(name)) refuse(kSubjectNotFound, "Subject not found");
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
  const std::string name = subject_parameter(request);
  check_subject(name);
  const PhotoOptions options(request);
  std::string bytes = photo_field(request.http, "file");
  const FoundFaces found = find_faces(bytes, "file", options, true, parts);
  if (found.photo.faces.size() > 1) {
    refuse(kTooManyFaces, "Found more than one face in the given image");
  }
  NewTemplate made;
  made.origin = "file";
  made.image_digest = found.photo.image_digest;
  made.quality = image_quality(found.photo.faces[0].image);
  made.embedding.assign(found.embeddings.row(0).begin(), found.embeddings.row(0).end());
  made.photo = std::move(bytes);
  int64_t id = 0;
  parts.gallery.change([&](Gallery& gallery) {
    try {
      id = gallery.enrol(std::vector<NewPerson>{{name, {made}}}).ids.at(0);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::mismatch) throw;
      refuse(kBadParameter, error.what());
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
      faces.push_back({all[i].id, subject});
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
  std::vector<int64_t> ids;
  parts.gallery.change([&](Gallery& gallery) {
    if (subject.empty()) {
      for (const Face& face : gallery.faces(0, gallery.templates())) ids.push_back(face.id);
    } else {
      const std::optional<Person> person = gallery.find(subject);
      if (!person) refuse(kSubjectNotFound, "Subject not found");
      for (const TemplateFacts& facts : gallery.templates_of(person->id)) ids.push_back(facts.id);
    }
    if (!ids.empty()) gallery.remove_templates(ids);
  });
  return json_response({{"deleted", ids.size()}});
}

HttpResponse delete_face(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, kEmbeddingNotFound);
  std::optional<Face> face;
  parts.gallery.change([&](Gallery& gallery) {
    face = gallery.face(id);
    if (!face) {
      refuse(kEmbeddingNotFound, "Image " + request.path.at("image_id") + " not found");
    }
    gallery.remove_templates(std::vector{id});
  });
  return json_response(named_face(*face, parts));
}

HttpResponse delete_listed_faces(const RouteRequest& request, ServiceParts& parts) {
  const json body = json_body(request.http);
  if (!body.is_array()) refuse(kBadArgument, "body: a list of image ids was expected");
  json deleted = json::array();
  parts.gallery.change([&](Gallery& gallery) {
    std::vector<int64_t> ids;
    for (const json& uuid : body) {
      if (!uuid.is_string() || !is_uuid(uuid.get<std::string>())) {
        refuse(kBadArgument, "body: a list of UUIDs was expected");
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

// Its key stands in the path, so that the address can stand in a page.
HttpResponse download_by_key(const RouteRequest& request, ServiceParts& parts) {
  const std::vector<AccessKey> keys = parts.gallery.keys();
  const AccessKey* key = find_access_key(keys, request.path.at("api_key"));
  if (!keys.empty() && (key == nullptr || key->role != Role::admin)) {
    throw Refusal(404, 10, "Key not found");
  }
  return download_face(request, parts);
}

// ---- recognising

HttpResponse recognize(const RouteRequest& request, ServiceParts& parts) {
  const size_t predictions = request.number("prediction_count", 1, 1, kMostPredictions);
  const PhotoOptions options(request);
  const FoundFaces found =
      find_faces(photo_field(request.http, "file"), "file", options, true, parts);
  const std::vector<Answer> answers = parts.gallery.identify(found.embeddings, predictions);
  const double threshold = parts.gallery.rule().threshold;
  json result = json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    json document = face_json(found, i, options);
    json& subjects = document["subjects"] = json::array();
    for (const Candidate& candidate : answers[i].candidates) {
      subjects.push_back({{"subject", candidate.name},
                          {"similarity", similarity_of(candidate.distance, threshold)}});
    }
    document["unknown"] = !answers[i].known;
    request.record.add(answers[i]);
    result.push_back(std::move(document));
  }
  json document = {{"result", result}};
  add_versions(document, options, parts);
  return json_response(document);
}

// The embeddings of a JSON list of lists.
Matrix embeddings_of(const json& lists, const std::string& field, const ServiceParts& parts) {
  const size_t size = embedding_size(parts.model);
  if (!lists.is_array() || lists.empty() || lists.size() > kMostEmbeddings) {
    refuse(kWrongEmbeddings,
           field + ": 1 to " + std::to_string(kMostEmbeddings) + " embeddings were expected");
  }
  Matrix embeddings(lists.size(), size);
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!lists[i].is_array() || lists[i].size() != size) {
      refuse(kWrongEmbeddings,
             field + ": embeddings of " + std::to_string(size) + " numbers were expected");
    }
    for (size_t j = 0; j < size; ++j) {
      const float value = lists[i][j].is_number() ? lists[i][j].get<float>() : std::nanf("");
      if (!std::isfinite(value)) refuse(kWrongEmbeddings, field + ": it holds what is no number");
      embeddings.row(i)[j] = value;
    }
  }
  return embeddings;
}

json object_body(const HttpRequest& request) {
  json body = json_body(request);
  if (!body.is_object()) refuse(kBadArgument, "body: a JSON object was expected");
  return body;
}

HttpResponse recognize_embeddings(const RouteRequest& request, ServiceParts& parts) {
  const size_t predictions = request.number("prediction_count", 1, 1, kMostPredictions);
  const json body = object_body(request.http);
  const Matrix probes = embeddings_of(body.value("embeddings", json()), "embeddings", parts);
  const std::vector<Answer> answers = parts.gallery.identify(probes, predictions);
  const double threshold = parts.gallery.rule().threshold;
  json result = json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    json similarities = json::array();
    for (const Candidate& candidate : answers[i].candidates) {
      similarities.push_back({{"subject", candidate.name},
                              {"similarity", similarity_of(candidate.distance, threshold)}});
    }
    result.push_back({{"embedding", values_of(probes.row(i))},
                      {"similarities", similarities},
                      {"unknown", !answers[i].known}});
    request.record.add(answers[i]);
  }
  return json_response({{"result", result}});
}

std::vector<float> stored_embedding(int64_t id, const std::string& uuid, Code missing,
                                    ServiceParts& parts) {
  std::vector<float> embedding;
  parts.gallery.look([&](Gallery& gallery) {
    if (!gallery.face(id)) refuse(missing, "Image " + uuid + " not found");
    embedding = gallery.embedding(id);
  });
  return embedding;
}

HttpResponse verify_with_stored(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, kImageNotFound);
  const std::vector<float> stored =
      stored_embedding(id, request.path.at("image_id"), kImageNotFound, parts);
  const PhotoOptions options(request);
  const FoundFaces found =
      find_faces(photo_field(request.http, "file"), "file", options, true, parts);
  json result = json::array();
  for (size_t i = 0; i < found.photo.faces.size(); ++i) {
    json document = face_json(found, i, options);
    const double distance = energy_of(parts.model.energy, found.embeddings.row(i), stored);
    document["similarity"] = similarity_of(distance, model_threshold(parts));
    result.push_back(std::move(document));
  }
  json document = {{"result", result}};
  add_versions(document, options, parts);
  return json_response(document);
}

// {"result": [{"embedding", "similarity"}]}.
HttpResponse similarities_to(std::span<const float> source, const Matrix& targets,
                             ServiceParts& parts) {
  json result = json::array();
  for (size_t i = 0; i < targets.rows; ++i) {
    const double distance = energy_of(parts.model.energy, targets.row(i), source);
    result.push_back({{"embedding", values_of(targets.row(i))},
                      {"similarity", similarity_of(distance, model_threshold(parts))}});
  }
  return json_response({{"result", result}});
}

HttpResponse verify_embeddings_with_stored(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, kEmbeddingNotFound);
  const json body = object_body(request.http);
  const Matrix probes = embeddings_of(body.value("embeddings", json()), "embeddings", parts);
  return similarities_to(
      stored_embedding(id, request.path.at("image_id"), kEmbeddingNotFound, parts), probes, parts);
}

HttpResponse verify_embeddings(const RouteRequest& request, ServiceParts& parts) {
  const json body = object_body(request.http);
  const Matrix source = embeddings_of(json::array({body.value("source", json())}), "source", parts);
  return similarities_to(source.row(0),
                         embeddings_of(body.value("targets", json()), "targets", parts), parts);
}

HttpResponse verify_two(const RouteRequest& request, ServiceParts& parts) {
  const PhotoOptions options(request);
  const FoundFaces source =
      find_faces(photo_field(request.http, "source_image"), "source_image", options, true, parts);
  if (source.photo.faces.size() > 1) {
    refuse(kTooManyFaces, "Found more than one face in the given image");
  }
  const FoundFaces target =
      find_faces(photo_field(request.http, "target_image"), "target_image", options, true, parts);
  json matches = json::array();
  for (size_t i = 0; i < target.photo.faces.size(); ++i) {
    json document = face_json(target, i, options);
    const double distance =
        energy_of(parts.model.energy, source.embeddings.row(0), target.embeddings.row(i));
    document["similarity"] = similarity_of(distance, model_threshold(parts));
    matches.push_back(std::move(document));
  }
  json document = {{"source_image_face", face_json(source, 0, options)}, {"face_matches", matches}};
  add_versions(document, options, parts);
  return json_response({{"result", json::array({document})}});
}

HttpResponse detect(const RouteRequest& request, ServiceParts& parts) {
  const PhotoOptions options(request);
  const FoundFaces found =
      find_faces(photo_field(request.http, "file"), "file", options, options.embeddings, parts);
  json result = json::array();
  for (size_t i = 0; i < found.photo.faces.size(); ++i) {
    result.push_back(face_json(found, i, options));
  }
  json document = {{"result", result}};
  add_versions(document, options, parts);
  return json_response(document);
}

}  // namespace

double similarity_of(double distance, double threshold) {
  if (!(threshold > 0)) return distance < threshold ? 1 : 0;
  return rounded(1 / (1 + std::exp(8 * (distance / threshold - 1))));
}

void add_compreface_routes(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  const std::string root = "/api/v1/", subjects = root + "recognition/subjects",
                    faces = root + "recognition/faces", face = faces + "/{image_id}";
  const std::vector<QueryParameter> photo = {
      {"limit", "integer", "How many faces, the largest first; 0 is all"},
      {"det_prob_threshold", "number", "How sure of a face the detector has to be, 0 to 1"},
      {"face_plugins", "string", "calculator (embeddings), landmarks; separated by commas"},
      {"status", "boolean", "With times and versions"},
      {"detect_faces", "boolean", "false: the photo is a face"}};
  const QueryParameter predictions = {"prediction_count", "integer",
                                      "How many people of each face"};
  const QueryParameter subject = {"subject", "string", "The person"};
  std::vector<QueryParameter> recognizing = photo, adding = photo;
  recognizing.push_back(predictions);
  adding.push_back(subject);
  const json named = {{"subject", "Ada"}}, lists = {{"embeddings", {{0.1, 0.2}}}};

  table.add({"POST",
             subjects,
             Permission::admin,
             "Adds a person without photos",
             {},
             RequestBody::json,
             named,
             201,
             "application/json",
             {"subject"},
             with(add_subject)});
  table.add({"GET",
             subjects,
             Permission::recognise,
             "All names",
             {},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"subjects"},
             with(list_subjects)});
  table.add({"DELETE",
             subjects,
             Permission::admin,
             "Deletes everybody",
             {},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"deleted"},
             with(delete_subjects)});
  table.add({"PUT",
             subjects + "/{subject}",
             Permission::admin,
             "Renames a person; two of one name become one",
             {},
             RequestBody::json,
             named,
             200,
             "application/json",
             {"updated"},
             with(rename_subject)});
  table.add({"DELETE",
             subjects + "/{subject}",
             Permission::admin,
             "Deletes a person and all that is stored of them",
             {},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"subject"},
             with(delete_subject)});

  table.add({"POST",
             faces,
             Permission::admin,
             "Enrols a photo of a person, who may be new",
             adding,
             RequestBody::file,
             {},
             201,
             "application/json",
             {"image_id", "subject"},
             with(add_face)});
  table.add({"GET",
             faces,
             Permission::recognise,
             "The enrolled photos, page by page",
             {{"page", "integer", "From 0 on"},
              {"size", "integer", "Of a page"},
              {"subject", "string", "Of this person alone"}},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"faces", "page_number", "page_size", "total_pages", "total_elements"},
             with(list_faces)});
  table.add({"DELETE",
             faces,
             Permission::admin,
             "Deletes a person's photos; without a subject, all",
             {subject},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"deleted"},
             with(delete_faces)});
  table.add({"POST",
             faces + "/delete",
             Permission::admin,
             "Deletes the photos that are listed",
             {},
             RequestBody::json,
             json::array(),
             200,
             "application/json",
             {},
             with(delete_listed_faces)});
  table.add({"DELETE",
             face,
             Permission::admin,
             "Deletes a photo",
             {},
             RequestBody::none,
             {},
             200,
             "application/json",
             {"image_id", "subject"},
             with(delete_face)});
  table.add({"GET",
             face + "/img",
             Permission::admin,
             "The photo, where the gallery keeps photos",
             {},
             RequestBody::none,
             {},
             200,
             "application/octet-stream",
             {},
             with(download_face)});
  table.add({"GET",
             root + "static/{api_key}/images/{image_id}",
             Permission::open,
             "The same, with the key in the address",
             {},
             RequestBody::none,
             {},
             200,
             "application/octet-stream",
             {},
             with(download_by_key)});

  table.add({"POST",
             root + "recognition/recognize",
             Permission::recognise,
             "Who is on a photo",
             recognizing,
             RequestBody::file,
             {},
             200,
             "application/json",
             {"result"},
             with(recognize)});
  table.add({"POST",
             face + "/verify",
             Permission::recognise,
             "How alike the faces of a photo are to an enrolled one",
             photo,
             RequestBody::file,
             {},
             200,
             "application/json",
             {"result"},
             with(verify_with_stored)});
  table.add({"POST",
             root + "verification/verify",
             Permission::recognise,
             "How alike the faces of one photo are to that of another",
             photo,
             RequestBody::source_and_target,
             {},
             200,
             "application/json",
             {"result"},
             with(verify_two)});
  table.add({"POST",
             root + "detection/detect",
             Permission::recognise,
             "Where faces are on a photo",
             photo,
             RequestBody::file,
             {},
             200,
             "application/json",
             {"result"},
             with(detect)});

  table.add({"POST",
             root + "recognition/embeddings/recognize",
             Permission::recognise,
             "Whose embeddings these are",
             {predictions},
             RequestBody::json,
             lists,
             200,
             "application/json",
             {"result"},
             with(recognize_embeddings)});
  table.add({"POST",
             root + "recognition/embeddings/faces/{image_id}/verify",
             Permission::recognise,
             "How alike embeddings are to that of an enrolled photo",
             {},
             RequestBody::json,
             lists,
             200,
             "application/json",
             {"result"},
             with(verify_embeddings_with_stored)});
  table.add({"POST",
             root + "verification/embeddings/verify",
             Permission::recognise,
             "How alike embeddings are to one",
             {},
             RequestBody::json,
             {{"source", {0.1, 0.2}}, {"targets", {{0.1, 0.2}}}},
             200,
             "application/json",
             {"result"},
             with(verify_embeddings)});
}

}  // namespace doppel

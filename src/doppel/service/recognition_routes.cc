#include "doppel/service/recognition_routes.h"

#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "doppel/base/base64.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/gallery/visits.h"
#include "doppel/image/encode.h"
#include "doppel/loss/energy.h"
#include "doppel/model/far_curve.h"
#include "doppel/report/explain.h"
#include "doppel/service/request_photos.h"
#include "doppel/service/turn.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostCandidates = 100;

FaceChoice faces_in_query(const RouteRequest& request, FaceChoice otherwise) {
  const std::string& given = request.text("faces");
  return given.empty() ? otherwise : face_choice(given);
}

// Of photos with at most one face each, one after the other, those of the person who is on most of
// them, of several the one who was seen last: a mean of two people is nobody. Numbers are photos'.
// At distance 0 nobody can be told from anybody, and all photos are of one.
Visit largest_visit(const std::vector<RequestPhoto>& photos, const Matrix& embeddings,
                    double distance, const Energy& energy) {
  constexpr double kEver = std::numeric_limits<double>::infinity();
  Visits tracks({.photos = kMostRequestPhotos + 1, .gap = kEver}, energy);
  for (size_t i = 0; i < photos.size(); ++i) {
    if (photos[i].faces.empty()) continue;
    const std::vector<VisitFace> face = {
        {.photo = photos[i].name, .looks = photos[i].faces[0].looks, .number = i}};
    Matrix row(0, embeddings.columns);
    row.append(embeddings.row(photos[i].first));
    tracks.add(0, face, row, distance > 0 ? distance : kEver);
  }
  Visit largest;
  for (Visit& track : tracks.end_all()) {  // the one that was seen last is the last
    if (track.faces.size() >= largest.faces.size()) largest = std::move(track);
  }
  return largest;
}

// All photos as one visit: one search, by the mean of one person's embeddings.
HttpResponse identify_visit(const RouteRequest& request, size_t top, ServiceParts& parts) {
  const FaceChoice choice = faces_in_query(request, FaceChoice::largest);
  if (choice == FaceChoice::all) {
    throw Error(ErrorKind::bad_argument, "faces: of a visit, one or largest was expected");
  }
  std::vector<RequestPhoto> photos = read_photos(request, choice, parts);
  const Matrix embeddings = embed_faces(photos, parts);
  std::vector<char> decides(embeddings.rows, 0);
  json document;
  if (embeddings.rows > 0) {
    const double distance = parts.gallery.same_person_distance();
    const Visit visit = largest_visit(photos, embeddings, distance, parts.model.energy);
    Matrix probe(0, embeddings.columns);
    probe.append(visit.embedding);
    const Answer answer = parts.gallery.identify(std::move(probe), top).at(0);
    request.record.add(answer);
    parts.warnings.add_visit(visit, answer);
    for (const VisitFace& face : visit.faces) decides[photos[face.number].first] = 1;
    document = to_json(answer);
    document["photos"] = visit.faces.size();
    document["same_person_distance"] = distance > 0 ? json(distance) : json();
  }
  const json found = photos_json(photos, [&](size_t row, const PhotoFace& face) {
    return json{{"box", box_json(face)}, {"decides", decides[row] != 0}};
  });
  return json_response(
      {{"photos", found}, {"visit", document}, {"rule", to_json(parts.gallery.rule())}});
}

HttpResponse identify(const RouteRequest& request, ServiceParts& parts) {
  const size_t top = request.number("top", 1, 1, kMostCandidates);
  if (request.number("visit", 0, 0, 1) == 1) return identify_visit(request, top, parts);
  std::vector<RequestPhoto> photos =
      read_photos(request, faces_in_query(request, FaceChoice::all), parts);
  const Matrix embeddings = embed_faces(photos, parts);
  const std::vector<Answer> answers = parts.gallery.identify(embeddings, top);
  for (const Answer& answer : answers) request.record.add(answer);
  for (const RequestPhoto& photo : photos) {
    parts.warnings.add(photo.faces, std::span(answers).subspan(photo.first, photo.faces.size()));
  }
  const json found = photos_json(photos, [&](size_t row, const PhotoFace& face) {
    json document = to_json(answers[row]);
    document["box"] = box_json(face);
    return document;
  });
  return json_response({{"photos", found}, {"rule", to_json(parts.gallery.rule())}});
}

// The one face of each of the request's two photos.
std::vector<RequestPhoto> read_two(const RouteRequest& request, const ServiceParts& parts) {
  const FaceChoice choice = faces_in_query(request, FaceChoice::one);
  if (choice == FaceChoice::all) {
    throw Error(ErrorKind::bad_argument, "faces: one or largest was expected");
  }
  std::vector<RequestPhoto> photos = read_photos(request, choice, parts);
  if (photos.size() != 2) {
    throw Error(ErrorKind::bad_argument,
                "body: two photos were expected, not " + std::to_string(photos.size()));
  }
  throw_problems(photos);
  return photos;
}

// Null where the model has no threshold.
json verdict_json(const Model& model, double distance) {
  json document = {
      {"distance", distance}, {"threshold", nullptr}, {"same", nullptr}, {"far", nullptr}};
  if (model.threshold) {
    document["threshold"] = model.threshold->value;
    document["same"] = distance < model.threshold->value;
    document["far"] = far_at(model.threshold->curve, distance);
  }
  return document;
}

HttpResponse verify(const RouteRequest& request, ServiceParts& parts) {
  std::vector<RequestPhoto> photos = read_two(request, parts);
  const Matrix embeddings = embed_faces(photos, parts);
  throw_problems(photos);
  const double distance = energy_of(parts.model.energy, embeddings.row(0), embeddings.row(1));
  return json_response(verdict_json(parts.model, distance));
}

HttpResponse explain_two(const RouteRequest& request, ServiceParts& parts) {
  const std::vector<RequestPhoto> photos = read_two(request, parts);
  const Turn turn(parts.explaining, request);
  ThreadPool pool(parts.threads);
  const Explanation explanation =
      explain(parts.model, photos[0].faces[0].image, photos[1].faces[0].image, {}, pool);
  json document = verdict_json(parts.model, explanation.distance);
  document["picture"] =
      to_base64(encode_png(draw_explanation(explanation, {"first", "second"}, "")));
  return json_response(document);
}

HttpResponse embed(const RouteRequest& request, ServiceParts& parts) {
  std::vector<RequestPhoto> photos =
      read_photos(request, faces_in_query(request, FaceChoice::all), parts);
  const Matrix embeddings = embed_faces(photos, parts);
  const json found = photos_json(photos, [&](size_t row, const PhotoFace& face) {
    return json{
        {"box", box_json(face)},
        {"embedding", std::vector<float>(embeddings.row(row).begin(), embeddings.row(row).end())}};
  });
  return json_response({{"photos", found}, {"model", parts.digest}});
}

json training_json(const Model& model) {
  const TrainingRecord& training = model.training;
  if (training.recipe.is_null()) return nullptr;  // it was made elsewhere
  json history = json::array();
  for (const EpochLosses& losses : training.history) history.push_back(losses_to_json(losses));
  return {{"identities", training.identities},
          {"images", training.images},
          {"seed", training.seed},
          {"members", model.embedder->networks()},
          {"synthetic", training.synthetic},
          {"recipe", training.recipe},
          {"history", std::move(history)}};
}

HttpResponse describe(const RouteRequest& request, ServiceParts& parts) {
  const Model& model = parts.model;
  const GallerySettings settings = parts.gallery.settings();
  return json_response({{"version", model.version},
                        {"digest", parts.digest},
                        {"input",
                         {{"width", model.preprocessing.width},
                          {"height", model.preprocessing.height},
                          {"align", model.preprocessing.align}}},
                        {"embedding_size", embedding_size(model)},
                        {"energy", to_string(model.energy.kind)},
                        {"threshold", settings.threshold ? to_json(*settings.threshold) : json()},
                        {"training", training_json(model)},
                        {"people", parts.gallery.people()},
                        {"templates", parts.gallery.templates()},
                        {"photos", settings.photos},
                        {"rule", to_json(parts.gallery.rule())},
                        {"decision", decision_json(settings)},
                        {"warnings", parts.warnings.all(model, parts.gallery)},
                        {"role", to_string(request.role)},
                        {"keys", !parts.gallery.keys().empty()}});
}

}  // namespace

void add_recognition_routes(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  const QueryParameter faces = {"faces", "string",
                                "Which faces of a photo: all, largest, or one (the only one)"};
  table.add({.method = "POST",
             .path = "/v1/identify",
             .summary = "Who is on each of the photos, or unknown",
             .query = {{"top", "integer", "How many candidates, 1 to 100"},
                       faces,
                       {"visit", "integer",
                        "1: the photos are one visit, decided once, by the mean embedding of the "
                        "person who is the largest face on most of them: the answer has "
                        "\"visit\""}},
             .body = RequestBody::photos,
             .answer_fields = {"photos", "rule"},
             .answer = with(identify)});
  table.add({.method = "POST",
             .path = "/v1/verify",
             .summary = "Whether two photos show one person",
             .query = {faces},
             .body = RequestBody::photos,
             .answer_fields = {"distance", "threshold", "same", "far"},
             .answer = with(verify)});
  table.add({.method = "POST",
             .path = "/v1/explain",
             .summary = "Which regions make two photos alike or different, as a picture",
             .query = {faces},
             .body = RequestBody::photos,
             .answer_fields = {"distance", "threshold", "same", "far", "picture"},
             .answer = with(explain_two)});
  table.add({.method = "POST",
             .path = "/v1/embed",
             .summary = "The embeddings of the faces on each of the photos",
             .query = {faces},
             .body = RequestBody::photos,
             .answer_fields = {"photos", "model"},
             .answer = with(embed)});
  table.add(
      {.method = "GET",
       .path = "/v1/model",
       .summary = "The model, what it is worth, and by which rule the gallery decides",
       .answer_fields = {"digest", "threshold", "training", "people", "rule", "warnings", "role"},
       .answer = with(describe)});
}

}  // namespace doppel::internal

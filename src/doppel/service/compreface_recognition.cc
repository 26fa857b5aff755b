#include "doppel/service/compreface_recognition.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "doppel/error.h"
#include "doppel/loss/energy.h"
#include "doppel/model/embedding_fault.h"
#include "doppel/service/compreface_photo.h"
#include "doppel/service/compreface_request.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr size_t kMostPredictions = 1000, kMostEmbeddings = 1000;

// Of two embeddings, which have no cohort: a plain distance. 0, so that nobody is like anybody,
// where nothing says how far apart one person's may be.
double verification_threshold(ServiceParts& parts) {
  if (parts.model.threshold) return parts.model.threshold->value;
  return parts.gallery.settings().distance.value_or(0);
}

// At least 0.5 for those whom the gallery recognises.
double similarity_to(const Candidate& candidate, const DecisionRule& rule) {
  const double similarity = similarity_of(candidate.score, rule.threshold);
  return rule.distance ? std::min(similarity, similarity_of(candidate.distance, *rule.distance))
                       : similarity;
}

HttpResponse recognize(const RouteRequest& request, ServiceParts& parts) {
  const size_t predictions = request.number("prediction_count", 1, 1, kMostPredictions);
  const PhotoOptions options(request);
  const FoundFaces found = find_faces(request, "file", options, true, parts);
  const std::vector<Answer> answers = parts.gallery.identify(found.embeddings, predictions);
  parts.warnings.add(found.photo.faces, answers);
  const DecisionRule rule = parts.gallery.rule();
  json result = json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    json document = face_json(found, i, options);
    json& subjects = document["subjects"] = json::array();
    for (const Candidate& candidate : answers[i].candidates) {
      subjects.push_back(
          {{"subject", candidate.name}, {"similarity", similarity_to(candidate, rule)}});
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
    refuse(CompreFaceCode::wrong_embeddings,
           field + ": 1 to " + std::to_string(kMostEmbeddings) + " embeddings were expected");
  }
  Matrix embeddings(lists.size(), size);
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!lists[i].is_array() || lists[i].size() != size) {
      refuse(CompreFaceCode::wrong_embeddings,
             field + ": embeddings of " + std::to_string(size) + " numbers were expected");
    }
    for (size_t j = 0; j < size; ++j) {
      if (!lists[i][j].is_number())
        refuse(CompreFaceCode::wrong_embeddings, field + ": it holds what is no number");
      embeddings.row(i)[j] = lists[i][j].get<float>();
    }
    if (const auto fault = embedding_fault(embeddings.row(i), parts.model.embedder->length())) {
      refuse(CompreFaceCode::wrong_embeddings,
             field + ": number " + std::to_string(i + 1) + " " + *fault);
    }
  }
  return embeddings;
}

HttpResponse recognize_embeddings(const RouteRequest& request, ServiceParts& parts) {
  const size_t predictions = request.number("prediction_count", 1, 1, kMostPredictions);
  const json body = object_body(request.http);
  const Matrix probes = embeddings_of(body.value("embeddings", json()), "embeddings", parts);
  const std::vector<Answer> answers = parts.gallery.identify(probes, predictions);
  const DecisionRule rule = parts.gallery.rule();
  json result = json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    json similarities = json::array();
    for (const Candidate& candidate : answers[i].candidates) {
      similarities.push_back(
          {{"subject", candidate.name}, {"similarity", similarity_to(candidate, rule)}});
    }
    result.push_back({{"embedding", values_json(probes.row(i))},
                      {"similarities", similarities},
                      {"unknown", !answers[i].known}});
    request.record.add(answers[i]);
  }
  return json_response({{"result", result}});
}

std::vector<float> stored_embedding(int64_t id, const std::string& uuid, CompreFaceCode missing,
                                    ServiceParts& parts) {
  std::vector<float> embedding;
  parts.gallery.look([&](Gallery& gallery) {
    if (!gallery.face(id)) refuse(missing, "Image " + uuid + " not found");
    embedding = gallery.embedding(id);
  });
  return embedding;
}

HttpResponse verify_with_stored(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, CompreFaceCode::image_not_found);
  const std::vector<float> stored =
      stored_embedding(id, request.path.at("image_id"), CompreFaceCode::image_not_found, parts);
  const PhotoOptions options(request);
  const FoundFaces found = find_faces(request, "file", options, true, parts);
  json result = json::array();
  for (size_t i = 0; i < found.photo.faces.size(); ++i) {
    json document = face_json(found, i, options);
    const double distance = energy_of(parts.model.energy, found.embeddings.row(i), stored);
    document["similarity"] = similarity_of(distance, verification_threshold(parts));
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
    result.push_back({{"embedding", values_json(targets.row(i))},
                      {"similarity", similarity_of(distance, verification_threshold(parts))}});
  }
  return json_response({{"result", result}});
}

HttpResponse verify_embeddings_with_stored(const RouteRequest& request, ServiceParts& parts) {
  const int64_t id = image_in_path(request, parts, CompreFaceCode::embedding_not_found);
  const json body = object_body(request.http);
  const Matrix probes = embeddings_of(body.value("embeddings", json()), "embeddings", parts);
  return similarities_to(
      stored_embedding(id, request.path.at("image_id"), CompreFaceCode::embedding_not_found, parts),
      probes, parts);
}

HttpResponse verify_embeddings(const RouteRequest& request, ServiceParts& parts) {
  const json body = object_body(request.http);
  const Matrix source = embeddings_of(json::array({body.value("source", json())}), "source", parts);
  return similarities_to(source.row(0),
                         embeddings_of(body.value("targets", json()), "targets", parts), parts);
}

HttpResponse verify_two(const RouteRequest& request, ServiceParts& parts) {
  const PhotoOptions options(request);
  const FoundFaces source = find_faces(request, "source_image", options, true, parts);
  if (source.photo.faces.size() > 1) {
    refuse(CompreFaceCode::too_many_faces, "Found more than one face in the given image");
  }
  const FoundFaces target = find_faces(request, "target_image", options, true, parts);
  json matches = json::array();
  for (size_t i = 0; i < target.photo.faces.size(); ++i) {
    json document = face_json(target, i, options);
    const double distance =
        energy_of(parts.model.energy, source.embeddings.row(0), target.embeddings.row(i));
    document["similarity"] = similarity_of(distance, verification_threshold(parts));
    matches.push_back(std::move(document));
  }
  json document = {{"source_image_face", face_json(source, 0, options)}, {"face_matches", matches}};
  add_versions(document, options, parts);
  return json_response({{"result", json::array({document})}});
}

HttpResponse detect(const RouteRequest& request, ServiceParts& parts) {
  const PhotoOptions options(request);
  const FoundFaces found = find_faces(request, "file", options, options.embeddings, parts);
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
  return std::round(1e5 / (1 + std::exp(8 * (distance / threshold - 1)))) / 1e5;
}

void add_compreface_recognition(RouteTable& table, ServiceParts& parts) {
  const auto with = [&parts](HttpResponse (*answer)(const RouteRequest&, ServiceParts&)) {
    return [&parts, answer](const RouteRequest& request) { return answer(request, parts); };
  };
  const std::string root = "/api/v1/";
  const std::vector<QueryParameter> photo = compreface_photo_parameters();
  const QueryParameter predictions = {"prediction_count", "integer",
                                      "How many people of each face"};
  const json lists = {{"embeddings", {{0.1, 0.2}}}};
  std::vector<QueryParameter> recognizing = photo;
  recognizing.push_back(predictions);
  table.add({.method = "POST",
             .path = root + "recognition/recognize",
             .summary = "Who is on a photo",
             .query = recognizing,
             .body = RequestBody::file,
             .answer_fields = {"result"},
             .answer = with(recognize)});
  table.add({.method = "POST",
             .path = root + "recognition/faces/{image_id}/verify",
             .summary = "How alike the faces of a photo are to an enrolled one",
             .query = photo,
             .body = RequestBody::file,
             .answer_fields = {"result"},
             .answer = with(verify_with_stored)});
  table.add({.method = "POST",
             .path = root + "verification/verify",
             .summary = "How alike the faces of one photo are to that of another",
             .query = photo,
             .body = RequestBody::source_and_target,
             .answer_fields = {"result"},
             .answer = with(verify_two)});
  table.add({.method = "POST",
             .path = root + "detection/detect",
             .summary = "Where faces are on a photo",
             .query = photo,
             .body = RequestBody::file,
             .answer_fields = {"result"},
             .answer = with(detect)});
  // Whoever may compare any numbers with a stored template can find out what it is.
  table.add({.method = "POST",
             .path = root + "recognition/embeddings/recognize",
             .permission = Permission::admin,
             .summary = "Whose embeddings these are",
             .query = {predictions},
             .body = RequestBody::json,
             .body_example = lists,
             .answer_fields = {"result"},
             .answer = with(recognize_embeddings)});
  table.add({.method = "POST",
             .path = root + "recognition/embeddings/faces/{image_id}/verify",
             .permission = Permission::admin,
             .summary = "How alike embeddings are to that of an enrolled photo",
             .body = RequestBody::json,
             .body_example = lists,
             .answer_fields = {"result"},
             .answer = with(verify_embeddings_with_stored)});
  table.add({.method = "POST",
             .path = root + "verification/embeddings/verify",
             .summary = "How alike embeddings are to one",
             .body = RequestBody::json,
             .body_example = {{"source", {0.1, 0.2}}, {"targets", {{0.1, 0.2}}}},
             .answer_fields = {"result"},
             .answer = with(verify_embeddings)});
}

}  // namespace doppel::internal

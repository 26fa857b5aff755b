#include "doppel/service/service.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/image/decode.h"
#include "doppel/image/resize.h"
#include "doppel/loss/energy.h"
#include "doppel/model/far_curve.h"

namespace doppel {
namespace {

using nlohmann::json;

HttpResponse json_response(const json& document, int status = 200) {
  HttpResponse response;
  response.status = status;
  // Clients name files and set query strings, in any bytes.
  response.body = document.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

HttpResponse error_response(int status, const std::string& message) {
  return json_response({{"code", status}, {"message", message}}, status);
}

size_t number_in_query(const HttpRequest& request, const std::string& name, size_t otherwise,
                       size_t least, size_t most) {
  const auto given = request.query.find(name);
  if (given == request.query.end()) return otherwise;
  const std::string& text = given->second;
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorKind::bad_argument, name + ": a number from " + std::to_string(least) +
                                             " to " + std::to_string(most) + " was expected");
  }
  return value;
}

FaceChoice faces_in_query(const HttpRequest& request, FaceChoice otherwise) {
  const auto given = request.query.find("faces");
  return given == request.query.end() ? otherwise : face_choice(given->second);
}

std::string name_of(const FormPart& part, size_t index) {
  if (!part.file.empty()) return part.file;
  if (!part.name.empty()) return part.name;
  return std::string("photo ").append(std::to_string(index + 1));
}

// A photo of a request, its faces and in the end their embeddings; or why there are none.
struct RequestPhoto {
  std::string name;
  std::vector<PhotoFace> faces;
  size_t first = 0;  // of its rows among all embeddings
  std::optional<Error> problem;
};

// Faces are brought to the model's size at once, which changes no bit of what it makes of them, so
// that many large photos of one request do not lie in memory together.
std::vector<RequestPhoto> read_photos(const HttpRequest& request, const PhotoFaces& finder,
                                      const Preprocessing& input, FaceChoice choice) {
  std::vector<RequestPhoto> photos;
  for (const FormPart& part : read_form(request, Service::kMostPhotos)) {
    RequestPhoto& photo = photos.emplace_back();
    photo.name = name_of(part, photos.size() - 1);
    try {
      const Image image = decode_image(part.bytes, photo.name, finder.decoding());
      photo.faces = finder.of(image, choice, photo.name);
      for (PhotoFace& face : photo.faces) {
        face.image = resize(face.image, input.width, input.height);
      }
    } catch (const Error& error) {
      photo.problem = error;
    }
  }
  if (photos.empty()) throw Error(ErrorKind::bad_argument, "body: a photo was expected");
  return photos;
}

Matrix embed_faces(std::vector<RequestPhoto>& photos, EmbeddingBatches& batches) {
  std::vector<Image> images;
  for (RequestPhoto& photo : photos) {
    photo.first = images.size();
    for (PhotoFace& face : photo.faces) images.push_back(std::move(face.image));
  }
  return images.empty() ? Matrix() : batches.embed(std::move(images));
}

json box_of(const PhotoFace& face) { return {face.left, face.top, face.width, face.height}; }

// {"file", "faces": [...]}, or {"file", "error"}; `of_face(row, face)` gives a face's object.
template <typename OfFace>
json photos_json(const std::vector<RequestPhoto>& photos, const OfFace& of_face) {
  json documents = json::array();
  for (const RequestPhoto& photo : photos) {
    json document = {{"file", photo.name}};
    if (photo.problem) {
      document["error"] = {{"code", 400}, {"message", photo.problem->what()}};
    } else {
      json& faces = document["faces"] = json::array();
      for (size_t i = 0; i < photo.faces.size(); ++i) {
        faces.push_back(of_face(photo.first + i, photo.faces[i]));
      }
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace

struct Service::Route {
  const char* method;
  const char* path;
  HttpResponse (Service::*answer)(const HttpRequest&, RequestRecord&);
};

const std::vector<Service::Route>& Service::routes() {
  static const std::vector<Route> all = {
      {"POST", "/v1/identify", &Service::identify}, {"POST", "/v1/verify", &Service::verify},
      {"POST", "/v1/embed", &Service::embed},       {"GET", "/v1/model", &Service::describe},
      {"GET", "/healthz", &Service::health},        {"GET", "/readyz", &Service::readiness},
  };
  return all;
}

Service::Service(Model model, Gallery gallery, int threads, IndexProgress progress, Log log)
    : model_(std::move(model)),
      digest_(embedding_digest(model_)),
      photos_(model_),
      batches_(model_, threads),
      log_(std::move(log)),
      pool_(threads),
      gallery_(std::move(gallery)),
      search_(gallery_, pool_, std::move(progress)) {}

HttpResponse Service::handle(const HttpRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  RequestRecord record;
  record.method = request.method;
  HttpResponse response = answer(request, record);
  record.status = response.status;
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (log_) log_(record);
  return response;
}

HttpResponse Service::answer(const HttpRequest& request, RequestRecord& record) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : routes()) {
    if (request.path != route.path) continue;
    record.route = route.path;
    if (method != route.method) {
      allowed.append(allowed.empty() ? "" : ", ").append(route.method);
      continue;
    }
    try {
      return (this->*route.answer)(request, record);
    } catch (const Error& error) {
      // What is wrong with the request; what is wrong here is for follow() and the log.
      return error.kind() == ErrorKind::bad_argument || error.kind() == ErrorKind::bad_data
                 ? error_response(400, error.what())
                 : error_response(500, "this request could not be answered");
    }
  }
  if (allowed.empty()) return error_response(404, "there is nothing at this path");
  HttpResponse response =
      error_response(405, std::string(record.route) + ": " + allowed + " was expected");
  response.headers["Allow"] = allowed;
  return response;
}

HttpResponse Service::identify(const HttpRequest& request, RequestRecord& record) {
  const size_t top = number_in_query(request, "top", 1, 1, kMostCandidates);
  std::vector<RequestPhoto> photos =
      read_photos(request, photos_, model_.preprocessing, faces_in_query(request, FaceChoice::all));
  const Matrix embeddings = embed_faces(photos, batches_);
  std::vector<Answer> answers;
  json rule;
  {
    const std::lock_guard lock(mutex_);
    answers = search_.identify(embeddings, top);
    rule = to_json(search_.rule());
  }
  record.faces = answers.size();
  for (const Answer& answer : answers) record.known += answer.known ? 1 : 0;
  const json found = photos_json(photos, [&](size_t row, const PhotoFace& face) {
    json document = to_json(answers[row]);
    document["box"] = box_of(face);
    return document;
  });
  return json_response({{"photos", found}, {"rule", rule}});
}

HttpResponse Service::verify(const HttpRequest& request, RequestRecord&) {
  const FaceChoice choice = faces_in_query(request, FaceChoice::one);
  if (choice == FaceChoice::all) {
    throw Error(ErrorKind::bad_argument, "faces: one or largest was expected");
  }
  std::vector<RequestPhoto> photos = read_photos(request, photos_, model_.preprocessing, choice);
  if (photos.size() != 2) {
    throw Error(ErrorKind::bad_argument,
                "body: two photos were expected, not " + std::to_string(photos.size()));
  }
  for (const RequestPhoto& photo : photos) {
    if (photo.problem) throw Error(*photo.problem);
  }
  const Matrix embeddings = embed_faces(photos, batches_);
  const double distance = energy_of(model_.energy, embeddings.row(0), embeddings.row(1));
  json document = {
      {"distance", distance}, {"threshold", nullptr}, {"same", nullptr}, {"far", nullptr}};
  if (model_.threshold) {
    document["threshold"] = model_.threshold->value;
    document["same"] = distance < model_.threshold->value;
    document["far"] = far_at(model_.threshold->curve, distance);
  }
  return json_response(document);
}

HttpResponse Service::embed(const HttpRequest& request, RequestRecord&) {
  std::vector<RequestPhoto> photos =
      read_photos(request, photos_, model_.preprocessing, faces_in_query(request, FaceChoice::all));
  const Matrix embeddings = embed_faces(photos, batches_);
  const json found = photos_json(photos, [&](size_t row, const PhotoFace& face) {
    return json{
        {"box", box_of(face)},
        {"embedding", std::vector<float>(embeddings.row(row).begin(), embeddings.row(row).end())}};
  });
  return json_response({{"photos", found}, {"model", digest_}});
}

HttpResponse Service::describe(const HttpRequest&, RequestRecord&) {
  const Preprocessing& input = model_.preprocessing;
  return json_response(
      {{"digest", digest_},
       {"input", {{"width", input.width}, {"height", input.height}, {"align", input.align}}},
       {"embedding_size", embedding_size(model_)},
       {"energy", to_string(model_.energy.kind)},
       {"threshold", model_.threshold ? to_json(*model_.threshold) : json()},
       {"people", people()},
       {"rule", to_json(rule())}});
}

HttpResponse Service::health(const HttpRequest&, RequestRecord&) {
  return json_response({{"status", "ok"}});
}

HttpResponse Service::readiness(const HttpRequest&, RequestRecord&) {
  const std::lock_guard lock(mutex_);
  if (trouble_) return error_response(503, *trouble_);
  return json_response({{"status", "ok"}});
}

std::optional<std::string> Service::follow() {
  const std::lock_guard lock(mutex_);
  try {
    if (search_.refresh()) gallery_.check_model(digest_, "the model that is served");
    trouble_.reset();
  } catch (const Error& error) {
    trouble_ = error.what();
  }
  return trouble_;
}

size_t Service::people() {
  const std::lock_guard lock(mutex_);
  return search_.people();
}

DecisionRule Service::rule() {
  const std::lock_guard lock(mutex_);
  return search_.rule();
}

}  // namespace doppel

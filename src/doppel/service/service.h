// What the service answers, request by request: a model and a gallery behind HTTP's routes.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "doppel/base/thread_pool.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/search.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_faces.h"
#include "doppel/service/embedding_batches.h"
#include "doppel/service/http_message.h"

namespace doppel {

// What may be told of a request: no names, no images.
struct RequestRecord {
  std::string method, route;  // "POST", "/v1/identify"; "" where there is no such route
  int status = 0;
  double seconds = 0;
  size_t faces = 0, known = 0;  // that were looked for in the gallery, and found
};

// Photos come as the parts of a form (multipart/form-data), whatever their fields are called.
//
//   POST /v1/identify?top=1&faces=all   who is on each of the photos
//   POST /v1/verify?faces=one           whether two photos show one person
//   POST /v1/embed?faces=all            the embeddings of the faces on each of the photos
//   GET  /v1/model                      the model, and by which rule the gallery decides
//   GET  /healthz, /readyz              whether it runs; whether it knows the gallery's state
//
// Answers are JSON; an error is {"code", "message"}, with the HTTP status as code.
class Service {
 public:
  using Log = std::function<void(const RequestRecord&)>;

  // `threads` >= 1 embed and search. The gallery is this one's alone. Throws as GallerySearch and
  // PhotoFaces do.
  Service(Model model, Gallery gallery, int threads, IndexProgress progress, Log log);

  // Several threads may call this at once.
  HttpResponse handle(const HttpRequest& request);

  // Takes in what others changed in the gallery; from one thread. Where the gallery cannot be read
  // the people known so far stay known, /readyz says 503, and this gives the reason.
  std::optional<std::string> follow();

  size_t people();
  DecisionRule rule();

  static constexpr size_t kMostPhotos = 64;  // of one request
  static constexpr size_t kMostCandidates = 100;

 private:
  struct Route;
  static const std::vector<Route>& routes();

  HttpResponse answer(const HttpRequest& request, RequestRecord& record);
  HttpResponse identify(const HttpRequest& request, RequestRecord& record);
  HttpResponse verify(const HttpRequest& request, RequestRecord& record);
  HttpResponse embed(const HttpRequest& request, RequestRecord& record);
  HttpResponse describe(const HttpRequest& request, RequestRecord& record);
  HttpResponse health(const HttpRequest& request, RequestRecord& record);
  HttpResponse readiness(const HttpRequest& request, RequestRecord& record);

  Model model_;
  std::string digest_;
  PhotoFaces photos_;
  EmbeddingBatches batches_;
  Log log_;
  std::mutex mutex_;  // what is below
  ThreadPool pool_;
  Gallery gallery_;
  GallerySearch search_;
  std::optional<std::string> trouble_;  // why the gallery cannot be followed
};

}  // namespace doppel

// What the service answers, request by request: a model and a gallery behind HTTP's routes, for
// those whose keys open them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "doppel/model/model.h"
#include "doppel/service/http_message.h"
#include "doppel/service/rate_limit.h"
#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

struct ServiceSettings {
  int threads = 1;  // that embed and search; 0: one for each processor
  // Without keys, whoever reaches the service may do everything; so then it has to be reachable
  // from its own machine only, and answers requests to this machine's names alone, and none
  // of a proxy. Where this is false, nothing is answered while there are no keys.
  bool open_without_keys = true;
  double rate = 0;                        // requests a second of each key; 0: no limit
  std::vector<std::string> origins = {};  // of other pages that may ask: "https://intranet.example"
  int64_t most_photo_pixels = 40'000'000;  // of one photo
  // Photos of people are enrolled also where the model was trained on synthetic faces.
  bool people_with_synthetic_model = false;
};

// Routes: recognition_routes.h, people_routes.h, compreface_collection.h,
// compreface_recognition.h, page_files.h, and
//   GET /healthz, /readyz, /metrics, /openapi.json
// An error is {"code", "message"}; code is the HTTP status, under /api/v1 one of CompreFace's.
class Service {
 public:
  using Log = std::function<void(const RequestRecord&)>;

  // Throws as ServedGallery and PhotoFaces do.
  Service(Model model, const std::string& gallery, const ServiceSettings& settings,
          ServedGallery::Notes notes, Log log);

  // Several threads may call this at once.
  HttpResponse handle(const HttpRequest& request);
  // The answer of a request whose body is still to come, where it needs none: it is refused, or
  // asks for /healthz. Quick: it waits for nothing.
  std::optional<HttpResponse> admit(const HttpRequest& head);
  // For the counts and the log: a request was refused before it came here.
  void refused(int status);

  // Where the server is asked what waits and who is connected.
  void set_load(std::function<void(ServiceGauges&)> load) { load_ = std::move(load); }

  // Takes in what others changed in the gallery. Where it cannot be read the people known so far
  // stay known, /readyz says 503, and this gives the reason.
  std::optional<std::string> follow() { return parts_.gallery.follow(); }

  // PhotoWarnings::all().
  std::vector<std::string> warnings() { return parts_.warnings.all(parts_.model, parts_.gallery); }

  ServedGallery& gallery() { return parts_.gallery; }
  const RouteTable& routes() const { return table_; }

 private:
  HttpResponse answer(const HttpRequest& request, RequestRecord& record);
  HttpResponse answer_route(const Route& route, const std::map<std::string, std::string>& path,
                            const HttpRequest& request, RequestRecord& record);
  Role caller(const HttpRequest& request, const std::string& presented, RequestRecord& record);
  void check_neighbour(const HttpRequest& request) const;
  std::optional<HttpResponse> refuse_origin(const HttpRequest& request, HttpResponse& with) const;
  void add_own_routes();

  const ServiceSettings settings_;
  ServiceParts parts_;
  RateLimit rate_;
  Log log_;
  std::function<void(ServiceGauges&)> load_;
  RouteTable table_;
  std::string openapi_;
};

}  // namespace doppel::internal

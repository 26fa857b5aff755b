// What can be asked of the service, request by request: a table of routes that finds the one a
// request is for, and tells the documentation (openapi.h) what there is.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/search.h"
#include "doppel/service/http_message.h"

namespace doppel::internal {

// What is to be told of a request: no images, and names where that is asked for alone.
struct RequestRecord {
  std::string method, route;  // "PUT", "/v1/people/{name}"; "" where there is no such route
  std::string key;            // AccessKey::id of who asked; "" without keys
  int status = 0;
  double seconds = 0;
  size_t faces = 0, known = 0;          // that were looked for in the gallery, and found
  std::vector<std::string> names = {};  // whom they were taken for

  // One more that was looked for.
  void add(const Answer& answer);
};

// How a route ends that does not answer what was asked: {"code", "message"} with this status.
class Refusal : public std::exception {
 public:
  Refusal(int status, int code, std::string message)
      : status(status), code(code), message(std::move(message)) {}
  Refusal(int status, std::string message) : Refusal(status, status, std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status, code;
  std::string message;
};

// A request on its way through its route.
struct RouteRequest {
  const HttpRequest& http;
  const std::map<std::string, std::string>& path;  // what stands for {name}
  Role role;
  RequestRecord& record;

  // Throws Refusal(503) where the request's time is over; for between one photo and the next.
  void check_time() const;
  [[noreturn]] void refuse_late() const;
  // A number of the query, or `otherwise`. Throws Error(bad_argument) naming it.
  size_t number(const std::string& name, size_t otherwise, size_t least, size_t most) const;
  bool flag(const std::string& name, bool otherwise) const;
  // "" where there is none.
  const std::string& text(const std::string& name) const;
};

enum class Permission { open, recognise, admin };
enum class RequestBody {
  none,
  photos,             // a form of photos, whatever its fields are called
  file,               // a form, or JSON in base64, with a photo called "file"
  source_and_target,  // the same of "source_image" and "target_image"
  json,
  lines,  // of JSON, as doppel gallery export writes them
};

struct QueryParameter {
  std::string name, type, summary;  // "top", "integer", "How many candidates"
};

struct Route {
  std::string method = {}, path = {};  // "PUT", "/v1/people/{name}"
  Permission permission = Permission::recognise;
  std::string summary = {};
  std::vector<QueryParameter> query = {};
  RequestBody body = RequestBody::none;
  nlohmann::json body_example = {};  // of RequestBody::json
  int success = 200;
  std::string content_type = "application/json";
  std::vector<std::string> answer_fields =
      {};  // of the JSON object it answers; empty of anything else
  std::function<HttpResponse(const RouteRequest&)> answer = {};
};

// What a typing mistake makes of a request must not be another one, such as that to delete
// everybody. Where an admin's key changes something, or looks into templates, throws
// Error(bad_argument) for a parameter that the route does not have or that stands there twice; on
// DELETE also for a trailing slash, an empty query and a body.
void check_meant(const Route& route, const HttpRequest& request);

class RouteTable {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& routes() const { return routes_; }

  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string> path;
    std::string known;    // the path as routes have it, where there is one of any method
    std::string allowed;  // its methods, "GET, PUT"
  };
  // GET serves HEAD, too. A trailing slash means nothing.
  Match find(const HttpRequest& request) const;

 private:
  std::vector<Route> routes_;
};

// Texts of clients, in any bytes, are replaced where they are no UTF-8.
HttpResponse json_response(const nlohmann::json& document, int status = 200);
HttpResponse refusal_response(int status, int code, const std::string& message);

// The body as JSON, of few levels and not endlessly many values, so that it takes little more
// memory than its text; no object has a member twice. Throws Error(bad_argument).
nlohmann::json json_body(const HttpRequest& request);

}  // namespace doppel::internal

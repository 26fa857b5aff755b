#include "doppel/service/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/service/compreface_collection.h"
#include "doppel/service/compreface_recognition.h"
#include "doppel/service/enrolment_routes.h"
#include "doppel/service/loopback.h"
#include "doppel/service/openapi.h"
#include "doppel/service/page_files.h"
#include "doppel/service/people_routes.h"
#include "doppel/service/recognition_routes.h"

namespace doppel::internal {
namespace {

constexpr const char* kAllowedHeaders = "content-type, x-api-key, authorization";
constexpr const char* kAllowedMethods = "GET, POST, PUT, DELETE";

bool is_compreface(const std::string& path) { return path.starts_with("/api/v1/"); }

// "127.0.0.1:8080" and "[::1]:8080" without the port.
std::string host_name(const std::string& host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// What clients invent is told as one.
std::string known_method(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    if (method == known) return method;
  }
  return "other";
}

// Headers of proxies, which let others in.
bool came_through_a_proxy(const HttpRequest& request) {
  for (const char* header : {"forwarded", "via", "x-forwarded-for", "x-forwarded-host",
                             "x-forwarded-proto", "x-real-ip"}) {
    if (request.headers.contains(header)) return true;
  }
  return false;
}

// The key that is presented; "" where there is none.
std::string key_of(const HttpRequest& request, const std::map<std::string, std::string>& path) {
  const auto in_path = path.find("api_key");
  if (in_path != path.end()) return in_path->second;
  const std::string& key = request.header("x-api-key");
  if (!key.empty()) return key;
  const std::string& authorization = request.header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  return authorization.starts_with(kBearer) ? authorization.substr(kBearer.size()) : "";
}

}  // namespace

Service::Service(Model model, const std::string& gallery, const ServiceSettings& settings,
                 ServedGallery::Notes notes, Log log)
    : settings_(settings),
      parts_(std::move(model), gallery, settings.threads, settings.most_photo_pixels,
             settings.people_with_synthetic_model, std::move(notes)),
      rate_(settings.rate),
      log_(std::move(log)) {
  add_recognition_routes(table_, parts_);
  add_people_routes(table_, parts_);
  add_enrolment_routes(table_, parts_);
  add_compreface_collection(table_, parts_);
  add_compreface_recognition(table_, parts_);
  add_own_routes();
  openapi_ = openapi_document(table_).dump(2);
  add_page_routes(table_);
}

void Service::add_own_routes() {
  table_.add({.method = "GET",
              .path = "/healthz",
              .permission = Permission::open,
              .summary = "Whether it runs",
              .answer_fields = {"status"},
              .answer = [](const RouteRequest&) {
                return json_response({{"status", "ok"}});
              }});
  table_.add({.method = "GET",
              .path = "/readyz",
              .permission = Permission::open,
              .summary = "Whether the gallery can be read and changed, as far as is known",
              .answer_fields = {"status"},
              .answer = [this](const RouteRequest&) {
                // The reason names files and servers, which is not for everybody.
                if (parts_.gallery.trouble()) {
                  return refusal_response(503, 503, "the gallery cannot be read at present");
                }
                if (parts_.gallery.full()) {
                  return refusal_response(503, 503,
                                          "the disk is full, so the gallery cannot be changed; "
                                          "people are recognised as before");
                }
                return json_response({{"status", "ok"}});
              }});
  table_.add({.method = "GET",
              .path = "/metrics",
              .summary = "Counts and times, for Prometheus",
              .content_type = "text/plain; version=0.0.4",
              .answer = [this](const RouteRequest&) {
                ServiceGauges gauges;
                if (load_) load_(gauges);
                gauges.people = parts_.gallery.people();
                gauges.templates = parts_.gallery.templates();
                gauges.left_out = parts_.gallery.left_out();
                gauges.graph = parts_.gallery.graph_progress();
                gauges.has_graph = parts_.gallery.has_graph();
                gauges.full = parts_.gallery.full();
                gauges.ready = !parts_.gallery.trouble() && !gauges.full;
                HttpResponse response;
                response.content_type = "text/plain; version=0.0.4";
                response.body = parts_.metrics.text(gauges);
                return response;
              }});
  table_.add({.method = "GET",
              .path = "/openapi.json",
              .permission = Permission::open,
              .summary = "This document",
              .answer_fields = {"openapi", "info", "paths"},
              .answer = [this](const RouteRequest&) {
                HttpResponse response;
                response.body = openapi_;
                return response;
              }});
}

HttpResponse Service::handle(const HttpRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  RequestRecord record;
  record.method = known_method(request.method);
  HttpResponse allowed;  // the headers that another page's browser wants
  HttpResponse response;
  if (std::optional<HttpResponse> refused = refuse_origin(request, allowed)) {
    response = std::move(*refused);
  } else {
    response = answer(request, record);
  }
  response.headers.merge(allowed.headers);
  response.headers["X-Content-Type-Options"] = "nosniff";
  if (!response.headers.contains("Access-Control-Allow-Origin")) {
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin";
  }
  if (!response.headers.contains("Cache-Control")) response.headers["Cache-Control"] = "no-store";
  record.status = response.status;
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  parts_.metrics.count(record);
  if (log_) log_(record);
  return response;
}

std::optional<HttpResponse> Service::admit(const HttpRequest& head) {
  const RouteTable::Match match = table_.find(head);
  HttpResponse ignored;
  if (match.route == nullptr || match.route->path == "/healthz" || refuse_origin(head, ignored)) {
    return handle(head);
  }
  if (match.route->permission == Permission::open) return {};
  const std::vector<AccessKey> keys = parts_.gallery.keys();
  const bool welcome = keys.empty() ? settings_.open_without_keys
                                    : find_access_key(keys, key_of(head, match.path)) != nullptr;
  if (!welcome) return handle(head);
  return {};
}

void Service::refused(int status) {
  RequestRecord record;
  record.method = "-";
  record.status = status;
  parts_.metrics.count_refused(status);
  if (log_) log_(record);
}

// A page of another origin can have a browser post forms here, whatever it may read of the answers.
std::optional<HttpResponse> Service::refuse_origin(const HttpRequest& request,
                                                   HttpResponse& with) const {
  const std::string& origin = request.header("origin");
  if (origin.empty()) {
    // It may lead here, not load from here.
    if (request.header("sec-fetch-site") == "cross-site" &&
        request.header("sec-fetch-mode") != "navigate") {
      return refusal_response(403, 403, "other pages may not load this");
    }
    return {};
  }
  const size_t scheme = origin.find("://");
  if (scheme != std::string::npos && origin.substr(scheme + 3) == request.header("host")) return {};
  if (std::ranges::find(settings_.origins, origin) == settings_.origins.end()) {
    return refusal_response(403, 403, "pages of this origin may not use the service");
  }
  with.headers["Access-Control-Allow-Origin"] = origin;
  with.headers["Vary"] = "Origin";
  if (request.method != "OPTIONS") return {};
  HttpResponse preflight;
  preflight.status = 204;
  preflight.headers = {{"Access-Control-Allow-Methods", kAllowedMethods},
                       {"Access-Control-Allow-Headers", kAllowedHeaders},
                       {"Access-Control-Max-Age", "600"}};
  return preflight;
}

void Service::check_neighbour(const HttpRequest& request) const {
  if (!is_loopback(host_name(request.header("host")))) {
    throw Refusal(403, "the Host header names another machine");
  }
  if (came_through_a_proxy(request)) {
    throw Refusal(403, "without keys nobody is served through a proxy");
  }
}

Role Service::caller(const HttpRequest& request, const std::string& presented,
                     RequestRecord& record) {
  const bool compreface = is_compreface(request.path);
  const std::vector<AccessKey> keys = parts_.gallery.keys();
  if (keys.empty()) {
    if (!settings_.open_without_keys) {
      throw Refusal(401, "there are no keys any more, and without one nobody is served from afar");
    }
    check_neighbour(request);
    return Role::admin;
  }
  if (presented.empty()) {
    if (compreface) throw Refusal(400, 20, "Missing header: x-api-key");
    throw Refusal(401, "a key was expected in the header x-api-key");
  }
  const AccessKey* key = find_access_key(keys, presented);
  if (key == nullptr) {
    if (!rate_.take("wrong keys", std::chrono::steady_clock::now())) {
      throw Refusal(429, "too many wrong keys; try again later");
    }
    if (compreface) throw Refusal(404, 10, "Key not found");
    throw Refusal(401, "this key is not known here");
  }
  record.key = key->id;
  if (!rate_.take(key->id, std::chrono::steady_clock::now())) {
    throw Refusal(429, "this key has made too many requests; try again in a second");
  }
  return key->role;
}

HttpResponse Service::answer(const HttpRequest& request, RequestRecord& record) {
  const bool compreface = is_compreface(request.path);
  const RouteTable::Match match = table_.find(request);
  record.route = match.known;
  // Of what only asks it goes without saying.
  const auto unchanged = [&]() -> std::string {
    const bool changes = match.route != nullptr && match.route->permission == Permission::admin &&
                         request.method != "GET";
    return changes ? "; nothing was changed" : "";
  };
  try {
    if (match.route != nullptr) return answer_route(*match.route, match.path, request, record);
    if (match.known.empty())
      throw Refusal(404, compreface ? 0 : 404, "there is nothing at this path");
    if (compreface) {
      throw Refusal(404, 0, "Request method '" + request.method + "' not supported");
    }
    throw Refusal(405, match.known + ": " + match.allowed + " was expected");
  } catch (const Refusal& refusal) {
    HttpResponse response = refusal_response(refusal.status, refusal.code, refusal.message);
    if (refusal.status == 405) response.headers["Allow"] = match.allowed;
    return response;
  } catch (const ReadOnlyGallery& error) {
    return refusal_response(403, compreface ? 41 : 403, error.what());
  } catch (const DiskFull&) {
    return refusal_response(507, compreface ? 41 : 507, "the disk is full" + unchanged());
  } catch (const Error& error) {
    // What is wrong with the request is for its client; what is wrong here for follow() and the
    // log.
    const bool asked_wrongly = error.kind() != ErrorKind::io &&
                               error.kind() != ErrorKind::numeric &&
                               error.kind() != ErrorKind::unavailable;
    if (asked_wrongly) return refusal_response(400, compreface ? 36 : 400, error.what());
    return refusal_response(503, compreface ? 41 : 503,
                            "the gallery cannot be used at present" + unchanged());
  }
}

HttpResponse Service::answer_route(const Route& route,
                                   const std::map<std::string, std::string>& path,
                                   const HttpRequest& request, RequestRecord& record) {
  Role role = Role::recognise;
  if (route.permission != Permission::open) {
    role = caller(request, key_of(request, path), record);
  } else if (parts_.gallery.keys().empty() && settings_.open_without_keys) {
    check_neighbour(request);
  }
  if (route.permission == Permission::admin && role != Role::admin) {
    throw Refusal(403, "a key of the role admin was expected");
  }
  check_meant(route, request);
  const RouteRequest call{request, path, role, record};
  call.check_time();
  return route.answer(call);
}

}  // namespace doppel::internal

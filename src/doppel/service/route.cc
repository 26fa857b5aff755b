#include "doppel/service/route.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include "doppel/error.h"
#include "doppel/gallery/person_name.h"

namespace doppel::internal {
namespace {

constexpr int kDeepestJson = 8;
constexpr size_t kMostJsonValues = 2'000'000;

// What stands for the names in braces of `pattern`; nothing where the path is another.
std::optional<std::map<std::string, std::string>> matched(const std::string& pattern,
                                                          const std::vector<std::string>& path) {
  std::map<std::string, std::string> values;
  std::string_view rest = pattern;
  for (const std::string& segment : path) {
    if (rest.empty()) return {};
    const size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string_view wanted = rest.substr(1, end - 1);
    if (wanted.starts_with('{')) {
      if (segment.empty()) return {};
      values[std::string(wanted.substr(1, wanted.size() - 2))] = segment;
    } else if (wanted != segment) {
      return {};
    }
    rest.remove_prefix(end);
  }
  if (!rest.empty()) return {};
  return values;
}

}  // namespace

void RequestRecord::add(const Answer& answer) {
  ++faces;
  if (!answer.known) return;
  ++known;
  names.push_back(answer.candidates.front().name);
}

void RouteRequest::check_time() const {
  if (std::chrono::steady_clock::now() > http.deadline) refuse_late();
}

void RouteRequest::refuse_late() const {
  throw Refusal(503, "this request took longer than it may; ask for less at once");
}

size_t RouteRequest::number(const std::string& name, size_t otherwise, size_t least,
                            size_t most) const {
  const auto given = http.query.find(name);
  if (given == http.query.end()) return otherwise;
  const std::string& text = given->second;
  size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorKind::bad_argument, name + ": a number from " + std::to_string(least) +
                                             " to " + std::to_string(most) + " was expected");
  }
  return value;
}

bool RouteRequest::flag(const std::string& name, bool otherwise) const {
  const std::string& given = text(name);
  if (given.empty()) return otherwise;
  // As Python writes them, too.
  const bool yes = given == "true" || given == "True";
  if (!yes && given != "false" && given != "False") {
    throw Error(ErrorKind::bad_argument, name + ": true or false was expected");
  }
  return yes;
}

const std::string& RouteRequest::text(const std::string& name) const {
  static const std::string none;
  const auto given = http.query.find(name);
  return given == http.query.end() ? none : given->second;
}

void check_meant(const Route& route, const HttpRequest& request) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_argument,
                request.method + " " + route.path + ": " + what + "; nothing was changed");
  };
  if (route.permission != Permission::admin || route.method == "GET") return;
  const bool deletes = route.method == "DELETE";
  for (const auto& [name, value] : request.query) {
    if (name.empty() && !deletes) continue;
    if (name.empty()) fail("a part of its query is empty");
    if (std::ranges::find(route.query, name, &QueryParameter::name) == route.query.end()) {
      std::string known;
      for (const QueryParameter& parameter : route.query) {
        known += (known.empty() ? "" : ", ") + parameter.name;
      }
      fail("it has no parameter \"" + shown(name) +
           "\", only: " + (known.empty() ? "none" : known));
    }
  }
  if (!request.repeated.empty()) {
    fail("the parameter \"" + *request.repeated.begin() + "\" stands there twice");
  }
  if (!deletes) return;
  if (request.segments.back().empty()) fail("it was expected without a slash at its end");
  if (!request.body.empty()) fail("no body was expected: it takes parameters in its address alone");
}

RouteTable::Match RouteTable::find(const HttpRequest& request) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  Match match;
  std::vector<std::string> path = request.segments;
  if (path.size() > 1 && path.back().empty()) path.pop_back();
  for (const Route& route : routes_) {
    auto values = matched(route.path, path);
    if (!values) continue;
    // The first that fits is the one: {name} stands behind the words it could be taken for.
    if (match.known.empty()) match.known = route.path;
    if (route.path != match.known) continue;
    match.allowed.append(match.allowed.empty() ? "" : ", ").append(route.method);
    if (route.method == method) {
      match.route = &route;
      match.path = std::move(*values);
    }
  }
  return match;
}

HttpResponse json_response(const nlohmann::json& document, int status) {
  HttpResponse response;
  response.status = status;
  response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

HttpResponse refusal_response(int status, int code, const std::string& message) {
  HttpResponse response = json_response({{"code", code}, {"message", message}}, status);
  if (status == 503 || status == 429) response.headers["Retry-After"] = "1";
  return response;
}

nlohmann::json json_body(const HttpRequest& request) {
  using Json = nlohmann::json;
  size_t values = 0;
  std::vector<std::set<std::string>> members;  // of each object that is open
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kDeepestJson || ++values > kMostJsonValues) {
      throw Error(ErrorKind::bad_argument, "body: JSON of at most " + std::to_string(kDeepestJson) +
                                               " levels and " + std::to_string(kMostJsonValues) +
                                               " values was expected");
    }
    if (event == Json::parse_event_t::object_start) members.emplace_back();
    if (event == Json::parse_event_t::object_end) members.pop_back();
    if (event == Json::parse_event_t::key &&
        !members.back().insert(value.get<std::string>()).second) {
      throw Error(ErrorKind::bad_argument, "body: \"" + shown(value.get<std::string>()) +
                                               "\" is there twice, once was expected");
    }
    return true;
  };
  Json document = Json::parse(request.body, check, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    throw Error(ErrorKind::bad_argument, "body: JSON was expected");
  }
  return document;
}

}  // namespace doppel::internal

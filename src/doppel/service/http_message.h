// What the service is asked and what it answers, free of sockets.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

struct HttpRequest {
  std::string method;                          // "GET"
  std::string path;                            // decoded, without the query: "/v1/verify"
  std::vector<std::string> segments;           // of it: "v1", "verify"; a name may hold a slash
  std::map<std::string, std::string> query;    // decoded; of a repeated name the last value
  std::set<std::string> repeated;              // names of the query that stand there twice or more
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();

  // "" where there is none.
  const std::string& header(const std::string& name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // beside those that the server gives
};

// Fills path and query from a request's target, "/v1/identify?top=3"; a question mark or ampersand
// with nothing behind it gives the query an empty name. Throws Error(bad_argument)
// where it does not begin with a slash, a percent sign is not followed by two hexadecimal digits,
// or they encode a character of value 0.
void read_target(std::string_view target, HttpRequest& request);

// A part of a form: its field's name, the file's name where it has one, and its bytes.
struct FormPart {
  std::string name, file;
  std::string_view bytes;  // within the request's body
};

// The parts of a multipart/form-data body (RFC 7578). Throws Error(bad_argument) where the content
// type is another, where neither it nor the body's first line gives the boundary, where the body is
// cut off or is none, or where there are more than `most` parts.
std::vector<FormPart> read_form(const HttpRequest& request, size_t most);

}  // namespace doppel::internal

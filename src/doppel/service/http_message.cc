#include "doppel/service/http_message.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
      if (!low) {
        throw Error(ErrorKind::bad_argument,
                    "target: two hexadecimal digits were expected behind a percent sign");
      }
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') {
      throw Error(ErrorKind::bad_argument, "target: it holds a character of value 0");
    }
    decoded += c;
  }
  return decoded;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The value of `form-data; name="photo"; filename="a\"b.jpg"` for a name, quoted or not.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    ++at;
    const size_t equals = header.find_first_of("=;", at);
    if (equals == std::string_view::npos || header[equals] == ';') {
      at = equals;
      continue;
    }
    const std::string key = lower_case(trimmed(header.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      at = header.find(';', std::min(at, header.size()));
    } else {
      const size_t end = header.find(';', at);
      value = trimmed(header.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (key == name) return value;
  }
  return std::nullopt;
}

// Some clients leave it out of the content type, CompreFace's own for JavaScript among them; then
// the body begins with it.
std::optional<std::string> first_line_boundary(std::string_view body) {
  const size_t end = body.substr(0, 80).find("\r\n");
  if (!body.starts_with("--") || end == std::string_view::npos) return std::nullopt;
  return std::string(body.substr(2, end - 2));
}

[[noreturn]] void refuse_form(const std::string& what) {
  throw Error(ErrorKind::bad_argument, "body: " + what);
}

}  // namespace

const std::string& HttpRequest::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

void read_target(std::string_view target, HttpRequest& request) {
  if (target.empty() || target.front() != '/') {
    throw Error(ErrorKind::bad_argument, "target: a path that begins with / was expected");
  }
  const size_t question = target.find('?');
  request.path = percent_decoded(target.substr(0, question), false);
  request.segments.clear();
  for (std::string_view rest = target.substr(0, question); !rest.empty();) {
    const size_t end = std::min(rest.find('/', 1), rest.size());
    request.segments.push_back(percent_decoded(rest.substr(1, end - 1), false));
    rest.remove_prefix(end);
  }
  request.query.clear();
  request.repeated.clear();
  if (question == std::string_view::npos) return;
  for (size_t at = question + 1; at <= target.size();) {
    const size_t end = std::min(target.find('&', at), target.size());
    const std::string_view pair = target.substr(at, end - at);
    at = end + 1;
    const size_t equals = std::min(pair.find('='), pair.size());
    std::string name = percent_decoded(pair.substr(0, equals), true);
    if (!name.empty() && request.query.contains(name)) request.repeated.insert(name);
    request.query[std::move(name)] =
        equals < pair.size() ? percent_decoded(pair.substr(equals + 1), true) : std::string();
  }
}

std::vector<FormPart> read_form(const HttpRequest& request, size_t most) {
  const std::string& type = request.header("content-type");
  if (lower_case(trimmed(std::string_view(type).substr(0, type.find(';')))) !=
      "multipart/form-data") {
    refuse_form("multipart/form-data was expected");
  }
  std::optional<std::string> boundary = parameter(type, "boundary");
  if (!boundary) boundary = first_line_boundary(request.body);
  if (!boundary || boundary->empty() || boundary->size() > 70) {
    refuse_form("a boundary of 1 to 70 characters was expected in the content type");
  }
  const std::string line = "--" + *boundary, delimiter = "\r\n" + line;
  std::string_view rest = request.body;
  // What stands before the first boundary means nothing.
  if (rest.starts_with(line)) {
    rest.remove_prefix(line.size());
  } else {
    const size_t first = rest.find(delimiter);
    if (first == std::string_view::npos) refuse_form("it does not hold its boundary");
    rest.remove_prefix(first + delimiter.size());
  }
  std::vector<FormPart> parts;
  while (!rest.starts_with("--")) {
    const size_t head = rest.find("\r\n");
    if (head == std::string_view::npos || !trimmed(rest.substr(0, head)).empty()) {
      refuse_form("a line's end was expected behind a boundary");
    }
    rest.remove_prefix(head + 2);
    if (parts.size() == most) {
      refuse_form(std::string("more than the ")
                      .append(std::to_string(most))
                      .append(" parts that are accepted"));
    }
    FormPart part;
    for (;;) {
      const size_t end = rest.find("\r\n");
      if (end == std::string_view::npos) refuse_form("it is cut off within a part's header");
      const std::string_view field = rest.substr(0, end);
      rest.remove_prefix(end + 2);
      if (field.empty()) break;
      const size_t colon = field.find(':');
      if (colon != std::string_view::npos &&
          lower_case(trimmed(field.substr(0, colon))) == "content-disposition") {
        part.name = parameter(field, "name").value_or("");
        part.file = parameter(field, "filename").value_or("");
      }
    }
    const size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) refuse_form("it is cut off within a part");
    part.bytes = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace doppel::internal

#include "doppel/gallery/postgres_url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <memory>
#include <string_view>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr const char* kNothingShown = "postgresql://...";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::bad_argument,
              std::string(kNothingShown) + ": " + why +
                  "; postgresql://USER:PASSWORD@HOST:PORT/DATABASE was expected, where %40 stands "
                  "for an @ in a name or password, %2F for a /, %3A for a :, %3F for a ? and %25 "
                  "for a %");
}

// libpq takes the first @ for the end of the password, and a / before it for that of the host.
bool ends_password_unclearly(std::string_view url) {
  const std::string_view text = url.substr(url.find("://") + 3);
  size_t at = text.rfind('@');
  // Without a colon before it an option's value may hold it.
  if (text.find(':') >= at) at = text.substr(0, text.find('?')).rfind('@');
  return at != std::string_view::npos && text.find_first_of("@/") != at;
}

bool holds_password_option(std::string_view text) {
  constexpr std::string_view kOption = "password=";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(text.begin(), text.end(), kOption.begin(), kOption.end(), same) != text.end();
}

// One for each host, each a number or empty.
bool are_ports(std::string_view list) {
  for (;;) {
    const std::string_view port = list.substr(0, list.find(','));
    int number = 1;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool whole = error == std::errc() && end == port.data() + port.size();
    if (!port.empty() && (!whole || number < 1 || number > 65535)) return false;
    if (port.size() == list.size()) return true;
    list.remove_prefix(port.size() + 1);
  }
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != 127 &&
        std::string_view("%@?#&=[]\"'\\").find(c) == std::string::npos) {
      encoded += c;
    } else {
      encoded.append("%").append(1, "0123456789ABCDEF"[byte >> 4]);
      encoded.append(1, "0123456789ABCDEF"[byte & 15]);
    }
  }
  return encoded;
}

std::string shown_from(std::map<std::string, std::string> parts) {
  const auto take = [&](const char* keyword) {
    const auto node = parts.extract(keyword);
    return node.empty() ? std::string() : percent_encoded(node.mapped());
  };
  std::string text = "postgresql://";
  if (const std::string user = take("user"); !user.empty()) text += user + "@";
  // Sockets' folders and lists of hosts are options.
  const auto host = parts.find("host");
  if (host != parts.end() && host->second.find_first_of("/,@") == std::string::npos) {
    const bool numbers = host->second.find(':') != std::string::npos;  // IPv6
    text += numbers ? "[" + take("host") + "]" : take("host");
    if (const std::string port = take("port"); !port.empty()) text += ":" + port;
  }
  text += "/" + take("dbname");
  char separator = '?';
  for (const auto& [keyword, value] : parts) {
    text.append(1, separator).append(keyword).append("=").append(percent_encoded(value));
    separator = '&';
  }
  return text;
}

}  // namespace

PostgresUrl::PostgresUrl(const std::string& url) {
  if (ends_password_unclearly(url)) {
    refuse("an @ or a / leaves unclear where the password ends");
  }
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), &message), PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, PQfreemem);
  if (!options) {
    // Quotation marks are around parts of the URL.
    std::string why = message != nullptr ? message : "out of memory";
    why.erase(std::min(why.find_first_of("\"\n"), why.size()));
    why.erase(why.find_last_not_of(": (") + 1);
    refuse("libpq does not read this URL (" + why + ")");
  }
  std::map<std::string, std::string> parts = {{"connect_timeout", "3"},
                                              {"tcp_user_timeout", "10000"},
                                              {"keepalives_idle", "30"},
                                              {"client_encoding", "UTF8"},
                                              {"application_name", "doppel"}};
  std::map<std::string, std::string> shown;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    parts[option->keyword] = option->val;
    if (std::string_view(option->dispchar).starts_with('*')) {
      secrets_.emplace_back(option->val);
    } else if (holds_password_option(option->val)) {
      refuse(std::string("its ") + option->keyword + " holds a password");
    } else {
      shown[option->keyword] = option->val;
    }
  }
  if (shown["user"].find_first_of(":?") != std::string::npos) {
    refuse("a : or ? leaves unclear where the user's name ends");
  }
  if (!are_ports(shown["port"])) refuse("its port is no number from 1 to 65535");
  std::erase_if(shown, [](const auto& part) { return part.second.empty(); });
  std::erase(secrets_, "");
  shown_ = shown_from(std::move(shown));
  for (const auto& [keyword, value] : parts) {
    connection_ += keyword + "='";
    for (const char c : value) connection_.append(c == '\'' || c == '\\' ? "\\" : "").append(1, c);
    connection_ += "' ";
  }
}

std::string PostgresUrl::repeated(std::string said) const {
  for (const std::string& secret : secrets_) {
    // What is shown anyway, like a password that is the user's name, tells nothing.
    if (said.find(secret) != std::string::npos && shown_.find(secret) == std::string::npos) {
      return "what it said holds the password and is not repeated";
    }
  }
  while (said.ends_with('\n')) said.pop_back();
  std::ranges::replace(said, '\n', ' ');
  std::ranges::replace(said, '\t', ' ');
  return said;
}

std::string shown_postgres_url(const std::string& url) {
  try {
    return PostgresUrl(url).shown();
  } catch (const Error&) {
    return kNothingShown;
  }
}

}  // namespace doppel::internal

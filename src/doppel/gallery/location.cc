#include "doppel/gallery/location.h"

#include <regex>

namespace doppel {

bool is_server(const std::string& location) {
  return location.starts_with("postgresql://") || location.starts_with("postgres://");
}

std::string shown_location(const std::string& location) {
  if (!is_server(location)) return location;
  static const std::regex of_user("^([a-z]+://[^:@/?]*):[^@/?]*@");
  static const std::regex as_option("([?&](ssl)?password=)[^&]*");
  return std::regex_replace(std::regex_replace(location, of_user, "$1@"), as_option, "$1***");
}

}  // namespace doppel

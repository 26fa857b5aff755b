#include "doppel/image/views.h"

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/error.h"

namespace doppel::internal {

void Views::check() const {
  if (scales.empty() || scales.size() > 16) {
    throw Error(ErrorKind::bad_argument,
                "views: 1 to 16 scales were expected, not " + std::to_string(scales.size()));
  }
  for (double scale : scales) {
    if (!(scale >= 0.1 && scale <= 10)) {
      throw Error(ErrorKind::bad_argument,
                  "views: scales lie in 0.1 .. 10, not " + std::to_string(scale));
    }
  }
}

void make_views(const Views& views, ImageShape shape, std::span<const float> in,
                std::span<float> out) {
  const size_t size = shape.size();
  if (out.size() != views.count() * size) {
    throw Error(ErrorKind::mismatch, std::to_string(views.count()) + " views of " +
                                         std::to_string(size) + " values do not fill " +
                                         std::to_string(out.size()));
  }
  size_t at = 0;
  for (double scale : views.scales) {
    const std::span<float> scaled = out.subspan(at, size);
    warp(shape, in, {1 / scale, 0, 0, 0, 1 / scale, 0}, {}, scaled);
    at += size;
    if (views.mirror) {
      mirror(shape, scaled, out.subspan(at, size));
      at += size;
    }
  }
}

nlohmann::json views_to_json(const Views& views) {
  return {{"mirror", views.mirror}, {"scales", views.scales}};
}

Views views_from_json(const nlohmann::json& json) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::bad_data, "views: " + what);
  };
  if (!json.is_object()) refuse("an object was expected, not " + json.dump());
  Views views;
  for (const auto& [key, value] : json.items()) {
    if (key == "mirror") {
      if (!value.is_boolean()) refuse("\"mirror\" must be true or false, not " + value.dump());
      views.mirror = value.get<bool>();
    } else if (key == "scales") {
      bool numbers = value.is_array();
      for (size_t i = 0; numbers && i < value.size(); ++i) numbers = value[i].is_number();
      if (!numbers) refuse("\"scales\" must be a list of numbers, not " + value.dump());
      views.scales = value.get<std::vector<double>>();
    } else {
      refuse("\"" + key + "\" is unknown; known: mirror, scales");
    }
  }
  views.check();
  return views;
}

}  // namespace doppel::internal

#include "doppel/image/views.h"

#include <nlohmann/json.hpp>
#include <string>

#include "doppel/base/json_object.h"
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
  const JsonObject object(json, "views");
  object.expect_only({"mirror", "scales"});
  Views views;
  object.read("mirror", views.mirror);
  if (object.has("scales")) views.scales = object.numbers("scales");
  views.check();
  return views;
}

}  // namespace doppel::internal

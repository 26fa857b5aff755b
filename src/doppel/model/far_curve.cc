#include "doppel/model/far_curve.h"

#include <algorithm>
#include <cmath>

#include "doppel/base/elementary.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostPoints = 1000;

}  // namespace

double far_at(const FarCurve& curve, double distance) {
  const auto above = std::ranges::upper_bound(curve.points, distance, {}, &FarPoint::distance);
  if (above == curve.points.begin()) return curve.points.front().far;
  if (above == curve.points.end()) return curve.points.back().far;
  const FarPoint &low = *(above - 1), &high = *above;
  if (distance == low.distance) return low.far;
  const double share = (distance - low.distance) / (high.distance - low.distance);
  return elementary::exp(std::lerp(elementary::log(low.far), elementary::log(high.far), share));
}

FarPoint point_at(const FarCurve& curve, double far) {
  if (!(far > 0 && far <= 1)) {
    throw Error(ErrorKind::bad_argument,
                "far: a rate above 0 and up to 1 was expected, not " + std::to_string(far));
  }
  const auto above = std::ranges::upper_bound(curve.points, far, {}, &FarPoint::far);
  if (above == curve.points.begin()) return curve.points.front();
  const FarPoint& low = *(above - 1);
  if (above == curve.points.end() || low.far == far) return low;
  const FarPoint& high = *above;
  const double share = elementary::log(far / low.far) / elementary::log(high.far / low.far);
  // The interval's ends as parts of the FAR.
  return {far, std::lerp(low.distance, high.distance, share),
          far * std::lerp(low.lower / low.far, high.lower / high.far, share),
          std::min(1.0, far * std::lerp(low.upper / low.far, high.upper / high.far, share))};
}

// Of rates near 0 the plain formulas would leave nothing but rounding.
double fpir_of(double far, size_t templates) {
  return -std::expm1(static_cast<double>(templates) * std::log1p(-far));
}

double far_for(double fpir, size_t templates) {
  return -std::expm1(std::log1p(-fpir) / static_cast<double>(templates));
}

nlohmann::json to_json(const FarCurve& curve) {
  nlohmann::json points = nlohmann::json::array();
  for (const FarPoint& point : curve.points) {
    points.push_back({point.far, point.distance, point.lower, point.upper});
  }
  return {{"resolved", curve.resolved}, {"points", points}};
}

FarCurve far_curve_from_json(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, std::string(where).append(": curve"));
  const auto is_rate = [](double value) { return value >= 0 && value <= 1; };
  FarCurve curve;
  curve.resolved = object.number("resolved", 0, 1);
  const nlohmann::json& points = object.list("points");
  if (points.empty() || points.size() > kMostPoints) {
    object.refuse("points", "a list of 1 to " + std::to_string(kMostPoints) + " points");
  }
  for (const nlohmann::json& listed : points) {
    const auto values = finite_numbers(listed);
    if (!values || values->size() != 4) object.fail("a point is [far, distance, lower, upper]");
    const FarPoint point{(*values)[0], (*values)[1], (*values)[2], (*values)[3]};
    if (!(is_rate(point.far) && point.far > 0 && is_rate(point.lower) && is_rate(point.upper) &&
          point.lower <= point.upper)) {
      object.fail("a point has impossible values");
    }
    if (!curve.empty() &&
        !(curve.points.back().far < point.far && curve.points.back().distance <= point.distance)) {
      object.fail("its points do not rise");
    }
    curve.points.push_back(point);
  }
  return curve;
}

}  // namespace doppel::internal

// How rare a distance is between strangers: the FAR of every distance and the distance of every
// FAR, with what a search among many people makes of it. Estimated by eval/calibration.h, stored
// with the model's threshold.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace doppel::internal {

struct FarPoint {
  double far = 0;       // in (0, 1]
  double distance = 0;  // strangers lie below it at this rate
  // 95 % confidence interval of the FAR that this distance has in the long run.
  double lower = 0, upper = 0;

  friend bool operator==(const FarPoint&, const FarPoint&) = default;
};

struct FarCurve {
  std::vector<FarPoint> points;  // FARs rise, distances do not fall
  double resolved = 1;           // FARs below it are extrapolated: so few pairs cannot show them

  bool empty() const { return points.empty(); }
  friend bool operator==(const FarCurve&, const FarCurve&) = default;
};

// Between points the logarithm of the FAR is linear in the distance; outside, the nearest point
// counts, so that a FAR is never less than the rarest of the curve. The curve is not empty.
double far_at(const FarCurve& curve, double distance);
// Its distance, lower and upper. `far` in (0, 1]; throws Error(bad_argument).
FarPoint point_at(const FarCurve& curve, double far);

// A stranger who is compared with n templates matches any of them at the rate
//   FPIR = 1 - (1 - FAR)^n
// where matches are independent (Jain, Ross, Nandakumar: Introduction to biometrics, 2011, 1.5).
// They are not quite, and the true rate is lower: a bound. `far` in 0 .. 1, n >= 1.
double fpir_of(double far, size_t templates);
// The FAR of a single comparison that gives this FPIR among n.
double far_for(double fpir, size_t templates);

// {"resolved", "points": [[far, distance, lower, upper], ..]}.
nlohmann::json to_json(const FarCurve& curve);
// Throws Error(bad_data) that begins with `where` for anything that to_json() cannot have written
// of a curve with points.
FarCurve far_curve_from_json(const nlohmann::json& json, const std::string& where);

}  // namespace doppel::internal

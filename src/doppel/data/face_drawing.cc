// Every pixel is traced back to the head: undo shift, scale and roll, find its depth on an
// ellipsoid, turn it by yaw and pitch into the face's own plane, and there look up what is drawn
// (a stack of soft-edged shapes) and how the surface bends (a sum of bumps) for the shading.
#include "doppel/data/face_drawing.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace doppel::internal {
namespace {

constexpr double kPixelsPerUnit = 50;
constexpr double kEdge = 1.2 / kPixelsPerUnit;  // a shape's edge fades over this length

double square(double x) { return x * x; }
double mix(double a, double b, double t) { return a + (b - a) * t; }

// 0 below `low`, 1 above `high`, a cubic between.
double ramp(double low, double high, double x) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

// How much of a pixel a shape covers whose edge is `distance` away (negative inside).
double cover(double distance, double softness = kEdge) {
  return std::clamp(0.5 - distance / softness, 0.0, 1.0);
}

// A round hill: 1 in its middle, 0 outside the unit circle, smooth everywhere.
double hill(double x, double y) {
  const double q = 1 - x * x - y * y;
  return q > 0 ? q * q : 0;
}

// Sine and cosine of a small angle by a rational rotation: an exact rotation, by nearly that angle.
struct Turn {
  double sin, cos;
  explicit Turn(double angle) {
    const double t = angle / 2 + angle * angle * angle / 24;
    sin = 2 * t / (1 + t * t);
    cos = (1 - t * t) / (1 + t * t);
  }
};

// Smooth noise in [0, 1) over the plane, repeating every 32 units.
class Grain {
 public:
  explicit Grain(Random random) {
    for (double& value : values_) value = random.uniform();
  }
  double at(double x, double y) const {
    const int ix = whole(x), iy = whole(y);
    const double tx = ramp(0, 1, x - ix), ty = ramp(0, 1, y - iy);
    return mix(mix(value(ix, iy), value(ix + 1, iy), tx),
               mix(value(ix, iy + 1), value(ix + 1, iy + 1), tx), ty);
  }

 private:
  // std::floor without its call: the numbers here are small.
  static int whole(double x) {
    const int truncated = static_cast<int>(x);
    return truncated - (x < truncated);
  }
  double value(int x, int y) const {
    return values_[static_cast<size_t>((y & 31) * 32 + (x & 31))];
  }
  std::array<double, 1024> values_;
};

// The slope of a surface made of hills.
struct Slope {
  double u = 0, v = 0;
  void add(double du, double dv, double radius_u, double radius_v, double height) {
    const double x = du / radius_u, y = dv / radius_v, q = 1 - x * x - y * y;
    if (q <= 0) return;
    u -= 4 * height * q * x / radius_u;
    v -= 4 * height * q * y / radius_v;
  }
};

// One opaque or half-transparent layer over what is there.
void paint(double& albedo, double colour, double coverage) {
  albedo = mix(albedo, colour, coverage);
}

class FacePainter {
 public:
  FacePainter(const FaceTraits& traits, const FaceView& view, Random texture)
      : t_(traits),
        w_(view),
        grain_(texture),
        yaw_(view.yaw),
        pitch_(view.pitch),
        roll_(view.roll) {
    const double length = std::sqrt(square(view.light_x) + square(view.light_y) + 1);
    light_ = {view.light_x / length, view.light_y / length, 1 / length};
  }

  // The brightness at a point of the picture, in pixels.
  double at(double column, double row) const {
    const double dx = (column - kFaceWidth / 2.0 - w_.shift_x) / (kPixelsPerUnit * w_.scale);
    const double dy = (row - kFaceHeight / 2.0 + 2 - w_.shift_y) / (kPixelsPerUnit * w_.scale);
    // Roll turns about the neck, as a head does.
    const double below = dy - 1.2;
    const double x = dx * roll_.cos + below * roll_.sin;
    const double y = 1.2 + below * roll_.cos - dx * roll_.sin;

    double value = t_.background * (1 - 0.25 * ramp(-1.4, 1.4, y)) * (1 + 0.15 * w_.light_x * dx);
    draw_back_hair(value, x, y);
    draw_body(value, dx, dy, x, y);
    draw_ears(value, x, y);
    draw_head(value, x, y);
    return value * w_.gain;
  }

 private:
  // The head turned sideways shows its jaw, which lies in front of the axis, moved sideways.
  double axis(double y) const { return yaw_.sin * (0.06 + 0.3 * ramp(-0.4, 1, y)); }

  double half_width(double y) const {
    return t_.head_width * (1 - t_.taper * ramp(-0.2, 1.1, y)) * (1 + 0.08 * std::abs(yaw_.sin));
  }

  // Signed distance, nearly, from the head's outline grown by `margin`.
  double outline(double x, double y, double margin) const {
    const double px = (x - axis(y)) / (half_width(y) + margin);
    const double py = y < 0 ? y / (1 + margin) : y / (t_.chin + margin);
    const double round = px * px + py * py, box = px * px * px * px + py * py * py * py;
    const double boxiness = y < 0 ? 0.25 : mix(0.25, t_.jaw_square, ramp(0, 0.4, y));
    return (mix(std::sqrt(round), std::sqrt(std::sqrt(box)), boxiness) - 1) * 0.85;
  }

  double lambert(double nx, double ny, double nz) const {
    const double length = std::sqrt(nx * nx + ny * ny + nz * nz);
    const double facing = (nx * light_[0] + ny * light_[1] + nz * light_[2]) / length;
    return w_.ambient + (1.15 - w_.ambient) * std::max(0.0, facing);
  }

  double strands(double u, double v) const {
    switch (t_.hair) {
      case HairStyle::curly:
        return 0.7 + 0.55 * grain_.at(u * 9 + 7, v * 9) * (0.5 + grain_.at(u * 19, v * 19 + 3));
      case HairStyle::bob:
      case HairStyle::long_straight:
      case HairStyle::fringe:
        return 0.7 + 0.4 * grain_.at(u * 17, v * 2.5) + 0.2 * grain_.at(u * 31, v * 4);
      default:
        return 0.7 + 0.35 * grain_.at(u * 15 + 6 * v, v * 6 - t_.parting * u * 8) +
               0.25 * grain_.at(u * 29, v * 13);
    }
  }

  double hair_at(double u, double v, double shade) const {
    const double shine = hill((u + 0.3 * light_[0]) / 0.7, (v + 0.78) / 0.2);
    return (t_.hair_tone * (1 + 0.5 * shine) + 0.04 * shine) * strands(u, v) * shade;
  }

  void draw_back_hair(double& value, double x, double y) const {
    double length = 0;
    if (t_.hair == HairStyle::bob) length = 0.75;
    if (t_.hair == HairStyle::long_straight) length = 1.6;
    if (length == 0) return;
    const double width = t_.head_width + t_.hair_volume + 0.08 * ramp(0, 1.2, y);
    const double centre = x - 0.5 * axis(y);
    double distance;
    if (y < 0) {
      distance = std::sqrt(square(centre / width) + square(y / (1 + t_.hair_volume))) - 1;
    } else {
      distance = std::abs(centre) - width + 0.04 * (grain_.at(y * 6, 9) - 0.5);
    }
    const double end = y - length - 0.1 * grain_.at(x * 9, 5);
    const double coverage = cover(std::max(distance, end), 2 * kEdge);
    const double shade = 0.55 + 0.2 * light_[0] * centre;
    if (coverage > 0) paint(value, hair_at(x, y, shade), coverage);
  }

  void draw_body(double& value, double dx, double dy, double x, double y) const {
    // Neck, in the chin's shadow, then a collar and shoulders that do not roll with the head.
    const double neck = std::abs(x - 0.4 * axis(y)) - t_.head_width * 0.62;
    const double shadow = 0.45 + 0.3 * ramp(t_.chin - 0.1, t_.chin + 0.5, y);
    const double side = 1 - 0.5 * square(x / t_.head_width) + 0.35 * light_[0] * x;
    if (y > 0.2) paint(value, t_.skin * shadow * side, cover(neck));
    const double shoulder = 0.9 + 0.12 * std::abs(dx) + 0.1 * dx * dx - dy;
    const double opening = 0.42 - 0.75 * (dy - 0.9) - std::abs(dx);
    if (std::max(shoulder, opening) > kEdge) return;
    const double edge = hill((opening + 0.05) / 0.07, 0);
    const double cloth = t_.clothing * (0.85 + 0.3 * grain_.at(dx * 11, dy * 11)) *
                         (1 + 0.3 * light_[0] * dx) * (1 - 0.35 * edge);
    paint(value, cloth, cover(std::max(shoulder, opening)));
  }

  void draw_ears(double& value, double x, double y) const {
    if (t_.hair == HairStyle::long_straight || t_.hair == HairStyle::bob) return;
    for (const double side : {-1.0, 1.0}) {
      const double middle = side * t_.head_width * yaw_.cos - 0.12 * yaw_.sin;
      const double ex = (x - middle) / (t_.ear_size * 0.62), ey = (y - 0.06) / (t_.ear_size * 1.25);
      const double distance = (std::sqrt(ex * ex + ey * ey) - 1) * t_.ear_size * 0.7;
      const double inner = hill(ex * 1.4 - side * 0.1, ey * 1.2);
      const double shade = (0.72 + 0.3 * side * light_[0]) * (1 - 0.4 * inner);
      paint(value, t_.skin * shade, cover(distance));
    }
  }

  void draw_head(double& value, double x, double y) const {
    const double distance = outline(x, y, 0);
    const double hair_distance = outline(x, y, t_.hair_volume + 0.05 * hair_fluff(x, y));
    if (std::min(distance, hair_distance) > 2 * kEdge) return;

    const double local = x - axis(y), width = half_width(y);
    const double nx = local / width, ny = y < 0 ? y : y / t_.chin;
    const double inside = std::max(0.0, 1 - 0.97 * (nx * nx + 0.9 * ny * ny));
    const double depth = 0.8 * std::sqrt(inside);
    const double u = local * yaw_.cos - depth * yaw_.sin * 0.9 + 0.35 * axis(y);
    const double v = y * pitch_.cos - (depth - 0.3) * pitch_.sin;

    const double bend_x = nx * 0.95, bend_y = ny * 0.75, bend_z = 0.25 + std::sqrt(inside);

    const double line = hairline(u);
    // The height above the line becomes a distance from it where the line is steep.
    const double steepness = (hairline(u + 0.02) - line) / 0.02;
    const double hair = cover(hair_distance, 2 * kEdge) *
                        cover((v - line) / std::sqrt(1 + steepness * steepness), 0.06);
    const double skin = cover(distance);
    if (skin > 0 && hair < 1) {
      Slope slope;
      add_relief(slope, u, v);
      const double shade = lambert(bend_x - slope.u, bend_y - slope.v, bend_z);
      const double sheen =
          0.07 * hill((u - 0.35 * light_[0]) / 0.3, (v + 0.42) / 0.2) +
          0.1 * hill((u - 0.06 * light_[0]) / 0.06, (v - t_.nose_length + 0.05) / 0.1);
      paint(value, skin_at(u, v) * shade + sheen * t_.skin, skin);
    }
    if (hair > 0) paint(value, hair_at(u, v, lambert(bend_x, bend_y - 0.15, bend_z)), hair);
    if (w_.glasses) draw_glasses(value, u, v);
  }

  // The face's albedo with everything that is painted on it.
  double skin_at(double u, double v) const {
    double albedo = t_.skin * (0.97 + 0.06 * grain_.at(u * 7, v * 7));
    draw_folds(albedo, u, v);
    draw_beard(albedo, u, v);
    for (const double side : {-1.0, 1.0}) {
      draw_brow(albedo, u, v, side);
      draw_eye(albedo, u, v, side);
    }
    draw_nose(albedo, u, v);
    draw_mouth(albedo, u, v);
    return albedo;
  }

  double hair_fluff(double x, double y) const {
    return t_.hair == HairStyle::curly ? 2 * grain_.at(x * 7, y * 7) : grain_.at(x * 12, y * 12);
  }

  // The height above which hair grows on the face's plane.
  double hairline(double u) const {
    const double q = std::min(1.3, std::abs(u) / (0.88 * t_.head_width));
    const double q2 = q * q, q4 = q2 * q2;
    double sideburn = 0, curve = q4 * q2;
    switch (t_.hair) {
      case HairStyle::bald:
        curve = q4;
        sideburn = 0.2;
        break;
      case HairStyle::receding:
        curve = q4 - 0.35 * hill((q - 0.55) / 0.4, 0);
        break;
      case HairStyle::bob:
      case HairStyle::long_straight:
        sideburn = 1.2;
        curve = q4 * q4;
        break;
      case HairStyle::curly:
      case HairStyle::fringe:
        sideburn = 0.2;
        break;
      default:
        break;
    }
    return mix(t_.hairline, sideburn, std::min(1.0, curve)) + t_.parting * u +
           0.07 * (grain_.at(u * 13, 2) - 0.5);
  }

  // Nose and lips stand out: turning moves them further than the skin around them.
  double nose_u(double u, double v) const {
    return u - 0.8 * t_.nose_height * yaw_.sin * ramp(-0.15, t_.nose_length, v);
  }
  double mouth_v() const { return t_.mouth_height + 0.02 * w_.mouth_open; }
  double nose_v() const { return t_.nose_length + t_.nose_height * 0.8 * pitch_.sin; }

  void add_relief(Slope& slope, double u, double v) const {
    const double nu = nose_u(u, v), tip = nose_v();
    slope.add(nu, v - 0.5 * tip + 0.04, 0.14, 0.34, t_.nose_height * 0.5);
    slope.add(nu, v - tip, t_.nose_width * 0.95, 0.13, t_.nose_height * 0.55);
    for (const double side : {-1.0, 1.0}) {
      const double su = side * u;
      slope.add(side * nu - t_.nose_width * 0.75, v - tip - 0.02, 0.07, 0.07, 0.03);
      slope.add(su - t_.eye_distance, v - t_.eye_height + 0.02, 0.22, 0.17, -0.06);
      slope.add(su - t_.eye_distance, v - t_.brow_height - 0.02, 0.26, 0.1, 0.025);
      slope.add(su - 0.4, v - 0.27 + 0.04 * w_.smile, 0.27, 0.24,
                0.035 + 0.035 * std::max(0.0, w_.smile));
    }
    slope.add(u, v - mouth_v(), 0.4, 0.22, 0.04);
    slope.add(u, v - t_.chin + 0.17, 0.24, 0.15, 0.05);
    slope.add(u, v - mouth_v() - 0.17, 0.2, 0.07, -0.025);
  }

  void draw_folds(double& albedo, double u, double v) const {
    for (const double side : {-1.0, 1.0}) {
      // From the nose's wing to the mouth's corner: the fold of age and of smiling.
      const double fall = (v - t_.nose_length) / (t_.mouth_height + 0.06 - t_.nose_length);
      const double fold = side * u - mix(t_.nose_width + 0.04, t_.mouth_width + 0.09, fall);
      const double depth = 0.16 * t_.age + 0.14 * std::max(0.0, w_.smile);
      albedo *= 1 - depth * hill((fold - 0.05 * fall * (1 - fall)) / 0.07, (fall - 0.45) / 0.65);
      const double bag =
          hill((side * u - t_.eye_distance) / 0.17, (v - t_.eye_height - 0.12) / 0.035);
      albedo *= 1 - 0.25 * t_.age * bag;
    }
  }

  void draw_beard(double& albedo, double u, double v) const {
    if (t_.beard == BeardStyle::none || v < -0.1) return;
    const double dark = std::min(t_.hair_tone * 1.1 + 0.02, 0.6 * t_.skin);
    const double rough = 0.6 + 0.8 * grain_.at(u * 21, v * 17);
    const double q = std::abs(u) / t_.head_width;
    const double lip =
        hill(u / (t_.mouth_width * 1.5), (v - 0.5 * (t_.nose_length + mouth_v()) - 0.04) / 0.13);
    const double moustache = ramp(0.05, 0.3, lip);
    const double jaw = ramp(0.55 - 0.65 * q, 0.68 - 0.65 * q, v - 0.02) * ramp(0.0, 0.12, v + 0.1);
    const double chin = ramp(0.1, 0.4, hill(u / 0.36, (v - t_.chin + 0.1) / 0.38));
    double amount = 0;
    if (t_.beard == BeardStyle::stubble) amount = 0.3 * std::max(jaw, moustache);
    if (t_.beard == BeardStyle::moustache) amount = 0.9 * moustache;
    if (t_.beard == BeardStyle::goatee) amount = 0.85 * std::max(chin, moustache);
    if (t_.beard == BeardStyle::full) amount = 0.9 * std::max(jaw, moustache);
    paint(albedo, dark * rough, std::min(1.0, amount * (0.7 + 0.5 * grain_.at(u * 25, v * 12))));
  }

  void draw_brow(double& albedo, double u, double v, double side) const {
    if (std::abs(v - t_.brow_height) > 0.3) return;
    const double along = (side * u - t_.eye_distance * 1.03) / (t_.eye_width * 1.35);
    const double middle = t_.brow_height - 0.05 * w_.brow_raise + t_.brow_slope * along +
                          t_.brow_arch * along * along;
    const double thickness =
        t_.brow_thickness * (1.1 - 0.45 * along) * ramp(1.3, 0.5, std::abs(along));
    const double distance =
        std::max(std::abs(v - middle) - thickness, (std::abs(along) - 1) * t_.eye_width);
    const double hairs = 0.65 + 0.35 * grain_.at(u * 30 + v * 12, v * 18);
    paint(albedo, t_.hair_tone * 0.75 + 0.03, hairs * 0.9 * cover(distance, 0.04));
  }

  void draw_eye(double& albedo, double u, double v, double side) const {
    const double du = side * u - t_.eye_distance, a = du / t_.eye_width;
    if (std::abs(a) > 1.5 || std::abs(v - t_.eye_height) > 0.3) return;
    const double dv = v - t_.eye_height + t_.eye_tilt * du;
    const double bow = 1 - a * a, ends = cover(std::abs(du) - t_.eye_width, 0.03);
    const double squint = 1 - 0.3 * std::max(0.0, w_.smile);
    const double open = t_.eye_open * squint * w_.eyes_open;
    const double upper = mix(0.45 * t_.eye_open, -open, w_.eyes_open) * bow,
                 lower = 0.6 * t_.eye_open * bow;
    // The lid's crease and the shade of the socket.
    const double crease = dv + t_.eye_open * 1.75 * bow + 0.005;
    albedo *= 1 - 0.3 * hill(crease / 0.035, a / 1.15);
    albedo *= 1 - 0.12 * hill(a / 1.4, dv / 0.18);
    const double within = cover(std::max(upper - dv, dv - lower)) * ends;
    double eye = mix(t_.skin, 0.95, 0.65);
    const double iris = std::sqrt(square(u - side * t_.eye_distance - 0.05 * w_.gaze) +
                                  square(dv + 0.1 * t_.eye_open));
    paint(eye, t_.iris, cover(iris - 0.068));
    paint(eye, 0.03, cover(iris - 0.032));
    paint(eye, 1.1,
          0.8 * hill((u - side * t_.eye_distance - 0.05 * w_.gaze - 0.02) / 0.03,
                     (dv + 0.03) / 0.03));
    eye *= 1 - 0.3 * ramp(upper + 0.05, upper, dv);
    paint(albedo, eye, within);
    paint(albedo, 0.08, 0.85 * hill((dv - upper) / 0.032, a / 1.12));
    paint(albedo, t_.skin * 0.55, 0.5 * hill((dv - lower) / 0.025, a / 1.1));
  }

  void draw_nose(double& albedo, double u, double v) const {
    const double nu = nose_u(u, v), tip = nose_v();
    albedo *= 1 - 0.4 * hill(nu / (t_.nose_width * 1.05), (v - tip - 0.105) / 0.05);
    for (const double side : {-1.0, 1.0}) {
      const double su = side * nu;
      paint(albedo, 0.1, 0.8 * hill((su - 0.45 * t_.nose_width) / 0.05, (v - tip - 0.075) / 0.028));
      const double wing =
          std::sqrt(square((su - 0.6 * t_.nose_width) / 0.075) + square((v - tip - 0.01) / 0.085));
      const double outer = ramp(0.5, 0.9, su / t_.nose_width) * ramp(-0.1, 0.02, v - tip);
      albedo *= 1 - 0.22 * outer * hill((wing - 1) / 0.5, 0);
      albedo *= 1 - 0.1 * hill((su - 0.1) / 0.06, (v - 0.08) / 0.25);
    }
  }

  void draw_mouth(double& albedo, double u, double v) const {
    const double mu = u - 0.05 * yaw_.sin;
    const double width =
        t_.mouth_width * (1 + 0.15 * std::max(0.0, w_.smile) - 0.12 * w_.mouth_open);
    const double a = mu / width;
    if (std::abs(a) > 1.4 || std::abs(v - mouth_v()) > 0.4) return;
    const double bow = std::max(0.0, 1 - a * a);
    const double line = mouth_v() + 0.07 * w_.smile * (0.5 - a * a);
    const double gap = 0.13 * w_.mouth_open * bow;
    const double top = line - 0.35 * gap, bottom = line + 0.65 * gap;
    const double peak =
        t_.upper_lip * (bow + 0.25 * hill((std::abs(a) - 0.25) / 0.3, 0) - 0.15 * hill(a / 0.2, 0));
    const double lips = cover(std::max(top - peak - v, v - bottom - t_.lower_lip * bow), 0.035);
    paint(albedo, t_.skin * t_.lip_tone, lips * cover(std::abs(mu) - width));
    if (v < line) albedo *= 1 - 0.12 * lips;
    albedo *= 1 - 0.2 * hill(a / 0.7, (v - bottom - t_.lower_lip - 0.035) / 0.045);
    const double hollow = cover(std::max(top - v, v - bottom));
    double inside = 0.07;
    const double teeth = w_.smile > 0 ? 0.8 : 0.35;
    paint(inside, 0.85 * (0.5 + 0.5 * bow), teeth * cover(v - top - 0.45 * gap));
    if (gap > 0) paint(albedo, inside, hollow * cover(std::abs(mu) - width * 0.93));
    paint(albedo, 0.1, (gap > 0.02 ? 0.3 : 0.75) * hill((v - top) / 0.025, a / 1.12));
    for (const double side : {-1.0, 1.0}) {
      albedo *=
          1 - 0.22 * hill((side * mu - width) / 0.05, (v - mouth_v() + 0.05 * w_.smile) / 0.045);
    }
  }

  void draw_glasses(double& value, double u, double v) const {
    double ring = 10;
    for (const double side : {-1.0, 1.0}) {
      const double gx = (side * u - t_.eye_distance) / t_.glasses_width;
      const double gy = (v - t_.eye_height - 0.03) / t_.glasses_height;
      const double round = std::sqrt(gx * gx + gy * gy);
      const double box = std::sqrt(std::sqrt(square(gx * gx) + square(gy * gy)));
      const double distance = (mix(round, box, t_.glasses_square) - 1) * t_.glasses_height;
      ring = std::min(ring, std::abs(distance));
      const double streak = hill((gx + 0.35 + 0.5 * gy - 0.5 * light_[0]) / 0.35, gy / 0.9);
      value = mix(value, 1.0, cover(distance) * (0.05 + 0.6 * w_.glare * streak));
    }
    const double gap = t_.eye_distance - t_.glasses_width, out = t_.eye_distance + t_.glasses_width;
    const double height = v - t_.eye_height + 0.02;
    if (std::abs(u) < gap) ring = std::min(ring, std::abs(height + 0.03 * (1 - square(u / gap))));
    if (std::abs(u) > out && std::abs(u) < 0.93 * t_.head_width)
      ring = std::min(ring, std::abs(height));
    paint(value, t_.glasses_tone, 0.9 * cover(ring - t_.glasses_thickness));
  }

  const FaceTraits& t_;
  const FaceView& w_;
  Grain grain_;
  Turn yaw_, pitch_, roll_;
  std::array<double, 3> light_;
};

}  // namespace

Image draw_face(const FaceTraits& traits, const FaceView& view, Random texture, Random noise) {
  const FacePainter painter(traits, view, texture);
  Image image{kFaceWidth, kFaceHeight, {}};
  image.pixels.reserve(static_cast<size_t>(kFaceWidth) * kFaceHeight);
  for (int row = 0; row < kFaceHeight; ++row) {
    for (int column = 0; column < kFaceWidth; ++column) {
      // Twelve uniform numbers would be the classic stand-in for a normal one; four are enough.
      const double grain =
          noise.uniform() + noise.uniform() + noise.uniform() + noise.uniform() - 2;
      const double value = painter.at(column + 0.5, row + 0.5) + view.noise * 1.7320508 * grain;
      const double level = std::floor(std::clamp(value, 0.0, 1.0) * 255 + 0.5);
      image.pixels.push_back(static_cast<float>(level) / 255.0f);
    }
  }
  return image;
}

}  // namespace doppel::internal

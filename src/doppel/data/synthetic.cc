// What differs between people and between their pictures is drawn here; face_drawing.cc draws it.
#include "doppel/data/synthetic.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/data/face_drawing.h"
#include "doppel/error.h"
#include "doppel/image/encode.h"

namespace doppel::internal {
namespace {

// What a file begins with, and the comment behind it.
constexpr std::string_view kPgm = "P5\n";
constexpr std::string_view kMark = "# synthetic face, drawn by doppel\n";
static_assert(kPgm.size() + kMark.size() <= kSyntheticMarkBytes);

// Near 0 more often than far from it, within -1 .. 1.
double around(Random& random) {
  return (random.uniform() + random.uniform() + random.uniform()) / 1.5 - 1;
}
bool chance(Random& random, double probability) { return random.uniform() < probability; }

struct Person {
  FaceTraits traits;
  double glasses = 0;  // how often they wear them
};

Person draw_person(uint64_t seed, uint32_t identity) {
  Random r(seed, Purpose::synthetic, identity);
  Person person;
  FaceTraits& t = person.traits;
  t.head_width = r.uniform(0.66, 0.82);
  t.chin = r.uniform(0.92, 1.08);
  t.taper = r.uniform(0.15, 0.45);
  t.jaw_square = r.uniform(0.05, 0.75);
  t.ear_size = r.uniform(0.13, 0.2);
  t.skin = r.uniform(0.45, 0.82);
  t.eye_distance = r.uniform(0.27, 0.35);
  t.eye_height = r.uniform(-0.1, 0.04);
  t.eye_width = r.uniform(0.12, 0.16);
  t.eye_open = r.uniform(0.055, 0.095);
  t.eye_tilt = r.uniform(-0.15, 0.25);
  t.iris = r.uniform(0.08, 0.4);
  const bool soft = chance(r, 0.4);  // finer brows, fuller lips, longer hair, no beard
  t.brow_height = t.eye_height - r.uniform(0.16, 0.23);
  t.brow_thickness = soft ? r.uniform(0.012, 0.024) : r.uniform(0.02, 0.045);
  t.brow_arch = r.uniform(0.0, 0.07);
  t.brow_slope = r.uniform(-0.035, 0.03);
  t.nose_length = t.eye_height + r.uniform(0.27, 0.4);
  t.nose_width = r.uniform(0.09, 0.15);
  t.nose_height = r.uniform(0.1, 0.2);
  t.mouth_height = t.nose_length + r.uniform(0.22, 0.3);
  t.mouth_width = r.uniform(0.19, 0.31);
  t.upper_lip = soft ? r.uniform(0.045, 0.065) : r.uniform(0.02, 0.055);
  t.lower_lip = soft ? r.uniform(0.07, 0.1) : r.uniform(0.045, 0.085);
  t.lip_tone = soft ? r.uniform(0.5, 0.75) : r.uniform(0.68, 0.88);
  t.age = r.uniform();
  constexpr HairStyle kShort[] = {HairStyle::bald,   HairStyle::receding, HairStyle::cropped,
                                  HairStyle::parted, HairStyle::curly,    HairStyle::fringe};
  constexpr HairStyle kLong[] = {HairStyle::bob, HairStyle::long_straight, HairStyle::curly,
                                 HairStyle::fringe, HairStyle::parted};
  t.hair = soft ? kLong[r.below(5)] : kShort[r.below(6)];
  t.hair_tone = chance(r, 0.65) ? r.uniform(0.04, 0.22) : r.uniform(0.22, 0.65);
  if (t.skin < 0.55) t.hair_tone = std::min(t.hair_tone, 0.12);
  t.hairline = r.uniform(-0.72, -0.48);
  t.hair_volume = r.uniform(0.03, 0.12);
  switch (t.hair) {
    case HairStyle::bald:
      t.hairline = -1.5;
      t.hair_volume = 0.02;
      break;
    case HairStyle::receding:
      t.hairline = r.uniform(-0.8, -0.65);
      t.hair_volume = r.uniform(0.02, 0.06);
      break;
    case HairStyle::parted:
      t.parting = (chance(r, 0.5) ? 1 : -1) * r.uniform(0.12, 0.35);
      break;
    case HairStyle::curly:
      t.hair_volume = r.uniform(0.1, 0.2);
      break;
    case HairStyle::fringe:
      t.hairline = r.uniform(-0.4, -0.3);
      break;
    case HairStyle::bob:
      t.hairline = r.uniform(-0.65, -0.32);
      t.hair_volume = r.uniform(0.08, 0.17);
      break;
    default:
      break;
  }
  if (!soft && chance(r, 0.5)) t.beard = static_cast<BeardStyle>(1 + r.below(4));
  person.glasses = chance(r, 0.4) ? (chance(r, 0.5) ? 0.9 : 0.5) : 0;
  t.glasses_width = r.uniform(0.19, 0.24);
  t.glasses_height = r.uniform(0.12, 0.19);
  t.glasses_square = r.uniform();
  t.glasses_tone = chance(r, 0.7) ? r.uniform(0.05, 0.15) : r.uniform(0.2, 0.35);
  t.glasses_thickness = r.uniform(0.01, 0.024);
  t.clothing = r.uniform(0.08, 0.75);
  t.background = r.uniform(0.2, 0.45);
  return person;
}

FaceView draw_view(uint64_t seed, uint32_t identity, uint32_t index, double glasses) {
  Random r(seed, Purpose::synthetic, identity, static_cast<uint16_t>(index + 1));
  FaceView w;
  w.yaw = 0.45 * around(r);
  w.pitch = 0.3 * around(r);
  w.roll = 0.16 * around(r);
  w.shift_x = 4 * around(r) + 4 * w.yaw;
  w.shift_y = 4 * around(r);
  w.scale = 1 + 0.06 * around(r);
  w.smile = r.uniform(-0.25, 1);
  w.mouth_open = chance(r, 0.35) ? r.uniform(0.2, 1) : 0;
  w.eyes_open = chance(r, 0.1) ? 0 : r.uniform(0.75, 1);
  w.gaze = around(r);
  w.brow_raise = around(r);
  w.glasses = chance(r, glasses);
  w.glare = chance(r, 0.5) ? r.uniform(0.2, 1) : 0;
  w.light_x = 0.7 * around(r);
  w.light_y = r.uniform(-0.6, 0);
  w.ambient = r.uniform(0.35, 0.55);
  w.gain = 1 + 0.12 * around(r);
  w.noise = r.uniform(0.006, 0.016);
  return w;
}

}  // namespace

std::string synthetic_name(int identity) {
  return std::string("s").append(std::to_string(identity + 1));
}

void check_synthetic_counts(int identities, int images) {
  if (identities < 2 || images < 1 || int64_t{identities} * images > 100000) {
    throw Error(
        ErrorKind::bad_argument,
        "synthetic faces: at least 2 identities and 1 image of each were expected, together "
        "at most 100000 images, not " +
            std::to_string(identities) + " identities with " + std::to_string(images));
  }
}

Image synthetic_face(uint64_t seed, uint32_t identity, uint32_t index) {
  if (index > 65534) {
    throw Error(
        ErrorKind::bad_argument,
        "synthetic face: an index of at most 65534 was expected, not " + std::to_string(index));
  }
  const Person person = draw_person(seed, identity);
  const FaceView view = draw_view(seed, identity, index, person.glasses);
  return draw_face(person.traits, view, Random(seed, Purpose::synthetic, identity, 0),
                   Random(seed ^ 0x9E3779B97F4A7C15, Purpose::synthetic, identity,
                          static_cast<uint16_t>(index + 1)));
}

Dataset synthetic_dataset(int identities, int images, uint64_t seed) {
  check_synthetic_counts(identities, images);
  Dataset dataset;
  dataset.source = "synthetic faces, seed " + std::to_string(seed);
  for (int i = 0; i < identities; ++i) {
    const std::string name = synthetic_name(i);
    dataset.identities.push_back({name, dataset.images.size(), static_cast<size_t>(images)});
    for (int j = 0; j < images; ++j) {
      dataset.images.push_back(
          synthetic_face(seed, static_cast<uint32_t>(i), static_cast<uint32_t>(j)));
      dataset.image_names.push_back(name + "/" + std::to_string(j + 1) + ".pgm");
      dataset.identity_of.push_back(static_cast<uint32_t>(i));
      dataset.synthetic.push_back(true);
    }
  }
  seal(dataset);
  return dataset;
}

void write_synthetic(const std::filesystem::path& folder, int identities, int images, uint64_t seed,
                     const std::function<void()>& before_each) {
  namespace fs = std::filesystem;
  check_synthetic_counts(identities, images);
  const auto fail = [&](const std::error_code& error) {
    throw Error(ErrorKind::io, folder.string() + ": cannot be created: " + error.message());
  };
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) {
    if (!fs::is_directory(folder, error) || !fs::is_empty(folder, error)) {
      if (error) fail(error);
      throw Error(ErrorKind::bad_argument,
                  folder.string() +
                      ": a new or an empty folder was expected for the synthetic "
                      "faces, this one holds something already");
    }
  }
  const bool is_new = !fs::exists(folder, error);
  try {
    for (int i = 0; i < identities; ++i) {
      const fs::path person = folder / synthetic_name(i);
      fs::create_directories(person, error);
      if (error) fail(error);
      for (int j = 0; j < images; ++j) {
        if (before_each) before_each();
        write_file_atomically(
            person / (std::to_string(j + 1) + ".pgm"),
            synthetic_file(seed, static_cast<uint32_t>(i), static_cast<uint32_t>(j)));
      }
    }
  } catch (...) {
    for (int i = 0; i < identities; ++i) fs::remove_all(folder / synthetic_name(i), error);
    if (is_new) fs::remove(folder, error);
    throw;
  }
}

std::string synthetic_file(uint64_t seed, uint32_t identity, uint32_t index) {
  std::string bytes = encode_pgm(synthetic_face(seed, identity, index));
  bytes.insert(kPgm.size(), kMark);
  return bytes;
}

bool is_synthetic_file(std::string_view bytes) {
  if (!bytes.starts_with(kPgm)) return false;
  bytes.remove_prefix(kPgm.size());
  return bytes.starts_with(kMark);
}

bool is_synthetic(const Dataset& dataset) {
  return 2 * std::ranges::count(dataset.synthetic, char{true}) > std::ssize(dataset.images);
}

}  // namespace doppel::internal

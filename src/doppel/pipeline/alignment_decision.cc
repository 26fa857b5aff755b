#include "doppel/pipeline/alignment_decision.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/data/listing.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/face/choose.h"
#include "doppel/face/face_finder.h"
#include "doppel/face/framing.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

// Of a few kilobytes each they take about a second on two cores, half of it to read the landmarks'
// file. More tell hardly more (face/framing.h).
constexpr size_t kPicturesLookedAt = 30;

// Paths of some pictures, spread evenly over the people; of each any one.
std::vector<std::string> some_pictures(const Listing& listing) {
  std::vector<std::string> all = listing.paths();
  if (all.size() <= kPicturesLookedAt) return all;
  std::vector<size_t> first;  // of each person
  size_t before = 0;
  for (const IdentityFiles& identity : listing.identities) {
    first.push_back(before);
    before += identity.files.size();
  }
  Random random(0, Purpose::sample);
  std::set<size_t> chosen;
  for (size_t k = 0; k < kPicturesLookedAt; ++k) {
    const size_t person = k * first.size() / kPicturesLookedAt;
    const size_t pictures = listing.identities[person].files.size();
    chosen.insert(first[person] + random.below(static_cast<uint32_t>(pictures)));
  }
  std::vector<std::string> paths;
  for (const size_t i : chosen) paths.push_back(std::move(all[i]));
  return paths;
}

struct Look {
  std::vector<std::optional<FramedFace>> found;  // of each picture that is not synthetic
  std::optional<Error> hindrance;                // why faces could not be found
};

Look look_at(const std::filesystem::path& source, const std::vector<std::string>& paths,
             ThreadPool& pool) {
  Look look;
  std::unique_ptr<FaceFinder> finder;
  try {
    finder = std::make_unique<FaceFinder>();
  } catch (const Error& error) {
    look.hindrance = error;
    return look;
  }
  std::vector<std::optional<FramedFace>> found(paths.size());
  std::vector<char> looked(paths.size(), false);
  std::mutex mutex;
  read_each(source, paths, pool, [&](size_t i, std::string_view bytes) {
    if (is_synthetic_file(bytes)) return;
    const Image image = decode_image(bytes, paths[i]);
    try {
      std::vector<FoundFace> faces = finder->find(image);
      looked[i] = true;
      if (faces.empty()) return;
      found[i] = {choose_faces(std::move(faces), FaceChoice::largest, paths[i]).front(),
                  {image.width, image.height}};
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      look.hindrance = error;
    }
  });
  for (size_t i = 0; i < paths.size(); ++i) {
    if (looked[i]) look.found.push_back(found[i]);
  }
  return look;
}

// "in 30 pictures eyes lie 0.19 eye distances from their usual place, within the limit of 0.3"
std::string measured(size_t pictures, const char* format, double value, const char* side,
                     double limit) {
  char text[200];
  std::snprintf(text, sizeof text, format, value);
  std::string sentence = "in " + std::to_string(pictures) + " pictures eyes ";
  sentence += text;
  std::snprintf(text, sizeof text, ", %s the limit of %.2f", side, limit);
  return sentence + text;
}

AlignmentDecision decision_of(const Framing& framing) {
  constexpr const char* kAstray = "lie %.2f eye distances from their usual place";
  AlignmentDecision decision{.judged = true};
  switch (judge(framing)) {
    case FramingVerdict::few_faces:
      decision.finding = "a face was found in only " + std::to_string(framing.faces) + " of " +
                         std::to_string(framing.pictures) + " pictures, so they are not aligned";
      break;
    case FramingVerdict::alike:
      decision.finding = "the faces are framed alike, so they are not aligned";
      decision.detail =
          measured(framing.faces, kAstray, framing.eyes_astray, "within", kMostAstray);
      break;
    case FramingVerdict::astray:
      decision.align = true;
      decision.finding = "the faces are framed loosely, so they are aligned";
      decision.detail =
          measured(framing.faces, kAstray, framing.eyes_astray, "beyond", kMostAstray);
      break;
    case FramingVerdict::small:
      decision.align = true;
      decision.finding = "the faces are small in the pictures, so they are aligned";
      decision.detail = measured(framing.faces, "are %.2f of the width apart", framing.eyes_apart,
                                 "below", kLeastApart);
      break;
  }
  return decision;
}

}  // namespace

AlignmentDecision decide_alignment(const std::filesystem::path& source, ThreadPool& pool) {
  Look look;
  try {
    const Listing listing = list_source(source);
    if (!listing.problems.empty()) return {};
    look = look_at(source, some_pictures(listing), pool);
  } catch (const Error&) {
    return {};  // loading it says why
  }
  if (look.hindrance) {
    return {.finding = "the faces are not aligned", .detail = look.hindrance->what()};
  }
  if (look.found.empty()) return {};
  return decision_of(measure_framing(look.found));
}

}  // namespace doppel::internal

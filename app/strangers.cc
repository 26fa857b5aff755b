#include "strangers.h"

#include <cstdio>

#include "doppel/data/listing.h"
#include "doppel/error.h"

namespace doppel::internal::app {

namespace {

// "s1 by name, 2 images (a/1.pgm, a/2.pgm) and 1 image by its looks (b/1.jpg)"
std::string reasons(const SeenOverlap& seen) {
  std::vector<std::string> parts;
  if (!seen.named.empty()) parts.push_back(enumerated(seen.named) + " by name");
  if (!seen.images.empty()) {
    parts.push_back(plural(seen.images.size(), "image") + " (" + enumerated(seen.images) + ")");
  }
  if (!seen.look_alikes.empty()) {
    parts.push_back(plural(seen.look_alikes.size(), "image") + " by " +
                    (seen.look_alikes.size() == 1 ? "its" : "their") + " looks (" +
                    enumerated(seen.look_alikes) + ")");
  }
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return text;
}

[[noreturn]] void refuse(const Dataset& people, const SeenOverlap& seen,
                         const std::string& advice) {
  throw Error(ErrorKind::mismatch,
              people.source + ": people that the model was not made from were expected; it knows " +
                  reasons(seen) + advice);
}

SeenOverlap seen_of(const Model& model, const Dataset& people) {
  if (const size_t unhashed = model.training.seen.unhashed; unhashed > 0) {
    std::fprintf(stderr,
                 "Note: of %s that the model has seen it holds no perceptual hash, as it was made "
                 "by an older version: copies that were encoded anew go unnoticed.\n",
                 plural(unhashed, "image").c_str());
  }
  return seen_overlap(model.training.seen, people);
}

}  // namespace

SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed) {
  SeenOverlap seen = seen_of(model, people);
  if (seen.empty() || allowed) return seen;
  refuse(people, seen, ". --allow-seen measures them and marks the result");
}

SeenOverlap check_namesakes(const Model& model, const Dataset& people, bool allowed) {
  SeenOverlap seen = seen_of(model, people);
  const bool pictures = !seen.images.empty() || !seen.look_alikes.empty();
  if (pictures) refuse(people, seen, "; leave these people out");
  if (seen.empty() || allowed) return seen;
  refuse(people, seen,
         ". If these are other people who are only called so, --allow-seen goes on and marks the "
         "threshold");
}

std::string mark_text(const SeenOverlap& seen) {
  if (seen.empty()) return "";
  return "Marked: the model was made from " + std::to_string(seen.identities.size()) +
         " of these people, as it knows " + reasons(seen) +
         ":\nthis is no measure of unseen people.\n";
}

}  // namespace doppel::internal::app

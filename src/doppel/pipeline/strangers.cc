#include "doppel/pipeline/strangers.h"

#include <vector>

#include "doppel/base/words.h"
#include "doppel/error.h"

namespace doppel::internal {
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
  return enumerated(parts);
}

[[noreturn]] void refuse(const Dataset& people, const SeenOverlap& seen,
                         const std::string& advice) {
  throw Error(ErrorKind::seen_people,
              people.source + ": people that the model was not made from were expected; it knows " +
                  reasons(seen) + advice);
}

}  // namespace

SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed,
                            std::string_view option) {
  SeenOverlap seen = seen_overlap(model.training.seen, people);
  if (seen.empty() || allowed) return seen;
  refuse(people, seen, std::string(". ").append(option) + " measures them and marks the result");
}

SeenOverlap check_namesakes(const Model& model, const Dataset& people, bool allowed,
                            std::string_view option) {
  SeenOverlap seen = seen_overlap(model.training.seen, people);
  const bool pictures = !seen.images.empty() || !seen.look_alikes.empty();
  if (pictures) refuse(people, seen, "; leave these people out");
  if (seen.empty() || allowed) return seen;
  refuse(people, seen,
         std::string(". If these are other people who are only called so, ").append(option) +
             " goes on and marks the threshold");
}

std::optional<std::string> unhashed_note(const Model& model) {
  const size_t unhashed = model.training.seen.unhashed;
  if (unhashed == 0) return {};
  return "of " + plural(unhashed, "image") +
         " that the model has seen it holds no perceptual hash, as it was made by an older "
         "version: "
         "copies that were encoded anew go unnoticed";
}

std::string mark_text(const SeenOverlap& seen) {
  if (seen.empty()) return "";
  return "Marked: the model was made from " + std::to_string(seen.identities.size()) +
         " of these people, as it knows " + reasons(seen) +
         ":\nthis is no measure of unseen people.\n";
}

}  // namespace doppel::internal

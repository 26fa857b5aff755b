#include "strangers.h"

#include "doppel/base/error.h"
#include "doppel/data/listing.h"

namespace doppel::app {

namespace {

[[noreturn]] void refuse(const Dataset& people, const SeenOverlap& seen, const char* advice) {
  std::string what = people.source;
  what += ": people that the model was not made from were expected; it knows ";
  what += enumerated(seen.identities) + " by name or picture, and " +
          plural(seen.images.size(), "image");
  if (seen.images.empty()) what += "; other people with these names should have others";
  throw Error(ErrorKind::mismatch, what + advice);
}

}  // namespace

SeenOverlap check_strangers(const Model& model, const Dataset& people, bool allowed) {
  SeenOverlap seen = seen_overlap(model.training.seen, people);
  if (seen.empty() || allowed) return seen;
  refuse(people, seen, ". --allow-seen measures them and marks the result");
}

void check_strangers(const Model& model, const Dataset& people) {
  const SeenOverlap seen = seen_overlap(model.training.seen, people);
  if (!seen.empty()) refuse(people, seen, "");
}

nlohmann::json seen_json(const SeenOverlap& seen) {
  return {{"identities", seen.identities}, {"images", seen.images.size()}};
}

}  // namespace doppel::app

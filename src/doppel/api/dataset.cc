#include "doppel/dataset.h"

#include <algorithm>
#include <utility>

#include "doppel/api/dataset_source.h"
#include "doppel/base/natural_order.h"
#include "doppel/base/words.h"
#include "doppel/data/listing.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/pipeline/alignment_decision.h"
#include "doppel/pipeline/dataset_loading.h"

namespace doppel {
namespace internal {

Dataset DatasetSource::read(ThreadPool& pool, const LoadOptions& options) const {
  Dataset whole;
  if (drawn) {
    whole = synthetic_dataset(drawn->people, drawn->photos, drawn->seed);
    prepare_images(whole, options.preparation, pool);
  } else {
    whole = load_dataset(path, pool, options);
  }
  if (!part) return whole;
  std::vector<std::string> names;
  for (const Person& person : people) names.push_back(person.name);
  Dataset chosen = select_identities(whole, names);
  chosen.source += ", " + plural(people.size(), "person") + " of it";
  keep_preparation_note(options, chosen);
  return chosen;
}

Dataset DatasetSource::read_for_training(
    Recipe& recipe, ThreadPool& pool, const std::function<void(const std::string&)>& note) const {
  if (!recipe.align) {
    const AlignmentDecision decision = drawn ? AlignmentDecision() : decide_alignment(path, pool);
    recipe.align = decision.align;
    if (note && !decision.finding.empty()) {
      note(decision.finding + (decision.detail.empty() ? "" : ": " + decision.detail));
    }
  }
  Dataset everybody = read(pool, loaded_for(recipe));
  if (note) std::ranges::for_each(everybody.notes, note);
  return everybody;
}

}  // namespace internal

Dataset::Dataset(std::shared_ptr<const internal::DatasetSource> source)
    : source_(std::move(source)) {}

Dataset Dataset::load(const std::filesystem::path& source) {
  const internal::Listing listing = internal::list_source(source);
  if (!listing.problems.empty()) throw Error(listing.problems.front().error);
  internal::DatasetSource described;
  std::error_code error;
  described.path = std::filesystem::absolute(source, error);
  if (error) described.path = source;
  for (const internal::IdentityFiles& identity : listing.identities) {
    described.people.push_back({identity.name, identity.files.size()});
  }
  return Dataset(std::make_shared<const internal::DatasetSource>(std::move(described)));
}

Dataset Dataset::synthetic(int people, int photos, uint64_t seed) {
  internal::check_synthetic_counts(people, photos);
  internal::DatasetSource described;
  described.drawn = {people, photos, seed};
  for (int i = 0; i < people; ++i) {
    described.people.push_back({internal::synthetic_name(i), static_cast<size_t>(photos)});
  }
  return Dataset(std::make_shared<const internal::DatasetSource>(std::move(described)));
}

std::vector<std::string> Dataset::people() const {
  std::vector<std::string> names;
  for (const internal::DatasetSource::Person& person : source_->people) {
    names.push_back(person.name);
  }
  return names;
}

size_t Dataset::photos() const {
  size_t sum = 0;
  for (const internal::DatasetSource::Person& person : source_->people) sum += person.photos;
  return sum;
}

Dataset Dataset::select(std::span<const std::string> people) const {
  std::vector<std::string> names(people.begin(), people.end());
  std::ranges::sort(names, internal::natural_less);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    throw Error(ErrorKind::bad_argument, "people: \"" + *twice + "\" comes twice");
  }
  if (names.size() < 2) {
    throw Error(ErrorKind::bad_argument,
                "people: at least two were expected, not " + std::to_string(names.size()));
  }
  internal::DatasetSource chosen = *source_;
  chosen.part = true;
  std::erase_if(chosen.people, [&](const internal::DatasetSource::Person& person) {
    return std::ranges::find(names, person.name) == names.end();
  });
  if (chosen.people.size() == names.size()) {
    return Dataset(std::make_shared<const internal::DatasetSource>(std::move(chosen)));
  }
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    if (std::ranges::find(chosen.people, name, &internal::DatasetSource::Person::name) ==
        chosen.people.end()) {
      missing.push_back(name);
    }
  }
  throw Error(ErrorKind::mismatch, "people: the data set has no " + internal::enumerated(missing));
}

}  // namespace doppel

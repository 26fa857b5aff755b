// What a gallery of the given people would answer, to themselves and to strangers, as people and
// programs read it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/gallery/open_set.h"

namespace doppel::internal::app {

// Photos that another camera took of the people of a data set, and perhaps of others.
struct SearchedPhotos {
  std::string source;
  std::vector<uint32_t> identity_of;  // of each photo: of a name the data set's number, else beyond
  size_t strangers = 0;               // people whom the data set has not
};
// Throws Error(mismatch) where a picture is in both, or no name.
SearchedPhotos searched_photos(const Dataset& people, const Dataset& searched);
std::string searched_text(const SearchedPhotos& searched);

// Trials of 1, 2 and 5 photos, as far as anybody has more, by the nearest of them and by their
// mean; `plan` says the rest. Throws as try_open_set() does where there is none of a single photo.
std::vector<OpenSetTrial> measure_open_set(
    const Matrix& embeddings, std::span<const uint32_t> identity_of,
    const GallerySettings& settings, const OpenSetPlan& plan, ThreadPool& pool,
    const std::function<void(const Enrolment& enrolment, size_t draw)>& progress);

std::string open_set_table(const std::vector<OpenSetTrial>& trials, double fpir);
nlohmann::json to_json(const std::vector<OpenSetTrial>& trials);

}  // namespace doppel::internal::app

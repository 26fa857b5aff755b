// What a public Dataset holds: where photos are, not the photos.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/train/recipe.h"

namespace doppel::internal {

struct DatasetSource {
  struct Person {
    std::string name;
    size_t photos = 0;
  };
  struct Drawn {
    int people = 0, photos = 0;
    uint64_t seed = 0;
  };

  std::filesystem::path path;  // of a folder or an archive, where nothing is drawn
  std::optional<Drawn> drawn;
  bool part = false;           // `people` were chosen from more
  std::vector<Person> people;  // in natural order

  // Throws as load_dataset() does.
  Dataset read(ThreadPool& pool, const LoadOptions& options) const;
  // The same as a recipe takes it, which then says whether faces are aligned. `note`, which may be
  // empty, is told what there is to know, a sentence each.
  Dataset read_for_training(Recipe& recipe, ThreadPool& pool,
                            const std::function<void(const std::string&)>& note) const;
};

}  // namespace doppel::internal

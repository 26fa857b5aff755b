#include "doppel/pipeline/dataset_loading.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "doppel/face/dataset_aligner.h"

namespace doppel::internal {
namespace {

ImagePreparation aligning(ImageSize size,
                          std::shared_ptr<const FivePointFinder> five_points = nullptr) {
  const auto aligner = std::make_shared<DatasetAligner>(size, std::move(five_points));
  return {[aligner](const Image& image, const std::string& name) {
            return aligner->align(image, name);
          },
          [aligner](const Image& image, const std::string& name) {
            return aligner->place(image, name);
          },
          [aligner] { return aligner->note(); }};
}

}  // namespace

LoadOptions loaded_for(const Recipe& recipe) {
  LoadOptions options;
  if (recipe.width && recipe.height) options.size = {*recipe.width, *recipe.height};
  if (recipe.align.value_or(false)) {
    options.preparation = aligning(options.size.value_or(ImageSize{92, 112}));
  }
  return options;
}

LoadOptions loaded_for(const Model& model) {
  LoadOptions options;
  options.size = {model.preprocessing.width, model.preprocessing.height};
  options.color = model.embedder->takes_color();
  options.framings = true;  // whom the model has seen is asked
  options.leave_out_blank = true;
  if (model.preprocessing.align) {
    options.preparation = aligning(*options.size, model.embedder->five_points());
  }
  return options;
}

void keep_preparation_note(const LoadOptions& options, Dataset& chosen) {
  if (!options.preparation.note) return;
  const std::optional<std::string> note = options.preparation.note();
  if (note && std::ranges::find(chosen.notes, *note) == chosen.notes.end()) {
    chosen.notes.push_back(*note);
  }
}

}  // namespace doppel::internal

// How the parts of the public interface reach into each other.
#pragma once

#include <memory>
#include <utility>

#include "doppel/api/dataset_source.h"
#include "doppel/api/loaded_model.h"
#include "doppel/dataset.h"
#include "doppel/image/photo_source.h"
#include "doppel/model.h"
#include "doppel/photo.h"
#include "doppel/train/recipe.h"
#include "doppel/training.h"

namespace doppel::internal {

struct PublicAccess {
  static const PhotoSource& of(const Photo& photo) { return *photo.source_; }
  static const LoadedModel& of(const doppel::Model& model) { return *model.loaded_; }
  static const DatasetSource& of(const doppel::Dataset& dataset) { return *dataset.source_; }
  static const Recipe& of(const doppel::Recipe& recipe) { return *recipe.recipe_; }

  static doppel::Model model(Model made) {
    return doppel::Model(std::make_shared<const LoadedModel>(std::move(made)));
  }
};

}  // namespace doppel::internal

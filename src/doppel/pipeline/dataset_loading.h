// How a data set is read for whoever looks at it: a recipe that is trained, or a model.
#pragma once

#include "doppel/data/dataset.h"
#include "doppel/model/model.h"
#include "doppel/train/recipe.h"

namespace doppel::internal {

// Images as a network will see them: read at its size they take less memory, and nothing is lost.
// What is compared by a model leaves out pictures that show nothing; a training does not, for a
// drawing of a single dot, as Omniglot has, shows too little to be told from them.
// Where it takes aligned faces, they are found and aligned; a recipe without a size then has those
// of 92 x 112. Throw as FaceFinder does where this program cannot.
LoadOptions loaded_for(const Recipe& recipe);
LoadOptions loaded_for(const Model& model);

// Adds what was noted when the images were prepared to the notes of a part of the data set.
void keep_preparation_note(const LoadOptions& options, Dataset& chosen);

}  // namespace doppel::internal

// A model of synthetic faces mistakes people for one another, so photos of people are kept out of
// its galleries, unless somebody insists.
#pragma once

#include <string>
#include <string_view>

#include "doppel/model/model.h"

namespace doppel::internal {

// Throws Error(bad_argument), naming the model, the photo and `how_to_insist` ("add --force"),
// where the model was trained on synthetic faces and the photo is none (`synthetic`:
// is_synthetic_file()).
void refuse_person(const Model& model, const std::string& name, bool synthetic,
                   const std::string& photo, std::string_view how_to_insist);

}  // namespace doppel::internal

// A model of synthetic faces mistakes people for one another, so photos of people are kept out of
// its galleries, unless somebody insists.
#pragma once

#include <string>
#include <string_view>

#include "doppel/model/model.h"

namespace doppel::internal {

// `start`: the first kSyntheticMarkBytes of a photo's file, or all of it. Throws
// Error(bad_argument), naming the model, the photo and `how_to_insist` ("add --force"), where the
// model was trained on synthetic faces and this is none.
void refuse_person(const Model& model, const std::string& name, std::string_view start,
                   const std::string& photo, std::string_view how_to_insist);

}  // namespace doppel::internal

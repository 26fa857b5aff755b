// A model of synthetic faces mistakes people for one another, so photos of people are kept out of
// its galleries, unless somebody insists.
#pragma once

#include <string>
#include <string_view>

#include "doppel/model/model.h"

namespace doppel::app {

// `start`: the first kSyntheticMarkBytes of a photo's file. Throws Error(bad_argument), naming the
// model, the photo and --force, where the model was trained on synthetic faces and this is none.
void refuse_person(const Model& model, const std::string& name, std::string_view start,
                   const std::string& photo);

}  // namespace doppel::app

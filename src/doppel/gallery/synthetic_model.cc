#include "doppel/gallery/synthetic_model.h"

#include "doppel/error.h"

namespace doppel::internal {

void refuse_person(const Model& model, const std::string& name, bool synthetic,
                   const std::string& photo, std::string_view how_to_insist) {
  if (!model.training.synthetic || synthetic) return;
  std::string message = name;
  message.append(" was trained on synthetic faces and mistakes people for one another, so ")
      .append(photo)
      .append(" is not enrolled with it: train a model on photos of people, or ")
      .append(how_to_insist);
  throw Error(ErrorKind::bad_argument, message);
}

}  // namespace doppel::internal

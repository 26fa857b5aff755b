#include "synthetic_model.h"

#include "doppel/base/error.h"
#include "doppel/data/synthetic.h"

namespace doppel::app {

void refuse_person(const Model& model, const std::string& name, std::string_view start,
                   const std::string& photo) {
  if (!model.training.synthetic || is_synthetic_file(start)) return;
  throw Error(ErrorKind::bad_argument,
              name + " was trained on synthetic faces and mistakes people for one another, so " +
                  photo +
                  " is not enrolled with it: train a model on photos of people, or add --force");
}

}  // namespace doppel::app

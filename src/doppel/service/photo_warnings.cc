#include "doppel/service/photo_warnings.h"

#include <iterator>
#include <utility>

namespace doppel::internal {

void PhotoWarnings::add(std::span<const PhotoFace> faces, std::span<const Answer> answers) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < faces.size(); ++i) probes_.add(faces[i].looks, answers[i]);
}

void PhotoWarnings::add_visit(const Visit& visit, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  probes_.add_visit(visit, answer);
}

std::vector<std::string> PhotoWarnings::all(const Model& model, ServedGallery& gallery) const {
  std::vector<std::string> sentences;
  if (model.training.synthetic) {
    sentences.emplace_back(
        "The model was trained on synthetic faces and mistakes people for one another: it is for "
        "a look around, not for people");
  }
  if (auto notice = notice_of_gallery(gallery.photo_difference())) {
    sentences.push_back(std::move(*notice));
  }
  const size_t people = gallery.people();
  const std::lock_guard lock(mutex_);
  std::vector<std::string> of_probes = probes_.all(model.threshold, people);
  std::ranges::move(of_probes, std::back_inserter(sentences));
  return sentences;
}

}  // namespace doppel::internal

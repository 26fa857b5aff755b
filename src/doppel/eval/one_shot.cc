#include "doppel/eval/one_shot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "doppel/base/error.h"
#include "doppel/loss/energy.h"

namespace doppel {

OneShot one_shot(const Matrix& embeddings, std::span<const uint32_t> identity_of) {
  if (embeddings.rows != identity_of.size()) {
    throw Error(ErrorKind::mismatch, "one-shot: " + std::to_string(embeddings.rows) +
                                         " embeddings for " + std::to_string(identity_of.size()) +
                                         " images");
  }
  std::map<uint32_t, std::vector<size_t>> images_of;
  size_t rounds = 0;
  for (size_t i = 0; i < embeddings.rows; ++i) {
    for (const float value : embeddings.row(i)) {
      if (!std::isfinite(value)) {
        throw Error(ErrorKind::numeric, "one-shot: the embedding of image " + std::to_string(i) +
                                            " holds " + std::to_string(value) +
                                            ", finite numbers were expected");
      }
    }
    std::vector<size_t>& images = images_of[identity_of[i]];
    images.push_back(i);
    rounds = std::max(rounds, images.size());
  }
  if (images_of.size() < 2 || rounds < 2) {
    throw Error(ErrorKind::bad_data,
                "one-shot: at least two persons, one of them with two images, were expected, not " +
                    std::to_string(images_of.size()) + " with at most " + std::to_string(rounds));
  }

  OneShot result;
  double right = 0;
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<const std::vector<size_t>*> people;
    for (const auto& [identity, images] : images_of) {
      if (images.size() > round) people.push_back(&images);
    }
    if (people.size() < 2) break;  // the later rounds have no more people
    result.ways = std::max(result.ways, people.size());
    result.fewest_ways = people.size();
    for (const std::vector<size_t>* person : people) {
      for (const size_t probe : *person) {
        const size_t own = (*person)[round];
        if (probe == own) continue;
        ++result.trials;
        const double own_distance = squared_euclidean(embeddings.row(probe), embeddings.row(own));
        size_t nearer = 0, tied = 1;
        for (const std::vector<size_t>* other : people) {
          if (other == person) continue;
          const double distance =
              squared_euclidean(embeddings.row(probe), embeddings.row((*other)[round]));
          nearer += distance < own_distance;
          tied += distance == own_distance;
        }
        if (nearer == 0) right += 1 / static_cast<double>(tied);
      }
    }
  }
  result.accuracy = right / static_cast<double>(result.trials);
  return result;
}

}  // namespace doppel

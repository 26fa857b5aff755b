#include "doppel/eval/one_shot.h"

#include <cmath>
#include <string>

#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/eval/identification.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {

OneShot one_shot(const Matrix& embeddings, std::span<const uint32_t> identity_of) {
  if (embeddings.rows != identity_of.size()) {
    throw Error(ErrorKind::mismatch, "one-shot: " + std::to_string(embeddings.rows) +
                                         " embeddings for " + std::to_string(identity_of.size()) +
                                         " images");
  }
  for (size_t i = 0; i < embeddings.rows; ++i) {
    for (const float value : embeddings.row(i)) {
      if (!std::isfinite(value)) {
        throw Error(ErrorKind::numeric, "one-shot: the embedding of image " + std::to_string(i) +
                                            " holds " + std::to_string(value) +
                                            ", finite numbers were expected");
      }
    }
  }
  ThreadPool alone(1);
  return one_shot(identify(
      identity_of,
      [&](size_t a, size_t b) { return squared_euclidean(embeddings.row(a), embeddings.row(b)); },
      {}, alone));
}

OneShot one_shot(const Identification& recognition) {
  return {recognition.rate_at_rank.front(), recognition.ways, recognition.fewest_ways,
          recognition.trials};
}

}  // namespace doppel::internal

#include "doppel/data/rotations.h"

#include "doppel/base/digest.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Counter-clockwise by a quarter: the last column becomes the first row.
Image turned(const Image& image) {
  Image result{image.height, image.width, std::vector<float>(image.pixels.size())};
  for (int row = 0; row < result.height; ++row) {
    for (int column = 0; column < result.width; ++column) {
      result.at(row, column) = image.at(column, image.width - 1 - row);
    }
  }
  return result;
}

}  // namespace

Dataset with_rotations(const Dataset& dataset) {
  size_t pixels = 0;
  for (size_t i = 0; i < dataset.images.size(); ++i) {
    const Image& image = dataset.images[i];
    pixels += image.pixels.size();
    if (image.width == image.height && pixels <= kMostDatasetPixels / 4) continue;
    throw Error(ErrorKind::bad_data,
                dataset.source + ": " + dataset.image_names[i] + " is " +
                    std::to_string(image.width) + " x " + std::to_string(image.height) +
                    (image.width != image.height
                         ? ", and only square images can be turned by a quarter"
                         : ", and four times this many pixels are more than the " +
                               std::to_string(kMostDatasetPixels) + " that are accepted here"));
  }
  Dataset result;
  result.source = dataset.source + ", in four rotations";
  for (const Identity& identity : dataset.identities) {
    for (int degrees = 0; degrees < 360; degrees += 90) {
      const std::string turn = degrees == 0 ? "" : std::string("@").append(std::to_string(degrees));
      const size_t first = result.images.size();
      for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
        const std::string& digest = dataset.image_digests[i];
        const std::string file = dataset.image_names[i].substr(identity.name.size());
        // One turn more than the same image of the class before, which lies `count` images back.
        result.images.push_back(degrees == 0
                                    ? dataset.images[i]
                                    : turned(result.images[result.images.size() - identity.count]));
        result.image_digests.push_back(degrees == 0 ? digest : sha256_hex(digest + turn));
        result.image_hashes.push_back(degrees == 0 ? dataset.image_hashes[i]
                                                   : std::vector<PerceptualHash>{});
        result.image_names.push_back(identity.name + turn + file);
        result.identity_of.push_back(static_cast<uint32_t>(result.identities.size()));
      }
      result.identities.push_back({identity.name + turn, first, identity.count});
    }
  }
  seal(result);
  return result;
}

}  // namespace doppel::internal

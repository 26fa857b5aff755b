// A data set in memory: a folder with one sub-folder per identity becomes images of one size,
// identity by identity, in natural order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "doppel/image/image.h"

namespace doppel {

struct Identity {
  std::string name;  // the sub-folder's name
  size_t first = 0;  // its images are first .. first+count-1 of Dataset::images
  size_t count = 0;
};

struct Dataset {
  std::string source;                    // the folder, or how the images were made
  std::vector<Identity> identities;      // natural order of their names
  std::vector<Image> images;             // natural order within an identity; all of one size
  std::vector<std::string> image_names;  // "s1/1.pgm", one per image
  std::vector<uint32_t> identity_of;     // index into identities, one per image
  std::vector<std::string> notes;        // what the user should know: resized images, lone images
  std::string digest;  // SHA-256 over identity names, image names and decoded pixels, in order
};

}  // namespace doppel

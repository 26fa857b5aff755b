// What tells that two pictures are the same one.
#pragma once

#include <string>

#include "doppel/image/image.h"

namespace doppel::internal {

// SHA-256 of an image's width, height and grey values, these rounded to 16 bits, in hexadecimal:
// the same picture gives the same digest, whatever its file's name and format.
std::string image_digest(const Image& image);

}  // namespace doppel::internal

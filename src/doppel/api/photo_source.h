// What a Photo holds.
#pragma once

#include <string>
#include <variant>

#include "doppel/image/decode.h"
#include "doppel/image/image.h"

namespace doppel::internal {

struct PhotoSource {
  std::string name;
  std::variant<std::string, Image> contents;  // a file's bytes, or pixels with their colours

  // The picture; pixels come as they are. Throws as decode_image() does.
  Image decoded(const DecodeOptions& options) const;
};

}  // namespace doppel::internal

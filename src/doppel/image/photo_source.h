// A photo that is yet to be decoded, wherever it comes from.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "doppel/image/image.h"

namespace doppel::internal {

// Cheap to copy.
struct PhotoSource {
  std::string name;  // what errors call it
  // A file, a file's bytes, or pixels, with their colours where they have any.
  std::variant<std::filesystem::path, std::shared_ptr<const std::string>,
               std::shared_ptr<const Image>>
      contents;

  static PhotoSource of_file(const std::string& path) {
    return {path, std::filesystem::path(path)};
  }
  static PhotoSource of_bytes(std::string name, std::string bytes) {
    return {std::move(name), std::make_shared<const std::string>(std::move(bytes))};
  }
  static PhotoSource of_pixels(std::string name, Image image) {
    return {std::move(name), std::make_shared<const Image>(std::move(image))};
  }

  // Null unless it is one of pixels.
  const Image* pixels() const;

  // The bytes of an image file that shows it; of pixels those of a PNG. Throws Error(io) where the
  // file cannot be read, Error(bad_data) where it has more than kMostImageBytes.
  std::string file_bytes() const;
};

}  // namespace doppel::internal

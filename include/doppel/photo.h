// A photo, wherever it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace doppel {

namespace internal {
struct PublicAccess;
struct PhotoSource;
}  // namespace internal

// What the bytes of a pixel stand for, in their order. Alpha is ignored.
enum class PixelFormat { grey, rgb, bgr, rgba, bgra };

// Immutable and cheap to copy; several threads may use one.
class Photo {
 public:
  // Also instead of a move, so that none is ever empty.
  Photo(const Photo&) = default;
  Photo& operator=(const Photo&) = default;

  // A file in PGM, PPM, PNG, JPEG or WebP. What is read is kept as it is, and decoded by the model
  // that embeds it, to the size and colours that this model needs; what is wrong with its contents
  // is said then. Throws Error(io) where the file cannot be read,
  // Error(bad_data) where it has more than 64 MiB.
  static Photo load(const std::filesystem::path& file);

  // The same of a file's bytes, which are copied; `name` is what errors call it. Throws
  // Error(bad_data) for more than 64 MiB.
  static Photo decode(std::span<const std::byte> bytes, const std::string& name = "photo");

  // 8-bit samples, row by row from the top, `row_bytes` from the begin of a row to that of the next
  // one; they are copied, at 4 bytes a pixel in grey and 16 in colour. Throws Error(bad_argument)
  // for no pixels (null), sides outside 1 to 16384, more than 2^26 pixels, and rows of fewer bytes
  // than `width` pixels or more than 2^31.
  static Photo from_pixels(const uint8_t* pixels, int width, int height, size_t row_bytes,
                           PixelFormat format, const std::string& name = "photo");

  const std::string& name() const;

 private:
  friend struct internal::PublicAccess;
  explicit Photo(std::shared_ptr<const internal::PhotoSource> source);
  std::shared_ptr<const internal::PhotoSource> source_;
};

}  // namespace doppel

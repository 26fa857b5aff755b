// Bytes of an image file in, a grey Image out: PGM and PPM (binary and ASCII), PNG, JPEG and still
// WebP, told apart by their first bytes, never by the file's name. The entry of the data flow.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "doppel/image/image.h"
#include "doppel/image/size_limits.h"

namespace doppel::internal {

constexpr size_t kMostImageBytes = size_t{64} << 20;

struct DecodeOptions {
  bool color = false;    // fill Image::colors, too; `pixels` are the same bits with and without
  int shorter_side = 0;  // above 0: the picture may come smaller, see decode_image()
  int64_t most_pixels = kMostPixels;  // that the file may have
};

// Decodes one image file; `name` stands in front of every error.
// * A grey sample v becomes v / (largest sample of the file), as one float division: v / 255.0f for
//   8 bits. Samples are taken as they are: no gamma or colour profile is applied.
// * Colour becomes grey by luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
// * Transparent pixels of PNG and WebP lie on white. The EXIF orientation of JPEG and WebP is
// applied.
// * With options.shorter_side, JPEG and WebP come at 1/2, 1/4 or 1/8 of their size, rounded up, as
//   long as the shorter side stays at least that; so a photo of any camera takes little memory.
//   Without it, and in all other formats, pictures come at their full size.
// Throws Error(bad_data) for anything that is no such file, is truncated or damaged, or whose size
// is outside size_limits.h or options.most_pixels; nothing is allocated that the bytes at hand
// could not fill. Error(bad_argument) for a negative shorter_side.
Image decode_image(std::string_view bytes, const std::string& name,
                   const DecodeOptions& options = {});

// The image in a file of at most kMostImageBytes. Throws as read_file() and decode_image() do.
Image load_image(const std::filesystem::path& path, const DecodeOptions& options = {});

}  // namespace doppel::internal

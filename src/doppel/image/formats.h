// The decoders of the single formats, behind decode_image(): the bytes of one file in, a grey Image
// out. Each assumes that the file's first bytes were recognised, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doppel/image/image.h"

namespace doppel {

Image decode_pnm(std::string_view bytes, const std::string& name);
Image decode_png(std::string_view bytes, const std::string& name);
Image decode_jpeg(std::string_view bytes, const std::string& name);

// Rec. 601 luma in [0, 1] of samples in 0..most. The numerator is exact, so that r = g = b gives
// the bits of the grey value r / most.
inline float luma(uint32_t r, uint32_t g, uint32_t b, uint32_t most) {
  return static_cast<float>((299.0 * r + 587.0 * g + 114.0 * b) / (1000.0 * most));
}

}  // namespace doppel

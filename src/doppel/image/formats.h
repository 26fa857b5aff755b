// The decoders of the single formats, behind decode_image(): the bytes of one file in, a grey Image
// out. Each assumes that the file's first bytes were recognised, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doppel/image/decode.h"
#include "doppel/image/image.h"

namespace doppel::internal {

Image decode_pnm(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Image decode_png(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Image decode_jpeg(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Image decode_webp(std::string_view bytes, const std::string& name, const DecodeOptions& options);

// What to divide a size by, 1, 2, 4 or 8, so that the shorter side stays at least `shorter_side`;
// 1 where that is 0.
int decode_divisor(int64_t width, int64_t height, int shorter_side);

// Rec. 601 luma in [0, 1] of samples in 0..most. The numerator is exact, so that r = g = b gives
// the bits of the grey value r / most.
inline float luma(uint32_t r, uint32_t g, uint32_t b, uint32_t most) {
  return static_cast<float>((299.0 * r + 587.0 * g + 114.0 * b) / (1000.0 * most));
}

// A value of the given opacity in front of white.
inline float on_white(float value, float alpha) { return alpha * value + (1.0f - alpha); }

}  // namespace doppel::internal

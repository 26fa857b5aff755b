// A picture in, 255 bits out that stay nearly the same when it is encoded anew, resized, made
// lighter or darker or cropped a little: they tell that two files show one photograph, not that
// they show one person.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/image/image.h"

namespace doppel::internal {

// Signs of the picture's lowest 16 x 16 frequencies but the mean (the DCT hash of Zauner, 2010, at
// four times its bits): bit 16 v + u is set where the cosine of u half waves across and v down has
// a positive coefficient. Bit 0 is never set.
struct PerceptualHash {
  std::array<uint64_t, 4> words = {};

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes what this makes for a null pointer
  friend auto operator<=>(const PerceptualHash&, const PerceptualHash&) = default;
};

// 64 hexadecimal digits, words[0] first, and back: nothing for anything else.
std::string to_hex(const PerceptualHash& hash);
std::optional<PerceptualHash> perceptual_hash_from_hex(std::string_view text);

// Bits in which they differ.
int differing_bits(const PerceptualHash& a, const PerceptualHash& b);

// The picture's hash, and for comparing with others' that of 81 framings, the picture's own first:
// each side moved in or out by 3/128 of the picture, so that what was cropped by up to that much
// and some more is found. Empty for a picture with too little in it to be told from others: one
// that is blank or a gradient, or ink on paper, where other people draw the same stroke. Nothing is
// rounded but by IEEE 754: equal pictures give equal bits on every machine. Throws as resize()
// does.
std::vector<PerceptualHash> perceptual_hashes(const Image& image, bool framings);

// Whether the pictures are one: `probe` as perceptual_hashes() gives it, in one of its framings
// within kMostDifferingBits of `known`.
bool same_picture(std::span<const PerceptualHash> probe, const PerceptualHash& known);

// Chosen on s1 to s20 of the AT&T faces and on LFW's development people. Copies as JPEG of quality
// 10, at a third of the size, cropped by 3 of 92 pixels on every side, or several of these at once
// differ in at most 32 bits. Photos of two people differ in at least 60 on AT&T (156,000
// comparisons), in at least 42 on LFW (104 million), but for two photos that stand there under two
// names each.
inline constexpr int kMostDifferingBits = 36;

}  // namespace doppel::internal

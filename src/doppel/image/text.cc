#include "doppel/image/text.h"

#include <stb_easy_font.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace doppel::internal {
namespace {

// A byte that continues a UTF-8 character: the character was counted with its first byte.
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// A letter as a C string, which is what stb_easy_font takes.
std::array<char, 2> letter(char c) { return {c >= ' ' && c <= '~' ? c : '?', '\0'}; }

int letter_width(char c) {
  return continues_character(c) ? 0 : stb_easy_font_width(letter(c).data());
}

}  // namespace

int text_width(std::string_view text, int scale) {
  int width = 0;
  for (const char c : text) width += letter_width(c);
  return width * scale;
}

std::string fit_text(std::string_view text, int scale, int width) {
  if (text_width(text, scale) <= width) return std::string(text);
  const int dots = text_width("..", scale);
  if (dots > width) return "";
  size_t kept = 0;
  for (int used = dots; used + letter_width(text[kept]) * scale <= width; ++kept) {
    used += letter_width(text[kept]) * scale;
  }
  // No half of a character.
  while (kept > 0 && continues_character(text[kept])) --kept;
  return std::string(text.substr(0, kept)) + "..";
}

void fill_rectangle(RgbImage& picture, int x, int y, int width, int height, Rgb colour) {
  const int right = std::min(x + width, picture.width);
  const int bottom = std::min(y + height, picture.height);
  for (int row = std::max(y, 0); row < bottom; ++row) {
    for (int column = std::max(x, 0); column < right; ++column) picture.at(row, column) = colour;
  }
}

void draw_text(RgbImage& picture, int x, int y, std::string_view text, int scale, Rgb colour) {
  for (const char c : text) {
    if (continues_character(c)) continue;
    // A letter is a handful of upright rectangles of four corners each: x, y, z, colour.
    constexpr size_t kMostQuads = 32, kCornerBytes = 16, kQuadBytes = 4 * kCornerBytes;
    alignas(float) char quads[kMostQuads * kQuadBytes];
    const int count = stb_easy_font_print(0, 0, letter(c).data(), nullptr, quads,
                                          static_cast<int>(sizeof(quads)));
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      float top_left[2], bottom_right[2];
      std::memcpy(top_left, quads + i * kQuadBytes, sizeof(top_left));
      std::memcpy(bottom_right, quads + i * kQuadBytes + 2 * kCornerBytes, sizeof(bottom_right));
      const int left = static_cast<int>(top_left[0]), top = static_cast<int>(top_left[1]);
      fill_rectangle(picture, x + left * scale, y + top * scale,
                     (static_cast<int>(bottom_right[0]) - left) * scale,
                     (static_cast<int>(bottom_right[1]) - top) * scale, colour);
    }
    x += letter_width(c) * scale;
  }
}

}  // namespace doppel::internal

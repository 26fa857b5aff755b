// Lines of text onto a picture, in stb_easy_font's small bitmap letters.
#pragma once

#include <string>
#include <string_view>

#include "doppel/image/image.h"

namespace doppel::internal {

// Printable ASCII is drawn as it is; every other character as '?'. `scale` >= 1 is the side of one
// of a letter's dots, in pixels.

int text_width(std::string_view text, int scale);

// From the top of a capital to the foot of a 'g'.
constexpr int text_height(int scale) { return 9 * scale; }

// `text` if it is at most `width` pixels wide, else as much of its beginning as leaves room for the
// ".." behind it; nothing at all where not even that fits.
std::string fit_text(std::string_view text, int scale, int width);

// Draws with the top left corner at (x, y); what lies outside the picture is left out.
void draw_text(RgbImage& picture, int x, int y, std::string_view text, int scale, Rgb colour);

// Fills the rectangle's part inside the picture.
void fill_rectangle(RgbImage& picture, int x, int y, int width, int height, Rgb colour);

}  // namespace doppel::internal

// Contact sheets: rows of captioned images in, one colour picture out, for a person to look at:
// genuine and impostor pairs with their distances, or a data set with one identity a row.
#pragma once

#include <string>
#include <vector>

#include "doppel/image/image.h"

namespace doppel::internal {

enum class Tone { neutral, good, bad };  // grey, green, red

struct SheetCell {
  std::vector<const Image*> images;  // side by side, e.g. the two of a pair; not null
  std::vector<std::string> caption;  // lines under the images, each cut with ".." where too long
  Tone tone = Tone::neutral;         // colour of the caption and of the line under the images
};

struct SheetRow {
  std::string heading;  // above the row, where there is one: starts a section
  std::string label;    // left of the row, where there is one
  std::vector<SheetCell> cells;
};

struct Sheet {
  std::string title;  // at the top, where there is one
  std::vector<SheetRow> rows;
  int image_height = 112;  // every image is shown this high, its proportions kept
};

// Draws the sheet; encode_png() makes it a file. All cells are as wide as the widest one, so that
// columns line up. Throws Error(bad_argument) for a sheet without cells, a cell without images, an
// image without pixels, an image_height outside 16..1024, or a sheet larger than size_limits.h
// allows (give it fewer cells).
RgbImage draw_sheet(const Sheet& sheet);

}  // namespace doppel::internal

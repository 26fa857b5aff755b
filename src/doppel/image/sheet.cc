#include "doppel/image/sheet.h"

#include <algorithm>
#include <cmath>

#include "doppel/error.h"
#include "doppel/image/resize.h"
#include "doppel/image/size_limits.h"
#include "doppel/image/text.h"

namespace doppel::internal {
namespace {

constexpr Rgb kPage{246, 247, 249}, kCard{255, 255, 255}, kBorder{216, 220, 226};
constexpr Rgb kInk{31, 35, 40}, kFaintInk{89, 99, 110};

constexpr int kMargin = 24;      // around everything
constexpr int kGap = 10;         // between cells
constexpr int kPadding = 7;      // between a card's border and its images
constexpr int kImageGap = 2;     // between the images of one cell
constexpr int kToneLine = 4;     // thickness of the line under the images
constexpr int kLineGap = 6;      // above each line of text in a card
constexpr int kTextScale = 2;    // captions, labels and headings
constexpr int kTitleScale = 3;   // the title
constexpr int kMostLabel = 200;  // width of the labels' column
constexpr int kMostAspect = 4;   // an image more than this many times wider than high is shrunk

constexpr Rgb tone_colour(Tone tone) {
  switch (tone) {
    case Tone::good:
      return {26, 127, 55};
    case Tone::bad:
      return {207, 34, 46};
    case Tone::neutral:
      break;
  }
  return kFaintInk;
}

struct Size {
  int width = 0, height = 0;
};

// The size an image is shown at: `height` high unless that makes it too wide.
Size shown_size(const Image& image, int height) {
  const double aspect = static_cast<double>(image.width) / image.height;
  if (aspect > kMostAspect) {
    const int width = kMostAspect * height;
    return {width, std::max(1, static_cast<int>(std::lround(width / aspect)))};
  }
  return {std::max(1, static_cast<int>(std::lround(height * aspect))), height};
}

int images_width(const SheetCell& cell, int height) {
  int width = -kImageGap;
  for (const Image* image : cell.images) width += kImageGap + shown_size(*image, height).width;
  return width;
}

// Where everything goes, measured before a pixel is drawn.
struct Layout {
  int label_width = 0;  // of the labels' column with the gap behind it; 0 without labels
  int inner_width = 0;  // of every card, without padding
  size_t columns = 0;   // cells of the longest row
  Size page;

  int card_width() const { return inner_width + 2 * kPadding; }
};

int heading_height(const SheetRow& row) {
  return row.heading.empty() ? 0 : text_height(kTextScale) + 2 * kGap;
}

int card_height(const SheetRow& row, int image_height) {
  size_t lines = 0;
  bool toned = false;
  for (const SheetCell& cell : row.cells) {
    lines = std::max(lines, cell.caption.size());
    toned = toned || cell.tone != Tone::neutral;
  }
  return 2 * kPadding + image_height + (toned || lines > 0 ? kToneLine : 0) +
         static_cast<int>(lines) * (kLineGap + text_height(kTextScale));
}

void check_sheet(const Sheet& sheet) {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorKind::bad_argument, "contact sheet: " + what);
  };
  if (sheet.image_height < 16 || sheet.image_height > 1024) {
    fail("an image height of 16 to 1024 was expected, not " + std::to_string(sheet.image_height));
  }
  bool any = false;
  for (const SheetRow& row : sheet.rows) {
    for (const SheetCell& cell : row.cells) {
      any = true;
      if (cell.images.empty()) fail("a cell has no images");
      if (cell.images.size() > 64 || cell.caption.size() > 16) {
        fail("a cell has more than 64 images or more than 16 lines of caption");
      }
      for (const Image* image : cell.images) {
        if (image == nullptr) fail("a cell's image is missing");
        check_size(ErrorKind::bad_argument, image->width, image->height, "contact sheet's image");
      }
    }
    if (row.cells.size() > kMostSide) fail("a row has too many cells");
  }
  if (!any) fail("there is nothing to show");
  if (sheet.rows.size() > kMostSide) fail("it has too many rows");
}

Layout measure(const Sheet& sheet) {
  Layout layout;
  int64_t height = kMargin;
  if (!sheet.title.empty()) height += text_height(kTitleScale) + kMargin;
  for (const SheetRow& row : sheet.rows) {
    layout.columns = std::max(layout.columns, row.cells.size());
    if (!row.label.empty()) {
      layout.label_width = std::max(layout.label_width,
                                    std::min(text_width(row.label, kTextScale), kMostLabel) + kGap);
    }
    for (const SheetCell& cell : row.cells) {
      layout.inner_width = std::max(layout.inner_width, images_width(cell, sheet.image_height));
    }
    height += heading_height(row) + card_height(row, sheet.image_height) + kGap;
  }
  height += kMargin - kGap;
  const int64_t width = 2 * kMargin + layout.label_width - kGap +
                        static_cast<int64_t>(layout.columns) * (layout.card_width() + kGap);
  check_size(ErrorKind::bad_argument, width, height, "contact sheet (show fewer cells)");
  layout.page = {static_cast<int>(width), static_cast<int>(height)};
  return layout;
}

void draw_image(RgbImage& page, int x, int y, const Image& image, Size size) {
  const Image shown = resize(image, size.width, size.height);
  for (int row = 0; row < size.height; ++row) {
    for (int column = 0; column < size.width; ++column) {
      const float value = std::clamp(shown.at(row, column), 0.0f, 1.0f);
      const uint8_t grey = static_cast<uint8_t>(value * 255.0f + 0.5f);
      page.at(y + row, x + column) = {grey, grey, grey};
    }
  }
}

void draw_cell(RgbImage& page, int x, int y, Size card, const SheetCell& cell, int image_height) {
  fill_rectangle(page, x, y, card.width, card.height, kBorder);
  fill_rectangle(page, x + 1, y + 1, card.width - 2, card.height - 2, kCard);
  const int inner_width = card.width - 2 * kPadding;
  const int width = images_width(cell, image_height);
  const int left = x + kPadding + (inner_width - width) / 2;
  y += kPadding;
  int image_x = left;
  for (const Image* image : cell.images) {
    const Size size = shown_size(*image, image_height);
    draw_image(page, image_x, y + (image_height - size.height) / 2, *image, size);
    image_x += size.width + kImageGap;
  }
  y += image_height;
  if (cell.tone != Tone::neutral) {
    fill_rectangle(page, left, y, width, kToneLine, tone_colour(cell.tone));
  }
  y += kToneLine;
  for (const std::string& line : cell.caption) {
    y += kLineGap;
    const std::string text = fit_text(line, kTextScale, inner_width);
    draw_text(page, x + kPadding + (inner_width - text_width(text, kTextScale)) / 2, y, text,
              kTextScale, tone_colour(cell.tone));
    y += text_height(kTextScale);
  }
}

}  // namespace

RgbImage draw_sheet(const Sheet& sheet) {
  check_sheet(sheet);
  const Layout layout = measure(sheet);
  RgbImage page{layout.page.width, layout.page.height, {}};
  page.pixels.assign(static_cast<size_t>(page.width) * static_cast<size_t>(page.height), kPage);
  const int text_room = page.width - 2 * kMargin;

  int y = kMargin;
  if (!sheet.title.empty()) {
    draw_text(page, kMargin, y, fit_text(sheet.title, kTitleScale, text_room), kTitleScale, kInk);
    y += text_height(kTitleScale) + kMargin;
  }
  for (const SheetRow& row : sheet.rows) {
    if (!row.heading.empty()) {
      draw_text(page, kMargin, y + kGap, fit_text(row.heading, kTextScale, text_room), kTextScale,
                kInk);
      y += heading_height(row);
    }
    const Size card{layout.card_width(), card_height(row, sheet.image_height)};
    const std::string label = fit_text(row.label, kTextScale, layout.label_width - kGap);
    draw_text(page, kMargin, y + (card.height - text_height(kTextScale)) / 2, label, kTextScale,
              kInk);
    int x = kMargin + layout.label_width;
    for (const SheetCell& cell : row.cells) {
      draw_cell(page, x, y, card, cell, sheet.image_height);
      x += card.width + kGap;
    }
    y += card.height + kGap;
  }
  return page;
}

}  // namespace doppel::internal

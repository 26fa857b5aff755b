#include "doppel/image/sheet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

Image flat(int width, int height, float value) {
  return {width, height, std::vector<float>(static_cast<size_t>(width * height), value)};
}

auto count(const RgbImage& page, Rgb colour) {
  return std::count(page.pixels.begin(), page.pixels.end(), colour);
}

constexpr Rgb kGood{26, 127, 55}, kBad{207, 34, 46};

TEST(Sheet, ShowsEveryImageAtTheHeightAsked) {
  // Greys that occur in nothing else on the page.
  const Image small = flat(5, 8, 100 / 255.0f), same = flat(30, 40, 120 / 255.0f),
              wide = flat(100, 50, 140 / 255.0f);
  Sheet sheet;
  sheet.image_height = 40;
  sheet.rows = {{"", "", {{{&small, &same}, {}, Tone::neutral}, {{&wide}, {}, Tone::neutral}}}};
  const RgbImage page = draw_sheet(sheet);
  EXPECT_EQ(count(page, {100, 100, 100}), 25 * 40);
  EXPECT_EQ(count(page, {120, 120, 120}), 30 * 40);
  EXPECT_EQ(count(page, {140, 140, 140}), 80 * 40);
}

TEST(Sheet, AnImageIsShownAsItIsWhereItHasTheHeight) {
  Image face = flat(7, 16, 0.0f);
  for (size_t i = 0; i < face.pixels.size(); ++i) {
    face.pixels[i] = static_cast<float>(i) / 255.0f;
  }
  Sheet sheet;
  sheet.image_height = 16;
  sheet.rows = {{"", "", {{{&face}, {"x"}, Tone::neutral}}}};
  const RgbImage page = draw_sheet(sheet);
  // Found by its first and last pixel.
  bool found = false;
  for (int y = 0; y + 16 <= page.height && !found; ++y) {
    for (int x = 0; x + 7 <= page.width && !found; ++x) {
      found = true;
      for (int i = 0; i < 112 && found; ++i) {
        const uint8_t grey = static_cast<uint8_t>(i);
        found = page.at(y + i / 7, x + i % 7) == Rgb{grey, grey, grey};
      }
    }
  }
  EXPECT_TRUE(found);
}

TEST(Sheet, TonesColourTheCaptionAndTheLine) {
  const Image image = flat(30, 40, 0.5f);
  const auto page_of = [&](Tone tone, std::vector<std::string> caption) {
    return draw_sheet({"", {{"", "", {{{&image}, caption, tone}}}}, 40});
  };
  EXPECT_EQ(count(page_of(Tone::neutral, {"ab"}), kGood), 0);
  EXPECT_EQ(count(page_of(Tone::neutral, {"ab"}), kBad), 0);
  EXPECT_GT(count(page_of(Tone::good, {}), kGood), 0);
  EXPECT_GT(count(page_of(Tone::good, {"ab"}), kGood), count(page_of(Tone::good, {}), kGood));
  EXPECT_GT(count(page_of(Tone::bad, {"ab", "c"}), kBad), count(page_of(Tone::bad, {"ab"}), kBad));
}

TEST(Sheet, TitleHeadingAndLabelTakeTheirPlaces) {
  const Image image = flat(30, 40, 0.5f);
  const SheetCell cell{{&image}, {}, Tone::neutral};
  const RgbImage plain = draw_sheet({"", {{"", "", {cell}}}, 40});
  const RgbImage titled = draw_sheet({"T", {{"", "", {cell}}}, 40});
  const RgbImage headed = draw_sheet({"", {{"H", "", {cell}}}, 40});
  const RgbImage labelled = draw_sheet({"", {{"", "s1", {cell}}}, 40});
  const RgbImage two_cells = draw_sheet({"", {{"", "", {cell, cell}}}, 40});
  const RgbImage two_rows = draw_sheet({"", {{"", "", {cell}}, {"", "", {cell}}}, 40});
  EXPECT_GT(titled.height, plain.height);
  EXPECT_GT(headed.height, plain.height);
  EXPECT_EQ(headed.width, plain.width);
  EXPECT_GT(labelled.width, plain.width);
  EXPECT_EQ(labelled.height, plain.height);
  EXPECT_GT(two_cells.width, plain.width + 30);
  EXPECT_GT(two_rows.height, plain.height + 40);
}

TEST(Sheet, DrawsNonsenseWithoutLeavingThePage) {
  const Image thin = flat(1, 3000, 0.5f), flatfish = flat(3000, 1, 0.5f);
  const std::string endless(5000, 'W');
  EXPECT_NO_THROW(draw_sheet(
      {endless, {{endless, endless, {{{&thin, &flatfish}, {endless, ""}, Tone::bad}}}, {}}, 16}));
}

TEST(Sheet, RefusesWhatCannotBeShown) {
  const Image image = flat(3, 3, 0.5f), empty;
  const SheetCell cell{{&image}, {}, Tone::neutral};
  EXPECT_THROW(draw_sheet({}), Error);
  EXPECT_THROW(draw_sheet({"", {{"only a heading", "", {}}}, 112}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", {{{}, {"no image"}, Tone::bad}}}}, 112}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", {{{nullptr}, {}, Tone::bad}}}}, 112}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", {{{&empty}, {}, Tone::bad}}}}, 112}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", {cell}}}, 0}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", {cell}}}, 1 << 30}), Error);
  EXPECT_THROW(draw_sheet({"", {{"", "", std::vector<SheetCell>(1000, cell)}}, 112}), Error);
}

}  // namespace
}  // namespace doppel::internal

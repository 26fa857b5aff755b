#include "doppel/image/text.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

RgbImage blank(int width, int height) {
  return {width, height, std::vector<Rgb>(static_cast<size_t>(width * height))};
}

// The picture's rows with '#' where something was drawn.
std::string drawn(const RgbImage& picture) {
  std::string rows;
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) rows += picture.at(y, x) == Rgb{} ? '.' : '#';
    rows += '\n';
  }
  return rows;
}

RgbImage page_with(std::string_view text, int scale) {
  RgbImage page = blank(text_width(text, scale), text_height(scale));
  draw_text(page, 0, 0, text, scale, {255, 255, 255});
  return page;
}

TEST(Text, DrawsTheLetters) {
  EXPECT_EQ(drawn(page_with("L", 1)),
            "#.....\n#.....\n#.....\n#.....\n#.....\n#.....\n####..\n......\n......\n");
}

TEST(Text, ScaleEnlargesEveryDot) {
  const RgbImage small = page_with("Rg4", 1), large = page_with("Rg4", 3);
  ASSERT_EQ(large.width, 3 * small.width);
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) ASSERT_EQ(large.at(y, x), small.at(y / 3, x / 3));
  }
}

TEST(Text, EveryOtherCharacterIsOneQuestionMark) {
  EXPECT_EQ(drawn(page_with("J\xc3\xbcrgen\n\x7f", 1)), drawn(page_with("J?rgen??", 1)));
}

TEST(Text, PrintableAsciiFitsTheAnnouncedBox) {
  for (char c = ' '; c <= '~'; ++c) {
    const std::string letter(1, c);
    RgbImage page = blank(text_width(letter, 1), text_height(1) + 3);
    draw_text(page, 0, 0, letter, 1, {255, 255, 255});
    for (int y = text_height(1); y < page.height; ++y) {
      for (int x = 0; x < page.width; ++x) EXPECT_EQ(page.at(y, x), Rgb{}) << letter;
    }
  }
}

TEST(Text, CutsWhatIsTooLong) {
  const std::string text = "a long caption";
  EXPECT_EQ(fit_text(text, 2, text_width(text, 2)), text);
  std::string shorter = fit_text(text, 2, text_width(text, 2) - 1);
  EXPECT_TRUE(shorter.ends_with(".."));
  for (int width = 0; width < text_width(text, 2); ++width) {
    EXPECT_LE(text_width(fit_text(text, 2, width), 2), width);
  }
  EXPECT_EQ(fit_text(text, 2, 0), "");
  EXPECT_EQ(fit_text("", 1, 0), "");
  const std::string accents = "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc";
  for (int width = 0; width < text_width(accents, 1); ++width) {
    EXPECT_EQ(fit_text(accents, 1, width).find_last_of("\xbc\xc3") % 2, 1u) << "half a character";
  }
}

TEST(Text, LeavesOutWhatLiesOutside) {
  RgbImage page = blank(4, 4);
  draw_text(page, -3, -3, "WWW", 2, {1, 1, 1});
  draw_text(page, 100, 100, "W", 2, {1, 1, 1});
  fill_rectangle(page, -10, -10, 100, 100, {7, 8, 9});
  for (const Rgb pixel : page.pixels) EXPECT_EQ(pixel, (Rgb{7, 8, 9}));
}

}  // namespace
}  // namespace doppel::internal

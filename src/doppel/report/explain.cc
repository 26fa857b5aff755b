#include "doppel/report/explain.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/resize.h"
#include "doppel/image/text.h"
#include "doppel/model/embedding.h"

namespace doppel::internal {
namespace {

constexpr size_t kBatch = 256;  // occluded copies in memory at a time

struct Patch {
  int row = 0, column = 0;  // its upper left corner
};

// Begins of patches of `side` along a line of `length`, the last one at its end.
std::vector<int> places(int length, int side, int stride) {
  std::vector<int> begins;
  for (int begin = 0; begin < length - side; begin += stride) begins.push_back(begin);
  begins.push_back(length - side);
  return begins;
}

Occlusion filled_in(Occlusion occlusion, int width, int height) {
  const int shorter = std::min(width, height);
  if (occlusion.side == 0) occlusion.side = std::max(1, shorter / 6);
  if (occlusion.stride == 0) occlusion.stride = std::max(1, occlusion.side / 3);
  if (occlusion.side < 1 || occlusion.side > shorter) {
    throw Error(ErrorKind::bad_argument, "explain: a patch of 1 to " + std::to_string(shorter) +
                                             " pixels was expected, " +
                                             std::to_string(occlusion.side) + " came");
  }
  if (occlusion.stride < 1 || occlusion.stride > occlusion.side) {
    throw Error(ErrorKind::bad_argument, "explain: a stride of 1 to " +
                                             std::to_string(occlusion.side) +
                                             " pixels, the patch's side, was expected, " +
                                             std::to_string(occlusion.stride) + " came");
  }
  return occlusion;
}

Image hidden(const Image& image, const Patch& patch, int side, float grey) {
  Image copy = image;
  for (int row = patch.row; row < patch.row + side; ++row) {
    for (int column = patch.column; column < patch.column + side; ++column) {
      copy.at(row, column) = grey;
      if (copy.colors.empty()) continue;
      std::fill_n(&copy.colors[3 * static_cast<size_t>(row * copy.width + column)], 3, grey);
    }
  }
  return copy;
}

// The heat of `image` against an image with the embedding `other`.
Matrix heat_of(const Embedder& embedder, const Energy& energy, const Image& image,
               std::span<const float> other, double distance, const Occlusion& occlusion,
               ThreadPool& pool) {
  std::vector<Patch> patches;
  for (const int row : places(image.height, occlusion.side, occlusion.stride)) {
    for (const int column : places(image.width, occlusion.side, occlusion.stride)) {
      patches.push_back({row, column});
    }
  }
  const double sum = std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0);
  const auto grey = static_cast<float>(sum / static_cast<double>(image.pixels.size()));
  const auto rows = static_cast<size_t>(image.height), columns = static_cast<size_t>(image.width);
  std::vector<double> change(rows * columns, 0);
  std::vector<int> covers(rows * columns, 0);
  for (size_t first = 0; first < patches.size(); first += kBatch) {
    const std::span<const Patch> batch =
        std::span(patches).subspan(first, std::min(kBatch, patches.size() - first));
    std::vector<Image> copies;
    copies.reserve(batch.size());
    for (const Patch& patch : batch) copies.push_back(hidden(image, patch, occlusion.side, grey));
    const Matrix embeddings = embedder.embed(copies, pool);
    for (size_t i = 0; i < batch.size(); ++i) {
      const double grown = energy_of(energy, embeddings.row(i), other) - distance;
      for (int row = batch[i].row; row < batch[i].row + occlusion.side; ++row) {
        const size_t begin =
            static_cast<size_t>(row) * columns + static_cast<size_t>(batch[i].column);
        for (size_t pixel = begin; pixel < begin + static_cast<size_t>(occlusion.side); ++pixel) {
          change[pixel] += grown;
          ++covers[pixel];
        }
      }
    }
  }
  Matrix heat(rows, columns);
  for (size_t i = 0; i < change.size(); ++i) {
    heat.values[i] = static_cast<float>(change[i] / covers[i]);
  }
  return heat;
}

constexpr Rgb kAlike{30, 110, 230}, kDifferent{245, 120, 10}, kPaper{255, 255, 255},
    kInk{27, 31, 36};
constexpr double kMostCover = 0.7;  // of the photo by the strongest heat

// `strength` in -1 .. 1 over a photo's grey.
Rgb over_photo(double grey, double strength) {
  const Rgb tint = strength > 0 ? kAlike : kDifferent;
  const double cover = kMostCover * std::min(1.0, std::abs(strength));
  const auto mix = [&](uint8_t channel) {
    const double value = (1 - cover) * 255 * std::clamp(grey, 0.0, 1.0) + cover * channel;
    return static_cast<uint8_t>(std::lround(value));
  };
  return {mix(tint.r), mix(tint.g), mix(tint.b)};
}

double strongest(const Explanation& explanation) {
  double most = 0;
  for (const ExplainedImage& side : explanation.sides) {
    for (const float value : side.heat.values) most = std::max(most, std::abs(double{value}));
  }
  return most;
}

void draw_middle(RgbImage& picture, int left, int width, int y, const std::string& text,
                 int scale) {
  const std::string shown = fit_text(text, scale, width);
  draw_text(picture, left + (width - text_width(shown, scale)) / 2, y, shown, scale, kInk);
}

std::string signed_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.3f", value);
  return text;
}

}  // namespace

Explanation explain(const Model& model, const Image& a, const Image& b, const Occlusion& occlusion,
                    ThreadPool& pool) {
  const int width = model.preprocessing.width, height = model.preprocessing.height;
  const Occlusion patch = filled_in(occlusion, width, height);
  const std::vector<Image> images = {resize(a, width, height), resize(b, width, height)};
  const Embedder embedder(model);
  const Matrix whole = embedder.embed(images, pool);
  Explanation result;
  result.distance = energy_of(model.energy, whole.row(0), whole.row(1));
  for (size_t side = 0; side < 2; ++side) {
    result.sides[side].image = side == 0 ? a : b;
    result.sides[side].heat = heat_of(embedder, model.energy, images[side], whole.row(1 - side),
                                      result.distance, patch, pool);
  }
  return result;
}

RgbImage draw_explanation(const Explanation& explanation,
                          const std::array<std::string, 2>& captions, const std::string& verdict) {
  constexpr int kMargin = 24, kTextScale = 2, kPhotoSide = 448, kBarHeight = 16;
  const Matrix& shape = explanation.sides[0].heat;
  const double zoom = kPhotoSide / static_cast<double>(std::max(shape.rows, shape.columns));
  const auto zoomed = [&](size_t side) {
    return std::max(1, static_cast<int>(std::lround(zoom * static_cast<double>(side))));
  };
  const int width = zoomed(shape.columns), height = zoomed(shape.rows);
  const int line = text_height(kTextScale) + 10;
  const int photo_top = kMargin + line, caption_top = photo_top + height + 8;
  const int bar_top = caption_top + line + 12, scale_top = bar_top + kBarHeight + 6;
  RgbImage picture{2 * width + 3 * kMargin, scale_top + 2 * line + kMargin / 2, {}};
  picture.pixels.assign(static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height),
                        kPaper);
  const int inner = picture.width - 2 * kMargin;
  draw_middle(picture, kMargin, inner, kMargin, verdict, kTextScale);

  const double most = strongest(explanation);
  for (size_t side = 0; side < 2; ++side) {
    const ExplainedImage& explained = explanation.sides[side];
    const int left = kMargin + static_cast<int>(side) * (width + kMargin);
    const Image photo = resize(explained.image, width, height);
    const Image heat = resize(
        {static_cast<int>(shape.columns), static_cast<int>(shape.rows), explained.heat.values},
        width, height);
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        const double strength = most > 0 ? double{heat.at(row, column)} / most : 0;
        picture.at(photo_top + row, left + column) =
            over_photo(double{photo.at(row, column)}, strength);
      }
    }
    draw_middle(picture, left, width, caption_top, captions[side], kTextScale);
  }

  for (int x = 0; x < inner; ++x) {
    const double strength = 2.0 * x / std::max(1, inner - 1) - 1;
    fill_rectangle(picture, kMargin + x, bar_top, 1, kBarHeight, over_photo(0.75, strength));
  }
  const int third = inner / 3;
  const std::array<std::array<std::string, 2>, 3> scale = {
      {{signed_text(-most), "makes different"}, {"0", ""}, {signed_text(most), "makes alike"}}};
  for (int row = 0; row < 2; ++row) {
    const int y = scale_top + row * line;
    const auto text = [&](size_t place) {
      return fit_text(scale[place][static_cast<size_t>(row)], kTextScale, third);
    };
    draw_text(picture, kMargin, y, text(0), kTextScale, kInk);
    draw_middle(picture, kMargin, inner, y, text(1), kTextScale);
    draw_text(picture, kMargin + inner - text_width(text(2), kTextScale), y, text(2), kTextScale,
              kInk);
  }
  return picture;
}

}  // namespace doppel::internal

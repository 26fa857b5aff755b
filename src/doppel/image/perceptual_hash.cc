#include "doppel/image/perceptual_hash.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>

#include "doppel/image/resize.h"

namespace doppel::internal {
namespace {

// The picture is brought to kSide x kSide levels of grey, of which a frame is averaged to
// kCellsAside x kCellsAside cells; kFrequencies x kFrequencies cosines of these are looked at.
constexpr int kSide = 128, kCellsAside = 32, kFrequencies = 16;
constexpr int kLevels = 4095;
// A frame's sides lie kInset within the picture's, so that those moved out by kShift do, too.
constexpr int kInset = 8, kShift = 3;
// Frames that are off by up to kShift on every side differ in fewer bits than this: those that
// differ in more need not be moved.
constexpr int kMostUnframed = 104;
// A coefficient this far from 0, in levels, is no rounding; a picture with fewer than so many of
// them has no hash.
constexpr int64_t kFaintest = 1;
constexpr int kFewestClear = 128;
// Nor has one with fewer than a quarter of its pixels in the middle three quarters of its range of
// grey. Faces have two fifths at least (LFW), characters of Omniglot a twelfth at most.
constexpr size_t kTonesOf = 4;

// 4096 cos(pi k / 64) for k of 0 .. 32, rounded: the other quarters of the wave are its mirror
// images, so that every cosine but the first sums to exactly 0 over the cells.
constexpr int kQuarterWave[] = {4096, 4091, 4076, 4052, 4017, 3973, 3920, 3857, 3784, 3703, 3612,
                                3513, 3406, 3290, 3166, 3035, 2896, 2751, 2598, 2440, 2276, 2106,
                                1931, 1751, 1567, 1380, 1189, 995,  799,  601,  401,  201,  0};

int64_t cosine(int angle) {  // of angle pi / 64
  angle %= 128;
  if (angle > 64) angle = 128 - angle;
  return angle > 32 ? -kQuarterWave[64 - angle] : kQuarterWave[angle];
}

using Wave = std::array<std::array<int64_t, kCellsAside>, kFrequencies>;

const Wave& waves() {
  static const Wave wave = [] {
    Wave made;
    for (int u = 0; u < kFrequencies; ++u) {
      for (int x = 0; x < kCellsAside; ++x) {
        made[static_cast<size_t>(u)][static_cast<size_t>(x)] = cosine((2 * x + 1) * u);
      }
    }
    return made;
  }();
  return wave;
}

bool has_tones(const Image& image) {
  const std::ranges::minmax_result<float> range = std::ranges::minmax(image.pixels);
  const float margin = (range.max - range.min) / 8;
  const auto tones = std::ranges::count_if(image.pixels, [&](float grey) {
    return grey > range.min + margin && grey < range.max - margin;
  });
  return static_cast<size_t>(tones) * kTonesOf >= image.pixels.size();
}

// Sums of all levels above and to the left of each of a picture's kSide x kSide pixels' corners.
class LevelSums {
 public:
  explicit LevelSums(const Image& image) {
    const Image small = image.colors.empty()
                            ? resize(image, kSide, kSide)
                            : resize({image.width, image.height, image.pixels}, kSide, kSide);
    for (int y = 0; y < kSide; ++y) {
      int64_t row = 0;
      for (int x = 0; x < kSide; ++x) {
        row += static_cast<int>(small.at(y, x) * kLevels + 0.5f);
        at(y + 1, x + 1) = at(y, x + 1) + row;
      }
    }
  }

  // The sum above and to the left of a place in 1/kCellsAside of a pixel, times kCellsAside *
  // kCellsAside.
  int64_t until(int y, int x) const {
    const int row = std::min(y / kCellsAside, kSide - 1),
              column = std::min(x / kCellsAside, kSide - 1);
    const int64_t down = y - row * kCellsAside, right = x - column * kCellsAside;
    return (kCellsAside - down) *
               ((kCellsAside - right) * at(row, column) + right * at(row, column + 1)) +
           down * ((kCellsAside - right) * at(row + 1, column) + right * at(row + 1, column + 1));
  }

 private:
  int64_t& at(int y, int x) { return sums_[static_cast<size_t>(y * (kSide + 1) + x)]; }
  int64_t at(int y, int x) const { return sums_[static_cast<size_t>(y * (kSide + 1) + x)]; }

  std::vector<int64_t> sums_ = std::vector<int64_t>((kSide + 1) * (kSide + 1));
};

struct Frame {
  int left, top, right, bottom;  // in pixels of kSide x kSide
};

// The sums of kCellsAside x kCellsAside equal parts of a frame.
std::array<std::array<int64_t, kCellsAside>, kCellsAside> cells_of(const LevelSums& sums,
                                                                   const Frame& frame) {
  std::array<std::array<int64_t, kCellsAside>, kCellsAside> cells;
  std::array<int64_t, kCellsAside + 1> above{};
  for (int i = 0; i <= kCellsAside; ++i) {
    std::array<int64_t, kCellsAside + 1> until;
    for (int j = 0; j <= kCellsAside; ++j) {
      until[static_cast<size_t>(j)] =
          sums.until(frame.top * kCellsAside + i * (frame.bottom - frame.top),
                     frame.left * kCellsAside + j * (frame.right - frame.left));
    }
    for (size_t j = 0; i > 0 && j < kCellsAside; ++j) {
      cells[static_cast<size_t>(i) - 1][j] = until[j + 1] - until[j] - above[j + 1] + above[j];
    }
    above = until;
  }
  return cells;
}

struct Spectrum {
  PerceptualHash hash = {};
  int clear = 0;  // bits whose coefficients are no rounding of a blank picture's
};

Spectrum spectrum_of(const LevelSums& sums, const Frame& frame) {
  const auto cells = cells_of(sums, frame);
  const Wave& wave = waves();
  std::array<std::array<int64_t, kCellsAside>, kFrequencies> down{};  // by frequency and column
  for (size_t v = 0; v < kFrequencies; ++v) {
    for (size_t y = 0; y < kCellsAside; ++y) {
      for (size_t x = 0; x < kCellsAside; ++x) down[v][x] += wave[v][y] * cells[y][x];
    }
  }
  const int64_t least_clear = kFaintest * int64_t{frame.right - frame.left} *
                              (frame.bottom - frame.top) * kCellsAside * kCellsAside / 4 *
                              (1 << 24);
  Spectrum spectrum;
  for (size_t v = 0; v < kFrequencies; ++v) {
    for (size_t u = 0; u < kFrequencies; ++u) {
      if (u + v == 0) continue;
      int64_t coefficient = 0;
      for (size_t x = 0; x < kCellsAside; ++x) coefficient += wave[u][x] * down[v][x];
      const size_t bit = kFrequencies * v + u;
      if (coefficient > 0) spectrum.hash.words[bit / 64] |= uint64_t{1} << bit % 64;
      spectrum.clear += std::abs(coefficient) >= least_clear;
    }
  }
  return spectrum;
}

}  // namespace

std::string to_hex(const PerceptualHash& hash) {
  std::string text;
  for (const uint64_t word : hash.words) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
  }
  return text;
}

std::optional<PerceptualHash> perceptual_hash_from_hex(std::string_view text) {
  PerceptualHash hash;
  if (text.size() != 16 * hash.words.size()) return {};
  for (size_t i = 0; i < hash.words.size(); ++i) {
    const char *first = text.data() + 16 * i, *last = first + 16;
    const auto [end, error] = std::from_chars(first, last, hash.words[i], 16);
    if (end != last || error != std::errc{}) return {};
  }
  return to_hex(hash) == text ? std::optional(hash) : std::nullopt;
}

int differing_bits(const PerceptualHash& a, const PerceptualHash& b) {
  int bits = 0;
  for (size_t i = 0; i < a.words.size(); ++i) bits += std::popcount(a.words[i] ^ b.words[i]);
  return bits;
}

std::vector<PerceptualHash> perceptual_hashes(const Image& image, bool framings) {
  if (image.pixels.empty() || !has_tones(image)) return {};
  const LevelSums sums(image);
  constexpr int kFar = kSide - kInset;
  const Spectrum own = spectrum_of(sums, {kInset, kInset, kFar, kFar});
  if (own.clear < kFewestClear) return {};
  std::vector<PerceptualHash> hashes = {own.hash};
  if (!framings) return hashes;
  constexpr int kShifts[] = {-kShift, 0, kShift};
  for (const int left : kShifts) {
    for (const int top : kShifts) {
      for (const int right : kShifts) {
        for (const int bottom : kShifts) {
          if (left == 0 && top == 0 && right == 0 && bottom == 0) continue;
          const Frame frame{kInset + left, kInset + top, kFar + right, kFar + bottom};
          hashes.push_back(spectrum_of(sums, frame).hash);
        }
      }
    }
  }
  return hashes;
}

bool same_picture(std::span<const PerceptualHash> probe, const PerceptualHash& known) {
  if (probe.empty() || differing_bits(probe.front(), known) > kMostUnframed) return false;
  return std::ranges::any_of(probe, [&](const PerceptualHash& hash) {
    return differing_bits(hash, known) <= kMostDifferingBits;
  });
}

}  // namespace doppel::internal

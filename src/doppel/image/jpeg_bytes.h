// For tests: JPEG files of every kind, and what is left of a picture in one.
#pragma once

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above.
#include <gtest/gtest.h>
#include <jpeglib.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "doppel/image/decode.h"
#include "doppel/image/image.h"

namespace doppel::internal {

struct JpegFile {
  unsigned width = 0, height = 0;
  J_COLOR_SPACE colours = JCS_GRAYSCALE;  // of `samples`: JCS_GRAYSCALE, JCS_RGB or JCS_CMYK
  std::vector<uint8_t> samples;
  std::string app1 = "";
  bool progressive = false;
  bool two_scans = false;  // progressive, but without successive approximation
  bool arithmetic = false;
  bool stored_as_rgb = false;  // not as YCbCr
  unsigned restart_interval = 0;
  int quality = 100;
};

inline std::string write_jpeg(const JpegFile& file) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = file.width;
  jpeg.image_height = file.height;
  jpeg.in_color_space = file.colours;
  jpeg.input_components = file.colours == JCS_GRAYSCALE ? 1 : file.colours == JCS_RGB ? 3 : 4;
  jpeg_set_defaults(&jpeg);
  if (file.stored_as_rgb) jpeg_set_colorspace(&jpeg, JCS_RGB);
  jpeg_set_quality(&jpeg, file.quality, TRUE);
  jpeg.arith_code = file.arithmetic ? TRUE : FALSE;
  jpeg.restart_interval = file.restart_interval;
  if (file.progressive) jpeg_simple_progression(&jpeg);
  const jpeg_scan_info scans[] = {{1, {0, 0, 0, 0}, 0, 0, 0, 0}, {1, {0, 0, 0, 0}, 1, 63, 0, 0}};
  if (file.two_scans) {
    jpeg.scan_info = scans;
    jpeg.num_scans = 2;
  }
  jpeg_start_compress(&jpeg, TRUE);
  if (!file.app1.empty()) {
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(file.app1.data()),
                      static_cast<unsigned>(file.app1.size()));
  }
  const size_t row_bytes = size_t{file.width} * static_cast<size_t>(jpeg.input_components);
  std::vector<uint8_t> samples = file.samples;
  EXPECT_EQ(samples.size(), row_bytes * file.height);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = samples.data() + jpeg.next_scanline * row_bytes;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  std::free(memory);
  return bytes;
}

// Encoded with a quality of 1 to 100 and decoded again; in colour with the same value in all
// channels.
inline Image through_jpeg(const Image& image, int quality, bool color = false) {
  JpegFile file{static_cast<unsigned>(image.width),
                static_cast<unsigned>(image.height),
                color ? JCS_RGB : JCS_GRAYSCALE,
                {}};
  file.quality = quality;
  for (const float value : image.pixels) {
    file.samples.insert(file.samples.end(), color ? 3 : 1,
                        static_cast<uint8_t>(std::lround(255 * value)));
  }
  return decode_image(write_jpeg(file), "x.jpg");
}

}  // namespace doppel::internal

// check(MODEL, PHOTO, ANOTHER, DAMAGED): what a program of somebody else's does with the library.
// Photos are binary PGM files, DAMAGED is no model. Gives what is wrong, or an empty text.
#include <doppel/doppel.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

extern "C" __attribute__((visibility("default"))) const char* check(const char* model,
                                                                    const char* photo,
                                                                    const char* another,
                                                                    const char* damaged);

namespace {

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Of a PGM file's bytes: its last ones are the pixels.
doppel::Photo from_pixels(const std::string& bytes, doppel::PixelFormat format, size_t samples) {
  std::istringstream header(bytes);
  std::string word;
  std::vector<size_t> sizes;
  header >> word;  // P5
  while (sizes.size() < 2) {
    header >> word;
    if (word.starts_with('#')) {
      std::getline(header, word);
    } else {
      sizes.push_back(std::stoul(word));
    }
  }
  const size_t width = sizes[0], height = sizes[1], row_bytes = width * samples + 5;
  const std::string grey = bytes.substr(bytes.size() - width * height);
  std::vector<uint8_t> pixels(row_bytes * height, 99);  // what is behind a row counts nothing
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      std::fill_n(&pixels[y * row_bytes + x * samples], samples,
                  static_cast<uint8_t>(grey[y * width + x]));
    }
  }
  return doppel::Photo::from_pixels(pixels.data(), static_cast<int>(width),
                                    static_cast<int>(height), row_bytes, format);
}

std::string problem(const std::string& file, const std::string& photo, const std::string& another,
                    const std::string& damaged) {
  try {
    doppel::Model::load(damaged);
    return damaged + " was taken for a model";
  } catch (const doppel::Error& error) {
    if (error.kind() != doppel::ErrorKind::bad_data) return std::string("kind: ") + error.what();
    if (std::string(error.what()).find(damaged) == std::string::npos) return error.what();
  }
  const doppel::Model model = doppel::Model::load(file);
  const std::vector<doppel::Photo> photos = {doppel::Photo::load(photo),
                                             doppel::Photo::load(another)};
  const std::vector<doppel::Embedding> both = model.embed(photos);
  const doppel::Embedding alone = model.embed(photos[0]);
  if (alone.size() != model.embedding_size()) return "the size of an embedding";
  if (alone != both[0]) return "an embedding depends on its company";
  const std::string bytes = bytes_of(photo);
  if (model.embed(doppel::Photo::decode(std::as_bytes(std::span(bytes)))) != alone) {
    return "a photo's bytes are another photo";
  }
  for (const auto& [format, samples] : {std::pair(doppel::PixelFormat::grey, size_t{1}),
                                        std::pair(doppel::PixelFormat::bgra, size_t{4})}) {
    if (model.embed(from_pixels(bytes, format, samples)) != alone) {
      return "a photo's pixels are another photo";
    }
  }
  if (model.distance(alone, alone) >= model.distance(alone, both[1])) return "distances";
  if (!model.calibration() || !model.same_person(alone, alone)) return "the calibration";
  return "";
}

}  // namespace

const char* check(const char* model, const char* photo, const char* another, const char* damaged) {
  static std::string found;
  try {
    found = problem(model, photo, another, damaged);
  } catch (const std::exception& error) {
    found = error.what();
  }
  return found.c_str();
}

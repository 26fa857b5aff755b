#include "doppel/gallery/photo_templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "doppel/base/file.h"
#include "doppel/data/dataset.h"
#include "doppel/data/synthetic.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/image/image_digest.h"
#include "doppel/model/embedding.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

class PhotoTemplatesTest : public InFolder<testing::Test> {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    twins(model_).network = {{1, 4, 3}, {Flatten{}}};
    twins(model_).members = {{}};
    model_.preprocessing = {3, 4, 1};
  }

  std::string written(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = folder_ / name;
    write_file_atomically(path, bytes);
    return path;
  }

  std::vector<PhotoTemplate> templates_of(const Model& model, std::span<const std::string> files,
                                          bool keep_photos = false,
                                          const std::function<void(size_t)>& progress = {}) {
    std::vector<PhotoSource> photos;
    for (const std::string& file : files) photos.push_back(PhotoSource::of_file(file));
    return photo_templates(PhotoEmbedder(model), photos, FaceChoice::one, keep_photos, pool_,
                           progress);
  }

  Model model_;
  ThreadPool pool_{2};
};

// Gives the mean of its input, but of dark ones what no embedding is.
class FailsInTheDark : public OnnxNetwork {
 public:
  explicit FailsInTheDark(float dark) : dark_(dark) {}
  size_t embedding_size() const override { return 1; }
  Matrix embed(const Matrix& inputs) const override {
    Matrix embeddings(inputs.rows, 1);
    for (size_t i = 0; i < inputs.rows; ++i) {
      float sum = 0;
      for (const float value : inputs.row(i)) sum += value;
      const bool dark = *std::ranges::max_element(inputs.row(i)) < 80;  // of 255
      embeddings.row(i)[0] = dark ? dark_ : sum;
    }
    return embeddings;
  }

 private:
  float dark_;
};

TEST_F(PhotoTemplatesTest, WhatANetworkCannotEmbedIsItsPhotosAlone) {
  Image dark = synthetic_face(1, 0, 0);
  for (float& value : dark.pixels) value *= 0.3f;
  const std::vector<std::string> files = {written("a.pgm", encode_pgm(synthetic_face(1, 0, 0))),
                                          written("dark.pgm", encode_pgm(dark)),
                                          written("b.pgm", encode_pgm(synthetic_face(1, 1, 0)))};
  for (const auto& [value, words] : {std::pair(std::nanf(""), "is not finite"),
                                     std::pair(0.0f, "is of zeros"), std::pair(2e15f, "2e+15")}) {
    Model model;
    OnnxEmbedder embedder;
    embedder.mean = {0};
    embedder.network = std::make_shared<FailsInTheDark>(value);
    model.embedder = std::move(embedder);
    model.preprocessing = {3, 4, 1};
    const auto made = templates_of(model, files);
    EXPECT_TRUE(made[0].made);
    EXPECT_FALSE(made[1].made);
    ASSERT_TRUE(made[1].problem);
    EXPECT_THAT(made[1].problem->what(), testing::HasSubstr("dark.pgm: its embedding"));
    EXPECT_THAT(made[1].problem->what(), testing::HasSubstr(words));
    EXPECT_TRUE(made[2].made);
    EXPECT_EQ(made[1].problem->kind(), ErrorKind::numeric);
  }
}

TEST_F(PhotoTemplatesTest, APictureOfNothingIsNobodysTemplate) {
  const std::string black = encode_pgm({92, 112, std::vector<float>(92 * 112)});
  const std::vector<std::string> files = {written("black.pgm", black)};
  const PhotoTemplate made = templates_of(model_, files)[0];
  EXPECT_FALSE(made.made);
  EXPECT_EQ(made.problem->kind(), ErrorKind::no_face);
  EXPECT_THAT(made.problem->what(), testing::HasSubstr("no face was found in "));
}

TEST_F(PhotoTemplatesTest, EachFileHasItsTemplateOrItsProblem) {
  const Image a = synthetic_face(1, 0, 0), b = synthetic_face(1, 1, 0);
  std::vector<std::string> files = {written("a.pgm", encode_pgm(a)), written("cut.pgm", "P5 9 9"),
                                    written("b.pgm", encode_pgm(b)), folder_ / "none.pgm"};
  // More than are in memory at once.
  while (files.size() < 300) files.push_back(files[0]);
  size_t told = 0;
  const std::vector<PhotoTemplate> made = templates_of(model_, files, false, [&](size_t done) {
    EXPECT_GT(done, told);
    told = done;
  });
  EXPECT_EQ(told, files.size());
  ASSERT_EQ(made.size(), files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    if (i == 1 || i == 3) {
      ASSERT_TRUE(made[i].problem);
      EXPECT_FALSE(made[i].made);
      EXPECT_THAT(made[i].problem->what(), testing::StartsWith(files[i]));
      continue;
    }
    const Image& image = i == 2 ? b : a;
    ASSERT_TRUE(made[i].made) << i;
    EXPECT_EQ(made[i].made->origin, files[i]);
    EXPECT_EQ(made[i].made->image_digest, image_digest(image));
    EXPECT_EQ(made[i].made->embedding, embed_images(model_, std::span(&image, 1), pool_).values);
    EXPECT_EQ(made[i].made->photo, "") << "not asked for";
    EXPECT_GT(made[i].made->quality, 0);
    EXPECT_LE(made[i].made->quality, 1);
  }
  EXPECT_NE(made[0].made->embedding, made[2].made->embedding);
}

TEST_F(PhotoTemplatesTest, OfBytesAsOfAFile) {
  const std::string bytes = encode_pgm(synthetic_face(1, 0, 0));
  const std::vector<std::string> files = {written("a.pgm", bytes)};
  const NewTemplate of_file = templates_of(model_, files, true).front().made.value();
  const auto source = PhotoSource::of_bytes("x", bytes);
  const NewTemplate of_bytes =
      photo_templates(PhotoEmbedder(model_), std::span(&source, 1), FaceChoice::one, true, pool_)
          .front()
          .made.value();
  EXPECT_EQ(of_bytes.origin, "x");
  EXPECT_EQ(of_bytes.embedding, of_file.embedding);
  EXPECT_EQ(of_bytes.image_digest, of_file.image_digest);
  EXPECT_EQ(of_bytes.quality, of_file.quality);
  EXPECT_EQ(of_file.photo, bytes);
  EXPECT_EQ(of_bytes.photo, bytes);
}

TEST_F(PhotoTemplatesTest, PixelsAreKeptAsAPng) {
  Image pixels = synthetic_face(1, 0, 0);
  for (const float grey : pixels.pixels) pixels.colors.insert(pixels.colors.end(), 3, grey);
  const auto source = PhotoSource::of_pixels("frame", pixels);
  const NewTemplate made =
      photo_templates(PhotoEmbedder(model_), std::span(&source, 1), FaceChoice::one, true, pool_)
          .front()
          .made.value();
  EXPECT_EQ(decode_image(made.photo, "kept").pixels, pixels.pixels);
  EXPECT_EQ(made.image_digest, image_digest(pixels));
}

TEST_F(PhotoTemplatesTest, ProgressMayEndTheWork) {
  const std::vector<std::string> files(600, written("a.pgm", encode_pgm(synthetic_face(1, 0, 0))));
  size_t calls = 0;
  const auto stop = [&](size_t) {
    ++calls;
    throw std::runtime_error("enough");
  };
  EXPECT_THROW(templates_of(model_, files, false, stop), std::runtime_error);
  EXPECT_EQ(calls, 1u);
}

}  // namespace
}  // namespace doppel::internal

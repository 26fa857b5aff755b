#include "doppel/model.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "doppel/api/test_support.h"
#include "doppel/data/synthetic.h"
#include "doppel/image/encode.h"
#include "doppel/model/embedding.h"
#include "doppel/model/model.h"
#include "doppel/threads.h"

namespace doppel {
namespace {

using testing::HasSubstr;

Photo as_photo(const std::string& bytes, const std::string& name = "photo") {
  return Photo::decode(std::as_bytes(std::span(bytes)), name);
}

Photo face(uint32_t person, uint32_t picture) {
  return as_photo(internal::encode_png(internal::synthetic_face(9, person, picture)));
}

TEST(PublicModel, EmbedsAsTheProgramDoes) {
  const Model model = Model::load(kCalibrated);
  const internal::Model internals = internal::load_model(kCalibrated);
  EXPECT_EQ(model.embedding_size(), internal::embedding_size(internals));
  EXPECT_EQ(model.digest(), internal::embedding_digest(internals));
  EXPECT_TRUE(model.synthetic());
  std::vector<Photo> photos;
  std::vector<internal::Image> images;
  for (uint32_t person = 0; person < 5; ++person) {
    photos.push_back(face(person, 0));
    images.push_back(internal::synthetic_face(9, person, 0));
  }
  internal::ThreadPool pool(1);
  const internal::Matrix expected = internal::embed_images(internals, images, pool);
  const std::vector<Embedding> embeddings = model.embed(photos);
  for (size_t i = 0; i < photos.size(); ++i) {
    EXPECT_THAT(embeddings[i], testing::ElementsAreArray(expected.row(i)));
    EXPECT_EQ(model.embed(photos[i]), embeddings[i]);
  }
  EXPECT_TRUE(model.embed(std::span<const Photo>()).empty());
}

TEST(PublicModel, PixelsInColourAreTheFilesPixels) {
  const Model model = Model::load(kCalibrated);
  const internal::Image drawn = internal::synthetic_face(9, 3, 0);
  internal::RgbImage picture{drawn.width, drawn.height, {}};
  std::vector<uint8_t> bgr;
  for (const float grey : drawn.pixels) {
    const auto value = static_cast<uint8_t>(grey * 255.0f + 0.5f);
    const auto other = static_cast<uint8_t>(value / 2);
    picture.pixels.push_back({value, value, other});
    bgr.insert(bgr.end(), {other, value, value});
  }
  const Photo pixels = Photo::from_pixels(bgr.data(), drawn.width, drawn.height,
                                          3 * static_cast<size_t>(drawn.width), PixelFormat::bgr);
  EXPECT_EQ(model.embed(pixels), model.embed(as_photo(internal::encode_png(picture))));
}

TEST(PublicModel, DecidesByItsCalibration) {
  const Model model = Model::load(kCalibrated);
  const Calibration calibration = model.calibration().value();
  EXPECT_EQ(calibration.far, 0.01);
  EXPECT_EQ(calibration.people, 5u);
  const Embedding a = model.embed(face(1, 0));
  Embedding b = a;
  EXPECT_TRUE(model.same_person(a, b));
  for (float& value : b) value = -value;  // as far away as it gets
  EXPECT_GT(model.distance(a, b), calibration.threshold);
  EXPECT_FALSE(model.same_person(a, b));
}

TEST(PublicModel, WithoutACalibrationItDecidesNothing) {
  const Model model = Model::load(kUncalibrated);
  EXPECT_FALSE(model.calibration());
  const Embedding a = model.embed(face(1, 0));
  EXPECT_GE(model.distance(a, a), 0);
  const Error error = error_of([&] { model.same_person(a, a); });
  EXPECT_EQ(error.kind(), ErrorKind::uncalibrated);
  EXPECT_THAT(error.what(), HasSubstr("doppel calibrate"));
}

TEST(PublicModel, SaysWhatIsWrongWithAPhoto) {
  const Model model = Model::load(kCalibrated);
  const std::string whole = internal::encode_png(internal::synthetic_face(9, 1, 0));
  const std::vector<Photo> photos = {face(1, 0), as_photo(whole.substr(0, 1000), "door.png")};
  const Error damaged = error_of([&] { model.embed(photos); });
  EXPECT_EQ(damaged.kind(), ErrorKind::bad_data);
  EXPECT_THAT(damaged.what(), HasSubstr("door.png"));
  const std::vector<uint8_t> wall(100 * 100, 80);
  const Photo empty = Photo::from_pixels(wall.data(), 100, 100, 100, PixelFormat::grey, "wall");
  const Error nobody = error_of([&] { model.embed(empty); });
  EXPECT_EQ(nobody.kind(), ErrorKind::no_face);
  EXPECT_THAT(nobody.what(), HasSubstr("no face was found in wall"));
}

TEST(PublicModel, EmbeddingsOfAnotherModelAreRefused) {
  const Model model = Model::load(kCalibrated);
  const Embedding a = model.embed(face(1, 0)), other(3);
  EXPECT_EQ(error_of([&] { model.distance(a, other); }).kind(), ErrorKind::mismatch);
  EXPECT_EQ(error_of([&] { model.distance(other, a); }).kind(), ErrorKind::mismatch);
}

TEST(PublicModel, NoFileIsAnError) {
  EXPECT_EQ(error_of([] { Model::load(""); }).kind(), ErrorKind::io);
}

TEST(PublicModel, AForkedProcessWorksWithoutTheThreads) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer ends forked processes that start threads";
#endif
  const Model model = Model::load(kCalibrated);
  const std::vector<Photo> photos = {face(1, 0), face(2, 0), face(3, 0)};
  set_threads(3);
  const std::vector<Embedding> expected = model.embed(photos);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const bool inherited = model.embed(photos) == expected;
    set_threads(2);
    const bool own = model.embed(photos) == expected;
    _exit(inherited && own ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  set_threads(0);
}

TEST(PublicModel, SeveralThreadsMayUseOne) {
  const Model model = Model::load(kCalibrated);
  const std::vector<Photo> photos = {face(1, 0), face(2, 0), face(3, 0)};
  const std::vector<Embedding> expected = model.embed(photos);
  std::vector<std::vector<Embedding>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<Embedding>& own : found) {
    threads.emplace_back([&] { own = model.embed(photos); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<Embedding>& own : found) EXPECT_EQ(own, expected);
}

}  // namespace
}  // namespace doppel

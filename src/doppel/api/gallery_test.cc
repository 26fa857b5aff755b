#include "doppel/gallery.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "doppel/api/test_support.h"
#include "doppel/data/synthetic.h"
#include "doppel/gallery/gallery.h"
#include "doppel/image/encode.h"
#include "doppel/training.h"

namespace doppel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Photo drawn(uint32_t person, uint32_t picture) {
  const std::string bytes = internal::synthetic_file(9, person, picture);
  return Photo::decode(std::as_bytes(std::span(bytes)),
                       "s" + std::to_string(person) + "/" + std::to_string(picture));
}

class PublicGallery : public InOwnFolder {
 protected:
  std::string place() const { return folder_ / "team.gallery"; }

  // With `people` of one photo each.
  Gallery filled(uint32_t people) const {
    Gallery gallery = Gallery::create(place(), model_);
    for (uint32_t person = 0; person < people; ++person) {
      gallery.enroll("person " + std::to_string(person), drawn(person, 0));
    }
    return gallery;
  }

  Model model_ = Model::load(kCalibrated);
};

TEST_F(PublicGallery, NamesWhoIsEnrolled) {
  Gallery gallery = filled(3);
  const std::vector<IdentifiedFace> same = gallery.identify(drawn(1, 0), {.candidates = 3});
  ASSERT_EQ(same.size(), 1u);
  EXPECT_EQ(same[0].name, "person 1");
  EXPECT_NEAR(same[0].candidates[0].distance, 0, 1e-3);
  ASSERT_EQ(same[0].candidates.size(), 3u);
  EXPECT_LE(same[0].candidates[0].score, same[0].candidates[1].score);
  EXPECT_EQ(same[0].width, 92);
  EXPECT_GT(same[0].quality, 0);
  EXPECT_EQ(gallery.decision().source, Decision::Source::model);
  EXPECT_GT(gallery.decision().fpir.value(), 0);
}

TEST_F(PublicGallery, FromEightPeopleOnDrawsItsOwnLine) {
  Gallery gallery = filled(8);
  EXPECT_EQ(gallery.decision().source, Decision::Source::gallery);
  EXPECT_TRUE(gallery.decision().normalised);
  gallery.set_fpir(0.1);
  EXPECT_DOUBLE_EQ(gallery.decision().fpir.value(), 0.1);
  EXPECT_EQ(error_of([&] { gallery.set_fpir(0.9); }).kind(), ErrorKind::bad_argument);
  EXPECT_DOUBLE_EQ(gallery.decision().fpir.value(), 0.1);
}

TEST_F(PublicGallery, IsThereWhenItIsOpenedAgain) {
  filled(2);
  EXPECT_EQ(error_of([&] { Gallery::create(place(), model_); }).kind(), ErrorKind::io);
  Gallery gallery = Gallery::open(place());  // finds its model
  EXPECT_EQ(gallery.identify(drawn(1, 0))[0].name, "person 1");
  Gallery other = Gallery::open(place(), model_);
  other.enroll("Ada", drawn(5, 0));
  EXPECT_EQ(gallery.identify(drawn(5, 0))[0].name, "Ada") << "it follows what others change";
  EXPECT_EQ(error_of([&] { Gallery::open(place(), Model::load(kUncalibrated)); }).kind(),
            ErrorKind::mismatch);
  EXPECT_EQ(error_of([&] { Gallery::open(folder_ / "none"); }).kind(), ErrorKind::io);
}

TEST_F(PublicGallery, OfAModelThatWasSavedAfterItWasTrained) {
  const Model trained =
      train(Dataset::synthetic(16, 2, 1),
            Recipe::named("faces", {"training.steps=20", "training.members=1", "batch.size=32"}));
  Gallery::create(folder_ / "unsaved.gallery", trained);
  const Error unsaved = error_of([&] { Gallery::open(folder_ / "unsaved.gallery"); });
  EXPECT_EQ(unsaved.kind(), ErrorKind::io);
  EXPECT_THAT(unsaved.what(), HasSubstr("names no model file"));
  trained.save(folder_ / "faces.safetensors");
  Gallery::create(place(), trained).enroll("Ada", drawn(1, 0));
  EXPECT_EQ(Gallery::open(place()).identify(drawn(1, 0))[0].name, "Ada");
}

TEST_F(PublicGallery, ThatWasMovedToAnotherModelNamesNobodyAnyMore) {
  Gallery gallery = Gallery::create(place(), model_, {.keep_photos = true});
  gallery.enroll("Ada", drawn(1, 0));
  EXPECT_EQ(gallery.identify(drawn(1, 0))[0].name, "Ada");
  internal::Gallery other = internal::Gallery::open(place(), internal::Access::read_write);
  internal::GallerySettings settings = other.settings();
  settings.model_digest[0] = settings.model_digest[0] == '0' ? '1' : '0';
  const std::vector<float> embedding = model_.embed(drawn(1, 0));
  other.migrate(settings, [&](std::string_view, const std::string&) { return embedding; });
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_EQ(error_of([&] { gallery.identify(drawn(1, 0)); }).kind(), ErrorKind::mismatch)
        << attempt;
  }
}

TEST_F(PublicGallery, PeopleComeAndGo) {
  Gallery gallery = filled(2);
  const std::vector<Photo> more = {drawn(0, 1), drawn(0, 2), drawn(0, 0)};
  EXPECT_EQ(gallery.enroll("person 0", more), 2u) << "one of them is there already";
  gallery.rename("person 1", "Eve");
  std::vector<std::string> names;
  for (const GalleryPerson& person : gallery.people()) names.push_back(person.name);
  EXPECT_THAT(names, ElementsAre("Eve", "person 0"));
  EXPECT_EQ(gallery.people()[1].photos, 3u);
  EXPECT_EQ(gallery.identify(drawn(1, 0))[0].name, "Eve");
  EXPECT_TRUE(gallery.remove("Eve"));
  EXPECT_EQ(gallery.people().size(), 1u);
  EXPECT_EQ(error_of([&] { gallery.remove("Eve"); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { gallery.enroll("Ada", drawn(0, 1)); }).kind(), ErrorKind::mismatch)
      << "a photo of somebody else";
  EXPECT_EQ(error_of([&] { gallery.enroll(" ", drawn(7, 1)); }).kind(), ErrorKind::bad_argument);
}

TEST_F(PublicGallery, SeveralAreRemovedAndEnrolledAtOnce) {
  Gallery gallery = filled(3);
  EXPECT_TRUE(gallery.remove({"person 0", "person 2", "person 0"}));
  EXPECT_EQ(gallery.people().size(), 1u);
  EXPECT_EQ(gallery.enroll("Ada", {drawn(5, 0), drawn(5, 1)}), 2u);
}

TEST_F(PublicGallery, AnEmptyOneHasNoCandidates) {
  Gallery gallery = Gallery::create(place(), model_);
  const std::vector<IdentifiedFace> faces = gallery.identify(drawn(1, 0));
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_FALSE(faces[0].name);
  EXPECT_TRUE(faces[0].candidates.empty());
}

TEST_F(PublicGallery, ADistanceThatWasSetDecides) {
  Gallery gallery = filled(9);
  gallery.set_distance(1e-6);
  EXPECT_EQ(gallery.decision().source, Decision::Source::set);
  EXPECT_EQ(gallery.decision().threshold, 1e-6);
  EXPECT_FALSE(gallery.identify(drawn(1, 1))[0].name);
  EXPECT_EQ(error_of([&] { gallery.set_distance(-1); }).kind(), ErrorKind::bad_argument);
  gallery.set_fpir(0.01);
  EXPECT_EQ(gallery.decision().source, Decision::Source::gallery);
}

// SQLite would take these for a database in memory, or for a URI.
TEST_F(PublicGallery, AFileMayBeCalledAnything) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  for (const char* name : {":memory:", "file:uri", "file:uri?mode=memory", "a?b#c %41"}) {
    Gallery::create(name, model_).enroll("Ada", drawn(1, 0));
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
    EXPECT_EQ(Gallery::open(name, model_).people().size(), 1u) << name;
  }
  EXPECT_EQ(error_of([&] { Gallery::create("", model_); }).kind(), ErrorKind::bad_argument);
  std::filesystem::current_path(before);
}

TEST_F(PublicGallery, IsFoundWhereverTheProcessGoesAndThroughLinks) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  Gallery gallery = Gallery::create("team.gallery", model_);
  std::filesystem::create_symlink("team.gallery", "link");
  std::filesystem::current_path("/");
  gallery.enroll("Ada", drawn(1, 0));
  EXPECT_EQ(gallery.identify(drawn(1, 0))[0].name, "Ada");
  EXPECT_EQ(Gallery::open(folder_ / "link", model_).identify(drawn(1, 0))[0].name, "Ada");
  std::filesystem::create_symlink("nowhere", folder_ / "dangling");
  EXPECT_EQ(error_of([&] { Gallery::create(folder_ / "dangling", model_); }).kind(), ErrorKind::io);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "nowhere"));
  std::filesystem::current_path(before);
}

TEST_F(PublicGallery, AllPhotosOrNone) {
  Gallery gallery = filled(1);
  const std::string cut = internal::synthetic_file(9, 4, 0).substr(0, 500);
  const std::vector<Photo> photos = {drawn(4, 1),
                                     Photo::decode(std::as_bytes(std::span(cut)), "cut.pgm")};
  const Error damaged = error_of([&] { gallery.enroll("Ada", photos); });
  EXPECT_EQ(damaged.kind(), ErrorKind::bad_data);
  EXPECT_THAT(damaged.what(), HasSubstr("cut.pgm"));
  EXPECT_EQ(gallery.people().size(), 1u);
  EXPECT_EQ(error_of([&] { gallery.enroll("Ada", std::span<const Photo>()); }).kind(),
            ErrorKind::bad_argument);
}

TEST_F(PublicGallery, AWallIsNobody) {
  Gallery gallery = filled(2);
  const std::vector<uint8_t> wall(100 * 100, 80);
  const Photo photo = Photo::from_pixels(wall.data(), 100, 100, 100, PixelFormat::grey, "wall");
  EXPECT_TRUE(gallery.identify(photo).empty());
  EXPECT_TRUE(gallery.identify(photo, {.largest_face = true}).empty());
  EXPECT_EQ(error_of([&] { gallery.enroll("Ada", photo, {.force = true}); }).kind(),
            ErrorKind::no_face);
}

TEST_F(PublicGallery, PhotosOfPeopleAreKeptFromAModelOfSyntheticFaces) {
  Gallery gallery = filled(1);
  const internal::Image image = internal::synthetic_face(9, 3, 0);
  const std::string bytes = internal::encode_png(image);  // without the mark of synthetic ones
  const Photo person = Photo::decode(std::as_bytes(std::span(bytes)), "person.png");
  const Error refused = error_of([&] { gallery.enroll("Ada", person); });
  EXPECT_EQ(refused.kind(), ErrorKind::bad_argument);
  EXPECT_THAT(refused.what(), HasSubstr("EnrollOptions::force"));
  EXPECT_EQ(gallery.enroll("Ada", person, {.force = true}), 1u);
}

TEST_F(PublicGallery, WithoutALineItDecidesNothing) {
  Gallery gallery = Gallery::create(place(), Model::load(kUncalibrated));
  gallery.enroll("Ada", drawn(1, 0), {.force = true});
  EXPECT_EQ(gallery.decision().source, Decision::Source::none);
  EXPECT_FALSE(gallery.decision().fpir);
  EXPECT_EQ(error_of([&] { gallery.identify(drawn(1, 0)); }).kind(), ErrorKind::uncalibrated);
  EXPECT_EQ(error_of([&] { gallery.identify(drawn(1, 0), {.candidates = 0}); }).kind(),
            ErrorKind::bad_argument);
}

TEST_F(PublicGallery, WarnsOfPhotosUnlikeThoseOfTheCalibration) {
  Gallery gallery = filled(12);
  EXPECT_TRUE(gallery.warnings().empty());
  for (uint32_t person = 0; person < 12; ++person) {
    internal::Image image = internal::synthetic_face(9, person, 0);
    std::vector<uint8_t> dark;
    for (const float grey : image.pixels) dark.push_back(static_cast<uint8_t>(grey * 60));
    gallery.identify(Photo::from_pixels(dark.data(), image.width, image.height,
                                        static_cast<size_t>(image.width), PixelFormat::grey));
  }
  EXPECT_FALSE(gallery.warnings().empty());
}

}  // namespace
}  // namespace doppel

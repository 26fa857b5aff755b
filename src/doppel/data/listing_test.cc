// What counts as an identity, by the same files in a folder and in an archive; and data sets from
// damaged archives.
#include "doppel/data/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "doppel/base/file.h"
#include "doppel/data/dataset.h"
#include "doppel/data/zip_bytes.h"
#include "doppel/image/encode.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

std::string picture(int level) {
  return encode_pgm(Image{2, 2, std::vector<float>(4, static_cast<float>(level) / 255.0f)});
}

class Sources : public testing::Test {
 protected:
  void SetUp() override {
    place_ = fs::path(testing::TempDir()) /
             (std::string("doppel_listing_") + std::to_string(::getpid()) +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(place_);
    fs::create_directories(folder());
  }
  void TearDown() override { fs::remove_all(place_); }
  fs::path folder() const { return place_ / "faces"; }
  fs::path archive() const { return place_ / "faces.zip"; }

  // The same pictures, all different, in folder() and archive(); a name that ends in '/' is an
  // empty folder.
  void make(const std::vector<std::string>& names) {
    fs::remove_all(folder());
    fs::create_directories(folder());
    std::vector<ZipFile> files;
    for (const std::string& name : names) {
      const fs::path path = folder() / name;
      fs::create_directories(path.parent_path());
      if (name.ends_with('/')) {
        files.push_back({name, "", 0040755});
      } else {
        files.push_back({name, picture(static_cast<int>(files.size()))});
        write_file_atomically(path, files.back().bytes);
      }
    }
    write_archive(files);
  }
  void write_archive(const std::vector<ZipFile>& files) { write_archive(zip_bytes(files)); }
  void write_archive(const std::string& bytes) {
    std::ofstream(archive(), std::ios::binary) << bytes;
  }
  // The listing of both, which must be the same.
  Listing list() {
    Listing from_folder = list_source(folder());
    const Listing from_archive = list_source(archive());
    EXPECT_EQ(from_archive.paths(), from_folder.paths());
    EXPECT_EQ(from_archive.notes, from_folder.notes);
    EXPECT_EQ(from_archive.problems.size(), from_folder.problems.size());
    return from_folder;
  }
  std::vector<std::string> names(const Listing& listing) {
    std::vector<std::string> result;
    for (const IdentityFiles& identity : listing.identities) result.push_back(identity.name);
    return result;
  }
  // The first sentence that is said about both.
  std::string problem() {
    std::string sentence;
    for (const fs::path& source : {folder(), archive()}) {
      const Listing listing = list_source(source);
      if (listing.problems.empty()) return "no problem with " + source.string();
      sentence = listing.problems[0].error.what();
      EXPECT_THAT(sentence, HasSubstr(source.string()));
    }
    return sentence;
  }
  // The error of loading the archive.
  std::string refusal() {
    try {
      load(archive());
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  Dataset load(const fs::path& source, const LoadOptions& options = {}) {
    ThreadPool pool(2);
    return load_dataset(source, pool, options);
  }
  fs::path place_;
};

TEST_F(Sources, FlatFolders) {
  make({"s10/1.pgm", "s2/10.pgm", "s2/9.pgm"});
  const Listing listing = list();
  EXPECT_EQ(listing.top, "");
  EXPECT_THAT(listing.paths(), ElementsAre("s2/9.pgm", "s2/10.pgm", "s10/1.pgm"));
  EXPECT_EQ(listing.files, 3u);
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_THAT(listing.notes, IsEmpty());
}

TEST_F(Sources, NestedFolders) {
  make({"images/Latin/c2/1.pgm", "images/Greek/c10/1.pgm", "images/Greek/c9/1.pgm",
        "images/Greek/README", "images/LICENSE", "README"});
  const Listing listing = list();
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_THAT(listing.notes, IsEmpty());
  EXPECT_EQ(listing.top, "images/");
  EXPECT_THAT(names(listing), ElementsAre("Greek/c9", "Greek/c10", "Latin/c2"));
  EXPECT_THAT(listing.paths(), ElementsAre("images/Greek/c9/1.pgm", "images/Greek/c10/1.pgm",
                                           "images/Latin/c2/1.pgm"));
  const Dataset dataset = load(archive());
  EXPECT_EQ(dataset.digest, load(folder()).digest);
  EXPECT_EQ(dataset.digest, load(folder() / "images").digest);
  EXPECT_THAT(dataset.image_names,
              ElementsAre("Greek/c9/1.pgm", "Greek/c10/1.pgm", "Latin/c2/1.pgm"));
  EXPECT_EQ(dataset.images[0].at(1, 1), 2 / 255.0f);
  EXPECT_EQ(dataset.images[2].at(0, 0), 0.0f);
}

TEST_F(Sources, HiddenEmptyAndLooseThings) {
  make({"faces/s1/1.pgm", "faces/s2/1.pgm", "faces/s1/.DS_Store", "faces/s1/Thumbs.db",
        "__MACOSX/faces/s1/._1.pgm", ".git/config", "faces/loose.JPG", "loose.png", "faces/nobody/",
        "faces/s1/inside/", "nothing/"});
  const Listing listing = list();
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_THAT(names(listing), ElementsAre("s1", "s2"));
  EXPECT_THAT(listing.notes,
              ElementsAre(HasSubstr("2 images beside"),
                          HasSubstr("no images: faces/nobody, faces/s1/inside and nothing")));
}

TEST_F(Sources, AnIdentityHoldsNoFolders) {
  make({"s1/1.pgm", "s1/old/1.pgm", "s2/1.pgm"});
  EXPECT_THAT(problem(), AllOf(HasSubstr("s1/old"), HasSubstr("inside an identity's folder")));
  make({"s1/1.pgm", "s1/old/1.pgm", "s2/1.pgm", "s2/old/1.pgm"});
  EXPECT_THAT(problem(), HasSubstr("s1/old"));
}

TEST_F(Sources, AllLieAtOneDepth) {
  make({"s1/1.pgm", "s2/1.pgm", "s3/old/1.pgm", "s4/new/1.pgm", "s5/1.pgm"});
  EXPECT_THAT(problem(), AllOf(HasSubstr("s3/old: images at depth 2"), HasSubstr("3 of 5 folders"),
                               HasSubstr("at depth 1")));
  EXPECT_EQ(list().problems.size(), 1u);
}

TEST_F(Sources, NoDataSetsAtAll) {
  make({".hidden"});
  EXPECT_THAT(problem(), HasSubstr("is empty"));
  make({"README"});
  EXPECT_THAT(problem(), AllOf(HasSubstr("1 file"), HasSubstr("no sub-folder")));
  make({"1.pgm", "2.pgm"});
  EXPECT_THAT(problem(), AllOf(HasSubstr("2 files"), HasSubstr("no sub-folder")));
  make({"a/b/only/1.pgm", "a/b/only/2.pgm"});
  EXPECT_THAT(problem(), AllOf(HasSubstr("two identities"), HasSubstr("one (only)")));
  make({"a/b/", "c/"});
  EXPECT_THAT(problem(), HasSubstr("those of none"));
}

TEST_F(Sources, LoopsAndDepthEnd) {
  make({"g/s1/1.pgm", "g/s2/1.pgm"});
  fs::create_directory_symlink("../..", folder() / "g/s1/up");
  fs::create_directory_symlink(".", folder() / "g/self");
  fs::create_directory_symlink("../g", folder() / "g/s2/again");
  const Listing listing = list_source(folder());
  ASSERT_EQ(listing.problems.size(), 3u);
  EXPECT_EQ(listing.problems[0].file, folder() / "g/s1/up");
  EXPECT_EQ(listing.problems[1].file, folder() / "g/s2/again");
  EXPECT_EQ(listing.problems[2].file, folder() / "g/self");
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "d/";
  make({"s1/1.pgm", "s2/1.pgm", deep + "1.pgm"});
  EXPECT_THAT(problem(), HasSubstr("16"));
}

TEST_F(Sources, ArchivesWithBadEntries) {
  const ZipFile one{"s1/1.pgm", picture(1)}, two{"s2/1.pgm", picture(2)};
  const std::pair<ZipFile, std::string> bad[] = {
      {{"../s3/1.pgm", picture(3)}, "leads out"},
      {{"/s3/1.pgm", picture(3)}, "leads out"},
      {{"s3/1.pgm", "../s1/1.pgm", 0120777}, "a link or"},
      {{"s3/1.pgm", picture(3), 0100644, 1}, "encrypted"},
      {{"s1/1.pgm", picture(3)}, "there twice"},
      {{"s1/./1.pgm", picture(3)}, "there twice"},
      {{"s3/1.pgm", "no image"}, "no image"},
      {{"s3/1.pgm", picture(3), 0100644, 0, 0, 0, 1}, "cannot be unpacked"}};
  for (const auto& [file, words] : bad) {
    write_archive({one, file, two});
    EXPECT_THAT(refusal(),
                AllOf(HasSubstr(archive().string()), HasSubstr("1.pgm: "), HasSubstr(words)));
    ThreadPool pool(1);
    const DatasetReport report = inspect_dataset(archive(), pool);
    EXPECT_THAT(report.problems, ElementsAre(Field(&DataProblem::sentence, HasSubstr(words))));
  }
  EXPECT_FALSE(fs::exists(place_.parent_path() / "s3"));
}

TEST_F(Sources, ArchivesThatAreCutOrChangedGiveNoOtherPictures) {
  make({"s1/1.pgm", "s1/2.pgm", "s2/1.pgm"});
  const std::string whole = read_file(archive(), 10'000);
  const std::vector<std::string> digests = load(archive()).image_digests;
  for (size_t i = 0; i < whole.size(); ++i) {
    write_archive(whole.substr(0, i));
    EXPECT_THAT(refusal(), HasSubstr(archive().string()));
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    write_archive(changed);
    try {
      const Dataset dataset = load(archive());
      EXPECT_GE(dataset.identities.size(), 2u) << i;
      for (const std::string& digest : dataset.image_digests) {
        EXPECT_THAT(digests, Contains(digest)) << i;
      }
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(archive().string()));
    }
  }
}

TEST_F(Sources, ImagesBecomeTheGivenSizeAndKeepTheirDigests) {
  make({"s1/1.pgm", "s1/2.pgm", "s2/1.pgm"});
  write_file_atomically(folder() / "s2/2.pgm", encode_pgm(Image{4, 4, std::vector<float>(16, 1)}));
  const Dataset as_it_is = load(folder());
  const Dataset small = load(folder(), {.size = ImageSize{1, 2}, .most_pixels = 8});
  ASSERT_EQ(small.images.size(), 4u);
  for (const Image& image : small.images) {
    EXPECT_EQ(image.width, 1);
    EXPECT_EQ(image.height, 2);
  }
  EXPECT_EQ(small.images[1].at(1, 0), 1 / 255.0f);
  EXPECT_EQ(small.image_digests, as_it_is.image_digests);
  EXPECT_EQ(small.digest, as_it_is.digest);
  EXPECT_THAT(small.notes, Contains(HasSubstr("of 2 sizes, all resized to 1 x 2")));
  EXPECT_THROW(load(folder(), {.size = ImageSize{1, 2}, .most_pixels = 7}), Error);
  EXPECT_THROW(load(folder(), {.size = ImageSize{0, 2}}), Error);
  EXPECT_THROW(load(folder(), {.size = ImageSize{2, 1 << 20}}), Error);
}

fs::path shared_data() {
  const char* variable = std::getenv("DOPPEL_DATA");
  return variable != nullptr ? variable : "../shared/data";
}

TEST(RealArchives, Omniglot) {
  const fs::path folder = shared_data() / "omniglot";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no Omniglot at " << folder;
  const Listing listing = list_source(folder / "images_background.zip");
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_THAT(listing.notes, IsEmpty());
  ASSERT_EQ(listing.identities.size(), 964u);
  EXPECT_EQ(listing.files, 19'280u);
  EXPECT_EQ(listing.identities[0].name, "Alphabet_of_the_Magi/character01");
  EXPECT_EQ(listing.identities[0].files[0], "0709_01.png");
  EXPECT_EQ(listing.paths().back(), "images_background/Tifinagh/character55/0964_20.png");

  ThreadPool pool(2);
  const Dataset runs = load_dataset(folder / "all_runs.zip", pool, {.size = ImageSize{35, 35}});
  EXPECT_EQ(runs.identities.size(), 40u);  // run01/test, run01/training, ...
  EXPECT_EQ(runs.images.size(), 800u);
  EXPECT_THAT(runs.identities, Each(Field(&Identity::count, 20u)));
  EXPECT_EQ(runs.images[0].pixels.size(), 35u * 35);
}

TEST(RealArchives, LabeledFaces) {
  const fs::path archive = shared_data() / "lfw/lfw_92x112.zip";
  if (!fs::is_regular_file(archive)) GTEST_SKIP() << "no LFW at " << archive;
  const Listing listing = list_source(archive);
  EXPECT_THAT(listing.problems, IsEmpty());
  EXPECT_EQ(listing.identities.size(), 5749u);
  EXPECT_EQ(listing.files, 13'233u);
  EXPECT_EQ(listing.top, "lfw_92x112/");
}

}  // namespace
}  // namespace doppel::internal

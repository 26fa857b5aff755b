// load_dataset, inspect_dataset and select_identities on small folders made here, good and bad.
#include "doppel/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/image/encode.h"
#include "doppel/image/image_digest.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DatasetFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("doppel_data_") + std::to_string(::getpid()) +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // An image whose every pixel has the same level.
  void put(const std::string& name, int level, int width = 4, int height = 5) {
    fs::create_directories((folder_ / name).parent_path());
    Image image{width, height, {}};
    image.pixels.assign(static_cast<size_t>(width * height), static_cast<float>(level) / 255.0f);
    write_file_atomically(folder_ / name, encode_pgm(image));
  }
  void put_bytes(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    write_file_atomically(folder_ / name, bytes);
  }
  void put_two_people() {
    for (const char* name : {"s1/1.pgm", "s1/2.pgm", "s2/1.pgm", "s2/2.pgm"}) put(name, 10);
  }
  Dataset load(size_t most_pixels = kMostDatasetPixels) {
    ThreadPool pool(2);
    return load_dataset(folder_, pool, {.size = {}, .most_pixels = most_pixels});
  }
  DatasetReport inspect() {
    ThreadPool pool(2);
    return inspect_dataset(folder_, pool);
  }
  // The error of load(), which must name `named`; inspect_dataset() must find a problem, too.
  std::string refusal(ErrorKind kind, const std::string& named) {
    std::string message;
    try {
      load();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      message = error.what();
      EXPECT_EQ(error.kind(), kind) << message;
      EXPECT_THAT(message, HasSubstr(named));
    }
    const DatasetReport report = inspect();
    EXPECT_THAT(report.problems,
                testing::Contains(testing::Field(&DataProblem::sentence, HasSubstr(named))));
    return message;
  }
  fs::path folder_;
};

TEST_F(DatasetFolder, ReadsIdentitiesAndImagesInNaturalOrder) {
  for (const char* name : {"s10/1.pgm", "s2/10.pgm", "s2/9.pgm", "s1/1.pgm", "s1/2.pgm"}) {
    put(name, static_cast<int>(std::string(name).size()) * 10);
  }
  const Dataset dataset = load();
  EXPECT_EQ(dataset.source, folder_.string());
  EXPECT_THAT(dataset.image_names,
              ElementsAre("s1/1.pgm", "s1/2.pgm", "s2/9.pgm", "s2/10.pgm", "s10/1.pgm"));
  EXPECT_THAT(dataset.identity_of, ElementsAre(0, 0, 1, 1, 2));
  ASSERT_EQ(dataset.identities.size(), 3u);
  EXPECT_EQ(dataset.identities[1].name, "s2");
  EXPECT_EQ(dataset.identities[1].first, 2u);
  EXPECT_EQ(dataset.identities[1].count, 2u);
  ASSERT_EQ(dataset.images.size(), 5u);
  EXPECT_EQ(dataset.images[3].width, 4);
  EXPECT_EQ(dataset.images[3].height, 5);
  EXPECT_EQ(dataset.images[3].at(4, 3), 90 / 255.0f);  // "s2/10.pgm" has nine characters
  EXPECT_EQ(dataset.images[2].at(0, 0), 80 / 255.0f);
}

TEST_F(DatasetFolder, CompanionsAndHiddenFilesAreIgnored) {
  put_two_people();
  const std::string digest = load().digest;
  put_bytes("README", "text");
  put_bytes("SHA256SUMS", "text");
  put_bytes("names.txt", "text");
  put_bytes("Thumbs.db", "text");
  put_bytes(".git/config", "text");
  put_bytes("s1/.DS_Store", "text");
  put_bytes("s1/Thumbs.db", "text");
  const Dataset dataset = load();
  EXPECT_EQ(dataset.digest, digest);
  EXPECT_THAT(dataset.notes, IsEmpty());
  EXPECT_THAT(inspect().problems, IsEmpty());
}

TEST_F(DatasetFolder, TellsOfLooseImagesAndEmptyFolders) {
  put_two_people();
  put("loose.PGM", 1);
  fs::create_directories(folder_ / "nobody");
  EXPECT_THAT(load().notes,
              ElementsAre(HasSubstr("1 image beside"), HasSubstr("having no images: nobody")));
}

TEST_F(DatasetFolder, DigestChangesWithEveryPartOfTheContent) {
  put_two_people();
  const std::string digest = load().digest;
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(load().digest, digest);
  fs::rename(folder_ / "s1", folder_ / "s0");
  EXPECT_NE(load().digest, digest);
  fs::rename(folder_ / "s0", folder_ / "s1");
  EXPECT_EQ(load().digest, digest);
  fs::rename(folder_ / "s1/2.pgm", folder_ / "s1/3.pgm");
  EXPECT_NE(load().digest, digest);
  fs::rename(folder_ / "s1/3.pgm", folder_ / "s1/2.pgm");
  put("s2/2.pgm", 11);
  EXPECT_NE(load().digest, digest);
}

TEST_F(DatasetFolder, TheNumberOfThreadsChangesNothing) {
  for (int i = 0; i < 30; ++i) {
    put(std::to_string(i % 3) + "/" + std::to_string(i) + ".pgm", i, 3 + i % 2, 4);
  }
  ThreadPool one(1), four(4);
  EXPECT_EQ(load_dataset(folder_, one).digest, load_dataset(folder_, four).digest);
}

TEST_F(DatasetFolder, OtherSizesBecomeTheMostFrequentOne) {
  put("a/1.pgm", 50, 4, 5);
  put("a/2.pgm", 50, 4, 5);
  put("b/1.pgm", 200, 9, 10);
  put("b/2.pgm", 50, 4, 5);
  const Dataset dataset = load();
  for (const Image& image : dataset.images) {
    EXPECT_EQ(image.width, 4);
    EXPECT_EQ(image.height, 5);
    EXPECT_EQ(image.pixels.size(), 20u);
  }
  EXPECT_NEAR(dataset.images[2].at(2, 2), 200 / 255.0f, 1e-6);
  EXPECT_THAT(dataset.notes, ElementsAre(HasSubstr("1 of 4 images resized to 4 x 5")));
}

TEST_F(DatasetFolder, OfEquallyFrequentSizesTheLargerIsTaken) {
  put("a/1.pgm", 50, 6, 5);
  put("a/2.pgm", 50, 5, 7);
  put("b/1.pgm", 50, 6, 5);
  put("b/2.pgm", 50, 5, 7);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.images[0].width, 5);
  EXPECT_EQ(dataset.images[0].height, 7);
}

TEST_F(DatasetFolder, AnIdentityWithOneImageIsKeptAndNamed) {
  put_two_people();
  put("lonely/1.pgm", 3);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.identities.size(), 3u);
  EXPECT_THAT(dataset.notes, ElementsAre(HasSubstr("lonely")));
  EXPECT_EQ(inspect().notes, dataset.notes);
  EXPECT_THAT(inspect().problems, IsEmpty());
}

// They would count as photos of people: all that a model can tell of them is that they are alike.
TEST_F(DatasetFolder, PicturesOfNothingAreLeftOutAndNamed) {
  write_synthetic(folder_, 3, 2, 1);
  ThreadPool pool(2);
  const auto load_some = [&] {
    return load_dataset(folder_, pool, {.size = {}, .leave_out_blank = true});
  };
  const Dataset before = load_some();
  put("s1/0.pgm", 0, 92, 112);
  put("s2/8.pgm", 255, 200, 30);
  put("nobody/1.pgm", 128, 92, 112);
  put("nobody/2.pgm", 128, 92, 112);
  const Dataset dataset = load_some();
  EXPECT_EQ(dataset.digest, before.digest);
  EXPECT_EQ(dataset.identity_of, before.identity_of);
  ASSERT_EQ(dataset.images.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(dataset.images[i].pixels, before.images[i].pixels);
  EXPECT_THAT(dataset.notes,
              ElementsAre("left out 4 images of one grey, a gradient or noise: nobody/1.pgm, "
                          "nobody/2.pgm, s1/0.pgm and s2/8.pgm",
                          "left out, having no other images: nobody"));
  EXPECT_EQ(load().images.size(), 10u);
  // Too small to tell: a picture of something may look so.
  put("s3/small.pgm", 7, 23, 112);
  EXPECT_EQ(load_some().images.size(), 7u);
  fs::remove_all(folder_ / "s2");
  fs::remove_all(folder_ / "s3");
  try {
    load_some();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("at least two identities are needed; left out 3 images"));
  }
}

TEST(Dataset, NoRealPhotoIsLeftOut) {
  const char* data = std::getenv("DOPPEL_DATA");
  const fs::path faces = fs::path(data != nullptr ? data : "../shared/data") / "att_faces";
  if (!fs::is_directory(faces)) {
    GTEST_SKIP() << "the AT&T faces are not at " << faces << "; set DOPPEL_DATA";
  }
  ThreadPool pool(2);
  const Dataset dataset = load_dataset(faces, pool, {.size = {}, .leave_out_blank = true});
  EXPECT_EQ(dataset.images.size(), 400u);
  EXPECT_THAT(dataset.notes, IsEmpty());
}

TEST_F(DatasetFolder, RefusesWhatIsNoFolder) {
  ThreadPool pool(1);
  const auto message = [&](const fs::path& path, const auto& action) {
    try {
      action(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  put_bytes("file", "x");
  for (const char* name : {"missing", "file"}) {
    const fs::path path = folder_ / name;
    const auto expected = testing::AllOf(HasSubstr(path.string()),
                                         HasSubstr("one sub-folder of images per identity"));
    EXPECT_THAT(message(path, [&](const fs::path& p) { load_dataset(p, pool); }), expected);
    EXPECT_THAT(message(path, [&](const fs::path& p) { inspect_dataset(p, pool); }), expected);
  }
}

TEST_F(DatasetFolder, RefusesAnEmptyFolder) {
  EXPECT_THAT(refusal(ErrorKind::bad_data, folder_.string()),
              testing::AllOf(HasSubstr("empty"), HasSubstr("one sub-folder")));
  put("1.pgm", 1);
  EXPECT_THAT(refusal(ErrorKind::bad_data, folder_.string()),
              testing::AllOf(HasSubstr("1 file"), HasSubstr("no sub-folder")));
}

TEST_F(DatasetFolder, RefusesOneIdentityOnly) {
  put("only/1.pgm", 1);
  put("only/2.pgm", 1);
  fs::create_directories(folder_ / "empty");
  EXPECT_THAT(refusal(ErrorKind::bad_data, folder_.string()),
              testing::AllOf(HasSubstr("two identities"), HasSubstr("one (only)")));
}

TEST_F(DatasetFolder, RefusesAFileThatIsNoImage) {
  put_two_people();
  put_bytes("s2/notes.txt", "hello");
  put_bytes("s2/3.pgm", "");
  const std::string message = refusal(ErrorKind::bad_data, "s2/3.pgm");  // the first by order
  EXPECT_THAT(message, HasSubstr("1 more problem"));
  const DatasetReport report = inspect();
  ASSERT_EQ(report.problems.size(), 2u);
  EXPECT_EQ(report.problems[1].file, folder_ / "s2/notes.txt");
  EXPECT_EQ(report.images, 4u);
}

TEST_F(DatasetFolder, RefusesATruncatedImage) {
  put_two_people();
  const std::string whole = read_file(folder_ / "s1/2.pgm", 1000);
  for (const size_t length : {whole.size() - 1, size_t{3}, size_t{1}}) {
    put_bytes("s1/2.pgm", whole.substr(0, length));
    refusal(ErrorKind::bad_data, "s1/2.pgm");
  }
}

TEST_F(DatasetFolder, RefusesWhatCannotBeRead) {
  put_two_people();
  ASSERT_EQ(mkfifo((folder_ / "s1/3.pgm").c_str(), 0600), 0);
  refusal(ErrorKind::io, "s1/3.pgm");
  fs::remove(folder_ / "s1/3.pgm");
  fs::create_symlink("nowhere", folder_ / "s1/4.pgm");
  refusal(ErrorKind::io, "s1/4.pgm");
  fs::remove(folder_ / "s1/4.pgm");
  fs::create_symlink("loop", folder_ / "loop");
  refusal(ErrorKind::io, "loop");
}

// Root may read everything: for as long as this lives, the process is nobody.
struct Unprivileged {
  uid_t before = ::geteuid();
  bool done = before != 0 || ::seteuid(65534) == 0;
  ~Unprivileged() {
    if (::geteuid() != before && ::seteuid(before) != 0) ADD_FAILURE() << "still nobody";
  }
};

TEST_F(DatasetFolder, RefusesWhatMayNotBeRead) {
  put_two_people();
  fs::permissions(folder_ / "s1/2.pgm", fs::perms::none);
  {
    const Unprivileged nobody;
    if (!nobody.done) GTEST_SKIP() << "root cannot become nobody here";
    refusal(ErrorKind::io, "s1/2.pgm");
  }
  fs::permissions(folder_ / "s1/2.pgm", fs::perms::owner_all);
  fs::permissions(folder_ / "s2", fs::perms::none);
  {
    const Unprivileged nobody;
    refusal(ErrorKind::io, "s2");
  }
  fs::permissions(folder_ / "s2", fs::perms::owner_all);
}

TEST_F(DatasetFolder, FollowsLinksToFoldersAndEndsAtLoops) {
  put_two_people();
  fs::rename(folder_ / "s2", folder_ / ".elsewhere");
  fs::create_directory_symlink(".elsewhere", folder_ / "s2");
  EXPECT_EQ(load().identities.size(), 2u);
  fs::create_directory_symlink("..", folder_ / "s1/up");
  refusal(ErrorKind::bad_data, "s1/up");
  fs::remove(folder_ / "s1/up");
  fs::create_directory_symlink(".", folder_ / "self");
  refusal(ErrorKind::bad_data, "self");
}

TEST_F(DatasetFolder, ColoursCountAsPixels) {
  put_two_people();
  ThreadPool pool(2);
  EXPECT_TRUE(load().images[0].colors.empty());
  LoadOptions options{.size = {}, .most_pixels = 320, .color = true};  // of 4 times 4 x 5
  const Dataset dataset = load_dataset(folder_, pool, options);
  EXPECT_EQ(dataset.images[3].colors, std::vector<float>(60, 10 / 255.0f));
  EXPECT_EQ(dataset.digest, load().digest);
  options.most_pixels = 319;
  EXPECT_THROW(load_dataset(folder_, pool, options), Error);
}

TEST_F(DatasetFolder, RefusesMorePixelsThanAccepted) {
  put_two_people();
  EXPECT_EQ(load(80).images.size(), 4u);
  EXPECT_THROW(load(79), Error);
  put("s2/3.pgm", 1, 1, 1);  // fits as it is, not when resized
  EXPECT_THROW(load(81), Error);
  EXPECT_EQ(load(100).images.size(), 5u);
}

TEST_F(DatasetFolder, TheReportCounts) {
  for (int i = 0; i < 5; ++i) put("a/" + std::to_string(i) + ".pgm", 1);
  for (int i = 0; i < 2; ++i) put("b/" + std::to_string(i) + ".pgm", 1, 7, 8);
  put("c/1.pgm", 1);
  put("d/1.pgm", 1);
  put("d/2.pgm", 1);
  put("d/3.pgm", 1);
  put_bytes("d/bad.pgm", "P5");
  const DatasetReport report = inspect();
  EXPECT_EQ(report.identities, 4u);
  EXPECT_EQ(report.images, 11u);
  EXPECT_EQ(report.least, 1u);
  EXPECT_EQ(report.median, 2.5);
  EXPECT_EQ(report.most, 5u);
  ASSERT_EQ(report.sizes.size(), 2u);
  EXPECT_EQ(report.sizes[0].width, 4);
  EXPECT_EQ(report.sizes[0].images, 9u);
  EXPECT_EQ(report.sizes[1].height, 8);
  EXPECT_EQ(report.sizes[1].images, 2u);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].file, folder_ / "d/bad.pgm");
}

TEST_F(DatasetFolder, ASubsetIsWhatItsFoldersWouldLoadTo) {
  put_two_people();
  put("s3/1.pgm", 77);
  const Dataset whole = load();
  const size_t chosen[] = {1, 2};
  const Dataset part = select_identities(whole, chosen);
  fs::remove_all(folder_ / "s1");
  const Dataset loaded = load();
  EXPECT_EQ(part.digest, loaded.digest);
  EXPECT_EQ(part.image_names, loaded.image_names);
  EXPECT_EQ(part.identity_of, loaded.identity_of);
  EXPECT_EQ(part.image_digests, loaded.image_digests);
  ASSERT_EQ(part.image_digests.size(), 3u);
  EXPECT_EQ(part.image_digests[2], image_digest(part.images[2]));
  EXPECT_EQ(part.notes, loaded.notes);
  EXPECT_EQ(part.identities[1].first, 2u);
  EXPECT_EQ(part.images[2].at(0, 0), 77 / 255.0f);

  const size_t outside[] = {3}, twice[] = {0, 1, 0};
  EXPECT_THROW(select_identities(whole, outside), Error);
  EXPECT_THROW(select_identities(whole, twice), Error);
}

TEST(AttFaces, LoadAsTheyAre) {
  const char* variable = std::getenv("DOPPEL_DATA");
  const fs::path folder = fs::path(variable ? variable : "../shared/data") / "att_faces";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no AT&T faces at " << folder;
  ThreadPool pool(2);
  const Dataset dataset = load_dataset(folder, pool);
  ASSERT_EQ(dataset.identities.size(), 40u);
  ASSERT_EQ(dataset.images.size(), 400u);
  EXPECT_EQ(dataset.image_names.front(), "s1/1.pgm");
  EXPECT_EQ(dataset.image_names[9], "s1/10.pgm");
  EXPECT_EQ(dataset.image_names.back(), "s40/10.pgm");
  EXPECT_EQ(dataset.images[0].width, 92);
  EXPECT_EQ(dataset.images[0].height, 112);
  EXPECT_THAT(dataset.notes, IsEmpty());
  // Hashes are of the images as they lie in their files, whatever becomes of them.
  const Dataset small = load_dataset(folder, pool, {.size = ImageSize{23, 28}, .framings = true});
  ASSERT_EQ(small.image_hashes.size(), 400u);
  EXPECT_EQ(small.image_hashes[7], perceptual_hashes(dataset.images[7], /*framings=*/true));
  EXPECT_EQ(dataset.image_hashes[7], perceptual_hashes(dataset.images[7], /*framings=*/false));
  const std::vector<size_t> two = {1, 5};
  EXPECT_EQ(select_identities(small, two).image_hashes[10], small.image_hashes[50]);
}

// Dark images wait for the others, and then become as bright as all of those together.
TEST_F(DatasetFolder, PreparesImagesBeforeTheyGetTheirSize) {
  put("s1/1.pgm", 51);
  put("s1/2.pgm", 0);
  put("s2/1.pgm", 102);
  put("s2/2.pgm", 0);
  std::mutex mutex;
  double light = 0;
  std::vector<std::string> waited;
  const auto filled = [](double value) {
    return Image{2, 2, std::vector<float>(4, static_cast<float>(value))};
  };
  const ImagePreparation preparation{
      [&](const Image& image, const std::string& name) -> std::optional<Image> {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(image.width, 4);  // as it was decoded
        if (image.pixels[0] == 0.0f) {
          waited.push_back(name);
          return {};
        }
        light += double{image.pixels[0]};
        return filled(double{image.pixels[0]} / 2);
      },
      [&](const Image& image, const std::string&) {
        EXPECT_EQ(image.width, 4);
        return filled(light);
      },
      [&] { return std::optional<std::string>(std::to_string(waited.size()) + " were dark"); }};
  ThreadPool pool(2);
  const Dataset prepared =
      load_dataset(folder_, pool, {.size = ImageSize{3, 3}, .preparation = preparation});
  const Dataset plain = load();
  ASSERT_EQ(prepared.images.size(), 4u);
  for (const auto& [i, value] : {std::pair<size_t, double>{0, 0.1}, {1, 0.6}, {2, 0.2}, {3, 0.6}}) {
    EXPECT_EQ(prepared.images[i].width, 3);
    EXPECT_NEAR(prepared.images[i].pixels[0], value, 1e-6) << i;
  }
  EXPECT_EQ(prepared.image_digests, plain.image_digests);
  EXPECT_EQ(prepared.image_hashes, plain.image_hashes);
  EXPECT_EQ(prepared.digest, plain.digest);
  EXPECT_THAT(prepared.notes, ElementsAre("2 were dark"));
  EXPECT_THAT(waited, testing::UnorderedElementsAre((folder_ / "s1/2.pgm").string(),
                                                    (folder_ / "s2/2.pgm").string()));

  light = 0;
  waited.clear();
  Dataset in_memory = plain;
  prepare_images(in_memory, preparation, pool);
  EXPECT_NEAR(in_memory.images[1].pixels[0], 0.6, 1e-6);
  EXPECT_NEAR(in_memory.images[2].pixels[0], 0.2, 1e-6);
  EXPECT_EQ(in_memory.image_digests, plain.image_digests);
  EXPECT_THAT(in_memory.notes, ElementsAre("2 were dark"));
  EXPECT_THAT(waited, testing::UnorderedElementsAre("s1/2.pgm", "s2/2.pgm"));
}

}  // namespace
}  // namespace doppel::internal

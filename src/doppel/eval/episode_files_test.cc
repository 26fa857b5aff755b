#include "doppel/eval/episode_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/data/zip_bytes.h"
#include "doppel/error.h"
#include "doppel/image/encode.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Two runs of two classes, below `top`.
std::vector<ZipFile> runs(const std::string& top) {
  std::vector<ZipFile> files;
  for (uint32_t run : {1u, 2u}) {
    const std::string name = std::string("run0").append(std::to_string(run));
    files.push_back({top + name + "/class_labels.txt",
                     name + "/test/a.pgm " + name + "/training/y.pgm\n" +  //
                         name + "/test/b.pgm " + name + "/training/x.pgm\n"});
    uint32_t index = 0;
    for (const char* path : {"/test/a.pgm", "/test/b.pgm", "/training/x.pgm", "/training/y.pgm"}) {
      files.push_back({top + name + path, encode_pgm(synthetic_face(1, run, index++))});
    }
  }
  return files;
}

class EpisodeFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("doppel_episodes_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void unpack(const std::vector<ZipFile>& files) const {
    for (const ZipFile& file : files) {
      fs::create_directories((folder_ / file.name).parent_path());
      write_file_atomically(folder_ / file.name, file.bytes);
    }
  }
  std::string refusal(const fs::path& source) {
    try {
      load_episodes(source, pool_);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }

  fs::path folder_;
  ThreadPool pool_{2};
};

void expect_two_runs(const EpisodeFiles& files) {
  ASSERT_EQ(files.episodes.size(), 2u);
  EXPECT_EQ(files.episodes[0].name, "run01");
  EXPECT_EQ(files.episodes[1].name, "run02");
  EXPECT_EQ(files.episodes[0].answer, (std::vector<size_t>{1, 0}));
  for (uint32_t run : {1u, 2u}) {
    ASSERT_EQ(files.images[run - 1].size(), 4u);
    for (uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(files.images[run - 1][i].pixels, synthetic_face(1, run, i).pixels);
    }
  }
}

TEST_F(EpisodeFilesTest, AFolderAndAnArchiveGiveTheSame) {
  for (const char* top : {"", "all_runs/", "a/b/"}) {
    const fs::path archive = folder_ / "runs.zip";
    write_file_atomically(archive, zip_bytes(runs(top)));
    expect_two_runs(load_episodes(archive, pool_));
    fs::remove(archive);
    unpack(runs(top));
    expect_two_runs(load_episodes(folder_, pool_));
    TearDown();
    SetUp();
  }
}

TEST_F(EpisodeFilesTest, OneListMayNameAllRuns) {
  std::vector<ZipFile> files = runs("");
  std::string list;
  for (const ZipFile& file : files) {
    if (file.name.ends_with(".txt")) list += file.bytes;
  }
  std::erase_if(files, [](const ZipFile& file) { return file.name.ends_with(".txt"); });
  files.push_back({"class_labels.txt", list});
  unpack(files);
  expect_two_runs(load_episodes(folder_, pool_));
}

TEST_F(EpisodeFilesTest, WhatIsMissingOrNoImageIsNamed) {
  EXPECT_THAT(refusal(folder_), HasSubstr("no class_labels.txt"));
  EXPECT_NE(refusal(folder_ / "nowhere"), "accepted");
  std::vector<ZipFile> files = runs("");
  unpack(files);
  EXPECT_THAT(refusal(folder_ / files[1].name), HasSubstr("folder or zip archive"));
  fs::remove(folder_ / "run02/training/x.pgm");
  EXPECT_THAT(refusal(folder_), HasSubstr("run02/training/x.pgm: is missing"));
  write_file_atomically(folder_ / "run02/training/x.pgm", "hello");
  EXPECT_THAT(refusal(folder_), HasSubstr("run02/training/x.pgm"));
  write_file_atomically(folder_ / "run01/class_labels.txt", "run01/test/a.pgm\n");
  EXPECT_THAT(refusal(folder_), HasSubstr("run01/class_labels.txt"));
}

}  // namespace
}  // namespace doppel::internal

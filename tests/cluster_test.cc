// doppel cluster: a folder of photos in, a folder for each person out.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "doppel/base/file.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ClusterCommand : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    ASSERT_EQ(run({"synth", "faces", "--identities", "8", "--images", "4", "--seed", "3"}).code, 0);
    ASSERT_EQ(run({"train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=400",
                   "--epochs", "3"})
                  .code,
              0);
  }
  Finished cluster(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"cluster", "model.safetensors", "faces", "--out", out};
    if (std::ranges::find(more, "--threshold") == more.end()) {
      words.insert(words.end(), {"--threshold", "0.5"});  // the model has none
    }
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::vector<std::string> files(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / folder)) {
      if (entry.is_regular_file()) {
        names.push_back(entry.path().lexically_relative(folder_ / folder).generic_string());
      }
    }
    std::ranges::sort(names);
    return names;
  }
};

TEST_F(ClusterCommand, PutsEveryPhotoIntoOneFolderAndSaysWhich) {
  write_file_atomically(folder_ / "faces" / "README", "No picture: passed over.");
  const Finished done = cluster("sorted", {"--json", "--compare"});
  ASSERT_EQ(done.code, 0) << done.err;
  const nlohmann::json document = done.json();
  EXPECT_EQ(document["images"], 32);
  EXPECT_EQ(document["people"], 8);
  const size_t clusters = document["clusters"], lone = document["unclustered"];
  EXPECT_GE(clusters, 1u);
  EXPECT_EQ(document["sizes"].size(), clusters + lone);
  std::vector<std::string> copies = files("sorted");
  for (const char* beside : {"clusters.csv", "clusters.png"}) {
    const auto found = std::ranges::find(copies, beside);
    ASSERT_NE(found, copies.end());
    copies.erase(found);
  }
  EXPECT_EQ(copies.size(), 32u);
  // The list says where each photo is, and there it is.
  std::ifstream csv(folder_ / "sorted" / "clusters.csv");
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line, "file,cluster,copy");
  size_t lines = 0;
  for (; std::getline(csv, line); ++lines) {
    const size_t first = line.find(','), second = line.find(',', first + 1);
    EXPECT_EQ(read_file(folder_ / "faces" / line.substr(0, first), 1 << 20),
              read_file(folder_ / "sorted" / line.substr(second + 1), 1 << 20));
    EXPECT_TRUE(
        line.substr(second + 1).starts_with(line.substr(first + 1, second - first - 1) + "/"));
  }
  EXPECT_EQ(lines, 32u);
  EXPECT_GT(load_image(folder_ / "sorted" / "clusters.png").width, 100);
  // Again, on one thread, into a folder that is there but empty.
  fs::create_directory(folder_ / "again");
  ASSERT_EQ(cluster("again/", {"--threads", "1"}).code, 0);
  EXPECT_EQ(files("again"), files("sorted"));
}

TEST_F(ClusterCommand, TheThresholdDecides) {
  const nlohmann::json all = cluster("all", {"--json", "--threshold", "1e9", "--compare"}).json();
  EXPECT_EQ(all["sizes"], nlohmann::json::array({32}));
  EXPECT_EQ(all["agreement"]["recall"], 1);
  EXPECT_EQ(all["agreement"]["pairs_both"], 8 * 6);
  const Finished none = cluster("none", {"--threshold", "1e-9", "--compare"});
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_THAT(none.out, HasSubstr("32 photos in 0 clusters, 32 by themselves"));
  EXPECT_FALSE(fs::exists(folder_ / "none" / "clusters.png"));
  EXPECT_TRUE(fs::exists(folder_ / "none" / "unclustered" / "s1_1.pgm"));
}

TEST_F(ClusterCommand, WithoutAThresholdItSaysHowNearPhotosAre) {
  const Finished text = run({"cluster", "model.safetensors", "faces", "--out", "none"});
  EXPECT_EQ(text.code, 3);
  EXPECT_THAT(text.err, HasSubstr("no calibrated threshold"));
  EXPECT_THAT(text.out, testing::StartsWith("file,nearest,distance\ns1/1.pgm,s"));
  EXPECT_EQ(std::ranges::count(text.out, '\n'), 1 + 32);
  EXPECT_FALSE(fs::exists(folder_ / "none"));
  const Finished json = run({"cluster", "model.safetensors", "faces", "--out", "none", "--json"});
  EXPECT_EQ(json.code, 3);
  EXPECT_TRUE(json.json()["threshold"].is_null());
  EXPECT_EQ(json.json()["nearest"].size(), 32u);
  for (const char* bad : {"-1", "0", "1e300"}) {
    const Finished refused = cluster("none", {"--threshold", bad});
    EXPECT_EQ(refused.code, 2) << bad;
    EXPECT_THAT(refused.err, HasSubstr("--threshold is")) << bad;
  }
}

TEST_F(ClusterCommand, PhotosOfNothingAreLeftOutAndNamed) {
  for (const char* name : {"black.pgm", "grey.pgm"}) {
    const float grey = name[0] == 'b' ? 0.0f : 0.5f;
    write_file_atomically(folder_ / "faces" / "s1" / name,
                          encode_pgm({92, 112, std::vector<float>(92 * 112, grey)}));
  }
  const Finished done = cluster("sorted", {"--json", "--compare"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.json()["images"], 32);
  EXPECT_EQ(done.json()["left_out"].size(), 2u);
  EXPECT_THAT(done.err, HasSubstr("left out: no face was found in faces/s1/black.pgm"));
  for (const std::string& file : files("sorted"))
    EXPECT_THAT(file, testing::Not(HasSubstr("black")));
}

TEST_F(ClusterCommand, LeavesNothingWhereItFails) {
  const auto left = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename().string().starts_with("sorted")) {
        names.push_back(entry.path().filename().string());
      }
    }
    return names;
  };
  std::ofstream(folder_ / "faces" / "s3" / "9.pgm") << "no image";
  const Finished damaged = cluster("sorted");
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.err, HasSubstr("9.pgm"));
  EXPECT_TRUE(left().empty());
  fs::remove(folder_ / "faces" / "s3" / "9.pgm");
  fs::create_directory(folder_ / "sorted");
  std::ofstream(folder_ / "sorted" / "mine") << "mine";
  const Finished full = cluster("sorted");
  EXPECT_EQ(full.code, 2);
  EXPECT_THAT(full.err, HasSubstr("a new or an empty folder"));
  EXPECT_EQ(files("sorted"), std::vector<std::string>{"mine"});
  EXPECT_EQ(left().size(), 1u);
  fs::copy_file(folder_ / "faces" / "s1" / "1.pgm", folder_ / "faces" / "loose.pgm");
  EXPECT_THAT(cluster("other", {"--compare"}).err, HasSubstr("loose.pgm lies in none"));
  EXPECT_EQ(cluster("other", {"--threshold", "nan"}).code, 2);
  EXPECT_EQ(run({"cluster", "model.safetensors", "nowhere", "--out", "other"}).code, 1);
}

}  // namespace
}  // namespace doppel::internal

// Bad input: one clear line that names it, exit code 1, and nothing lost.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/image/encode.h"
#include "program.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BadInput : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 4, 3, 1);
  }

  // One line on standard error that holds all of `named`, nothing on standard output.
  void fails(const std::vector<std::string>& words, const std::vector<std::string>& named,
             int code = 1) const {
    const Finished failed = run(words);
    EXPECT_EQ(failed.code, code) << failed.err;
    EXPECT_EQ(std::ranges::count(failed.err, '\n'), 1) << failed.err;
    for (const std::string& name : named) EXPECT_THAT(failed.err, HasSubstr(name));
  }
  std::vector<std::string> train(const std::string& data) const {
    return {"train",    data, "--recipe", "tutorial", "--set", "pairs.per_kind=40",
            "--epochs", "1",  "--json"};
  }
};

TEST_F(BadInput, FoldersThatAreNoDataSet) {
  fs::create_directories(folder_ / "empty");
  fails(train("empty"), {"empty", "sub-folder"});
  fails(train("missing"), {"missing"});
  fs::create_directories(folder_ / "one");
  fs::copy(folder_ / "faces/s1", folder_ / "one/s1");
  fails(train("one"), {"one", "identit"});
  fails(train("faces/s1/1.pgm"), {"faces/s1/1.pgm"});
}

TEST_F(BadInput, FilesThatAreNoImage) {
  const fs::path file = folder_ / "faces/s2/2.pgm";
  const std::string good = read_file(file, 1 << 20);
  for (const std::string& bytes :
       {std::string("hello"), std::string(), good.substr(0, good.size() - 1), good.substr(0, 7),
        std::string("P5\n0 112\n255\n"), std::string("P5\n2147483648 112\n255\nx"),
        std::string("P5\n92 113\n255\n") + good.substr(14)}) {
    write_file_atomically(file, bytes);
    fails(train("faces"), {"s2/2.pgm"});
    fails({"data", "faces"}, {"1 problem"});
  }
}

TEST_F(BadInput, AnUnreadableFileIsNamed) {
  const fs::path file = folder_ / "faces/s1/3.pgm";
  if (geteuid() == 0) {  // root reads everything that is there
    fs::remove(file);
    fs::create_symlink("nowhere.pgm", file);
    fails(train("faces"), {"s1/3.pgm", "No such file"});
  } else {
    fs::permissions(file, fs::perms::none);
    fails(train("faces"), {"s1/3.pgm", "Permission denied"});
  }
}

TEST_F(BadInput, OddDataSetsAreTrainedOnAndSaySo) {
  // Another size, and an identity with one image.
  write_file_atomically(folder_ / "faces/s1/1.pgm",
                        encode_pgm(Image{40, 50, std::vector<float>(2000, 0.5f)}));
  fs::create_directories(folder_ / "faces/lonely");
  fs::copy(folder_ / "faces/s2/1.pgm", folder_ / "faces/lonely/1.pgm");
  const Finished trained = run(train("faces"));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("lonely"));
  EXPECT_THAT(trained.err, HasSubstr("resized"));
  const auto json = trained.json();
  EXPECT_EQ(json["data"]["notes"].size(), 2u);
  EXPECT_THAT(json["pairs"]["method"].get<std::string>(), HasSubstr("uniform"));
}

TEST_F(BadInput, PicturesOfNothingAreNotCompared) {
  ASSERT_EQ(run(train("faces")).code, 0);
  for (const char* name : {"s1/0.pgm", "s9/1.pgm", "s9/2.pgm"}) {
    fs::create_directories((folder_ / "faces" / name).parent_path());
    write_file_atomically(folder_ / "faces" / name,
                          encode_pgm({92, 112, std::vector<float>(92 * 112, 0.5f)}));
  }
  const std::string note = "left out 3 images of one grey, a gradient or noise: s1/0.pgm, s9/1.pgm";
  const Finished measured = run({"eval", "model.safetensors", "faces", "--allow-seen", "--json"});
  EXPECT_EQ(measured.json()["data"]["images"], 12);
  EXPECT_THAT(measured.err, HasSubstr(note));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"report", "model.safetensors", "faces", "--allow-seen"},
        {"pairs", "faces", "--model", "model.safetensors", "--threshold", "0.5"}}) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, 0) << words[0] << ": " << done.err;
    EXPECT_THAT(done.err, HasSubstr(note)) << words[0];
  }
}

TEST_F(BadInput, DamagedModels) {
  ASSERT_EQ(run(train("faces")).code, 0);
  const std::string good = read_file(folder_ / "model.safetensors", 1 << 28);
  const std::string a = "faces/s1/1.pgm";
  for (size_t length : {size_t{0}, size_t{7}, size_t{100}, good.size() / 2, good.size() - 1}) {
    write_file_atomically(folder_ / "cut.safetensors", good.substr(0, length));
    fails({"verify", "cut.safetensors", a, a}, {"cut.safetensors", "safetensors file"});
  }
  std::string other = good;
  other[other.find("doppel model ") + 13] = '9';
  write_file_atomically(folder_ / "other.safetensors", other);
  fails({"info", "other.safetensors"}, {"other.safetensors", "doppel model 9"});
  other = good;
  other.replace(other.find(R"(\"units\":50)"), 12, R"(\"units\":51)");
  write_file_atomically(folder_ / "units.safetensors", other);
  fails({"eval", "units.safetensors", "faces", "--allow-seen"}, {"units.safetensors", "shape"});
  fails({"verify", "none.safetensors", a, a}, {"none.safetensors"});
  fails({"verify", a, a, a}, {a});
  fails({"verify", "model.safetensors", a, "model.safetensors"}, {"model.safetensors"});
  fails({"embed", "model.safetensors", a, "nothing.pgm"}, {"nothing.pgm"});
}

TEST_F(BadInput, RecipesThatAreNoneNameFileAndLine) {
  const auto with = [](const std::string& recipe) {
    return std::vector<std::string>{"train", "faces", "--recipe", recipe};
  };
  fails(with("missing.toml"), {"missing.toml"});
  write_file_atomically(folder_ / "mine.toml", "about = \"x\"\n[training\n");
  fails(with("mine.toml"), {"mine.toml", "line 2"}, 2);
  write_file_atomically(folder_ / "mine.toml", "[training]\nspeed = 7\n[loss]\ntype='triplet'\n");
  fails(with("mine.toml"), {"triplet"}, 2);
}

TEST_F(BadInput, SynthKeepsWhatIsThere) {
  fails({"synth", "faces"}, {"faces"}, 2);
  EXPECT_TRUE(fs::exists(folder_ / "faces/s4/3.pgm"));
  EXPECT_FALSE(fs::exists(folder_ / "faces/s5"));
}

TEST_F(BadInput, TrainingThatLeavesTheNumbersNamesTheStep) {
  auto words = train("faces");
  words.insert(words.end(), {"--lr", "1e29"});
  fails(words, {"epoch 1", "optimizer.rate"});
  EXPECT_FALSE(fs::exists(folder_ / "model.safetensors"));
}

TEST_F(BadInput, ACollapsedEmbeddingIsNamed) {
  const Finished trained = run({"train", "faces", "--recipe", "tutorial", "--set",
                                "pairs.per_kind=400", "--epochs", "2", "--lr", "1"});
  EXPECT_EQ(trained.code, 0);
  EXPECT_THAT(trained.err, HasSubstr("collapsed"));
}

TEST_F(BadInput, AFullDiskLeavesTheOldModel) {
  fs::create_directories(folder_ / "disk");
  if (mount("none", (folder_ / "disk").c_str(), "tmpfs", 0, "size=900k") != 0) {
    GTEST_SKIP() << "a small file system cannot be mounted here (not root)";
  }
  const auto to_disk = [&](const char* epochs) {
    return std::vector<std::string>{"train",    "faces",
                                    "--recipe", "tutorial",
                                    "--set",    "pairs.per_kind=40",
                                    "--epochs", epochs,
                                    "--out",    "disk/model.safetensors"};
  };
  ASSERT_EQ(run(to_disk("1")).code, 0);
  const std::string old = read_file(folder_ / "disk/model.safetensors", 1 << 28);
  const Finished full = run(to_disk("2"));
  const bool unchanged = read_file(folder_ / "disk/model.safetensors", 1 << 28) == old;
  const auto entries = std::distance(fs::directory_iterator(folder_ / "disk"), {});
  umount((folder_ / "disk").c_str());
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, HasSubstr("No space left"));
  EXPECT_THAT(full.err, HasSubstr("disk/model.safetensors"));
  EXPECT_TRUE(unchanged);
  EXPECT_EQ(entries, 1);
}

TEST_F(BadInput, AUrlIsNoPath) {
  const std::string url = "postgresql://ada:s3cret@db/people";
  const std::vector<std::vector<std::string>> uses = {{"synth", url},
                                                      {"data", url},
                                                      {"embed", "m", "faces", url},
                                                      {"gallery", "export", "g", url},
                                                      {"train", "faces", "--out", url}};
  for (const std::vector<std::string>& words : uses) {
    const Finished refused = run(words);
    EXPECT_EQ(refused.code, 2) << words[0];
    EXPECT_THAT(refused.err,
                HasSubstr("postgresql://... is a URL, and a file or folder is expected here"));
    EXPECT_THAT(refused.err, testing::Not(HasSubstr("s3cret")));
    EXPECT_FALSE(fs::exists(folder_ / "postgresql:")) << words[0];
  }
  const Finished named = run({"enroll", "g", "--model", "m", "--name", "a://b", "faces"});
  EXPECT_EQ(named.code, 1);
  EXPECT_THAT(named.err, testing::Not(HasSubstr("URL")));
}

TEST_F(BadInput, AnEmptyValueIsNotNone) {
  const std::string photo = "faces/s1/1.pgm";
  const std::vector<std::vector<std::string>> uses = {
      {"verify", "m", photo, photo, "--threshold", ""},
      {"pairs", "faces", "--model", "m", "--threshold", ""},
      {"cluster", "m", "faces", "--out", "o", "--threshold", ""},
      {"gallery", "set", "g", "--fpir", "", "--threshold", "1"},
      {"gallery", "remove", "g", "--template", ""},
      {"train", "faces", "--epochs", ""},
      {"train", "faces", "--lr", ""},
      {"train", "faces", "--people", ""},
      {"serve", "g", "--cert", "", "--key", ""},
      {"identify", "g", photo, "--model", ""},
      {"data", ""}};
  for (const std::vector<std::string>& words : uses) {
    const Finished refused = run(words);
    EXPECT_EQ(refused.code, 2) << words[0] << " " << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("a value was expected, not an empty one")) << words[0];
  }
}

TEST_F(BadInput, NumbersThatWouldBeReadAsOthers) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& said) {
    const Finished done = run(words);
    EXPECT_EQ(done.code, 2) << words.back() << " " << done.err;
    EXPECT_THAT(done.err, HasSubstr(said + words.back()));
  };
  for (const char* seed : {"-1", " -1", "010", "0x10", "1.5", "99999999999999999999"}) {
    const std::string whole = "--seed: a whole number from 0 up was expected, not ";
    refused({"train", "faces", "--seed", seed}, whole);
    refused({"crossval", "faces", "--seed", seed}, whole);
    refused({"synth", "more", "--seed", seed}, whole);
    refused({"pairs", "faces", "--seed", seed}, whole);
    refused({"cluster", "m", "faces", "--out", "o", "--seed", seed}, whole);
  }
  refused({"train", "faces", "--epochs", "-1"},
          "--epochs: a whole number from 0 up was expected, not ");
  refused({"explain", "m", "a", "b", "--patch", "010"},
          "--patch: a whole number was expected, not ");
  for (const char* number : {"nan", "inf", "1e999"}) {
    refused({"train", "faces", "--lr", number}, "--lr: a number was expected, not ");
    refused({"verify", "m", "a", "b", "--threshold", number},
            "--threshold: a number was expected, not ");
  }
  for (const char* option : {"--far", "--holdout"}) {
    EXPECT_EQ(run({"train", "faces", option, "nan"}).code, 2) << option;
  }
}

TEST_F(BadInput, AnOutputThatCannotBeMadeIsToldBeforeTraining) {
  fails({"train", "faces", "--out", "faces/s1/1.pgm/x/m.safetensors"}, {"faces/s1/1.pgm"});
  fails({"train", "faces", "--out", "faces"}, {"faces"}, 2);
}

}  // namespace
}  // namespace doppel::internal

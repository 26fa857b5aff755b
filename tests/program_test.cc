// What a user does, on synthetic people: every subcommand, its JSON, its files.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "doppel/base/file.h"
#include "doppel/image/decode.h"
#include "doppel/nn/simd.h"
#include "program.h"

namespace doppel {
namespace {

using testing::HasSubstr;

class Program : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    ASSERT_EQ(run({"synth", "faces", "--identities", "8", "--images", "5", "--seed", "3"}).code, 0);
  }
  // A training of a second.
  static std::vector<std::string> train(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"train", "faces", "--pairs", "400", "--epochs", "3"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }
};

TEST_F(Program, EveryCommandHelpsWithAnExample) {
  const Finished help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* name :
       {"train", "crossval", "eval", "embed", "verify", "pairs", "data", "synth", "info"}) {
    EXPECT_THAT(help.out, HasSubstr(name));
    const Finished own = run({name, "--help"});
    EXPECT_EQ(own.code, 0);
    EXPECT_THAT(own.out, HasSubstr(std::string("doppel ") + name)) << "an example";
  }
  EXPECT_THAT(run({"--version"}).out, HasSubstr("doppel "));
}

TEST_F(Program, WrongUsageExitsWithTwoAndNamesTheOption) {
  EXPECT_EQ(run({}).code, 2);
  for (const auto& [words, named] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"dance"}, "dance"},
           {train({"--frobnicate"}), "--frobnicate"},
           {train({"--threads", "0"}), "--threads"},
           {train({"--epochs", "x"}), "--epochs"},
           {{"train", "faces", "--epochs", "0"}, "epochs"},
           {{"train", "faces", "--epochs", "-3"}, "epochs"},
           {train({"--recipe", "nonsense"}), "nonsense"},
           {train({"--lr", "-1"}), "learning rate"},
           {train({"--margin", "0"}), "margin"},
           {train({"--batch", "0"}), "batch"},
           {{"verify", "model.safetensors"}, "A"},
           {{"crossval", "faces", "--folds", "1"}, "fold"},
           {{"pairs", "faces", "--hardest"}, "--hardest"},
           {{"pairs", "faces", "--out", "x.gif"}, "x.gif"}}) {
    const Finished wrong = run(words);
    EXPECT_EQ(wrong.code, 2) << words.back();
    EXPECT_THAT(wrong.err, HasSubstr(named));
    EXPECT_EQ(wrong.out, "");
  }
  EXPECT_EQ(run({"info", "x"}, "DOPPEL_SIMD=MMX").code, 2);
}

TEST_F(Program, TrainTellsEpochsAndTheTestHonestly) {
  const Finished trained = run(train());
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, testing::ContainsRegex(
                               "Epoch 1/3 - [0-9.]+s - loss: 0[.][0-9]{4} - val_loss: 0[.][0-9]"));
  EXPECT_THAT(trained.out, HasSubstr("Epoch 3/3"));
  EXPECT_THAT(trained.out, HasSubstr("precision"));
  EXPECT_THAT(trained.out, HasSubstr("does not measure recognition of unseen people"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model.safetensors.checkpoint"));
}

TEST_F(Program, TrainJsonIsOneDocument) {
  const Finished trained = run(train({"--json", "--out", "new/folder/m.safetensors"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto json = trained.json();
  ASSERT_EQ(json["epochs"].size(), 3u);
  for (const char* field : {"epoch", "seconds", "loss", "val_loss"}) {
    EXPECT_TRUE(json["epochs"][0].contains(field)) << field;
  }
  for (const char* field : {"pairs", "threshold", "precision", "accuracy", "recall", "eer", "auc",
                            "genuine_seen_in_training", "impostor_seen_in_training"}) {
    EXPECT_TRUE(json["test"].contains(field)) << field;
  }
  for (const char* field : {"train_seconds", "wall_seconds", "threads", "simd"}) {
    EXPECT_TRUE(json.contains(field)) << field;
  }
  EXPECT_EQ(json["test"]["pairs"], 200);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "new/folder/m.safetensors"));
}

TEST_F(Program, EqualSeedsGiveEqualFilesOnAnyThreadsAndInstructionSet) {
  ASSERT_EQ(run(train({"--threads", "1", "--out", "one.safetensors"})).code, 0);
  const std::string one = bytes("one.safetensors");
  ASSERT_EQ(run(train({"--threads", "2", "--out", "two.safetensors"})).code, 0);
  EXPECT_EQ(one == bytes("two.safetensors"), true);
  ASSERT_EQ(run(train({"--seed", "1", "--out", "seed.safetensors"})).code, 0);
  EXPECT_EQ(one == bytes("seed.safetensors"), false);
  std::vector<std::string> names = simd_names();
  names.pop_back();  // "plain" multiplies, then adds: other bits
  if (names.size() < 2) GTEST_SKIP() << "this CPU has no two instruction sets with fused FMA";
  for (const std::string& name : names) {
    ASSERT_EQ(run(train({"--out", "simd.safetensors"}), "DOPPEL_SIMD=" + name).code, 0);
    EXPECT_EQ(one == bytes("simd.safetensors"), true) << name;
  }
}

TEST_F(Program, ThePlainFallbackTrainsAsWell) {
  const Finished plain = run(train({"--json"}), "DOPPEL_SIMD=plain");
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.json()["simd"], "plain");
  const auto best = run(train({"--json"})).json();
  EXPECT_NEAR(plain.json()["epochs"][0]["loss"].get<double>(),
              best["epochs"][0]["loss"].get<double>(), 0.02);
}

TEST_F(Program, CrossvalHasFoldsMeanAndBaselines) {
  const Finished done =
      run({"crossval", "faces", "--folds", "2", "--pairs", "200", "--epochs", "2", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const auto json = done.json();
  ASSERT_EQ(json["folds"].size(), 2u);
  EXPECT_EQ(json["folds"][0]["test_identities"], (nlohmann::json{"s1", "s2", "s3", "s4"}));
  for (const char* field : {"eer", "auc", "tar_at_far_1pct", "one_shot"}) {
    const double a = json["folds"][0][field], b = json["folds"][1][field];
    EXPECT_NEAR(json["mean"][field].get<double>(), (a + b) / 2, 1e-12) << field;
    EXPECT_TRUE(json["baselines"]["pixels"].contains(field));
    EXPECT_TRUE(json["baselines"]["pca"].contains(field));
  }
  EXPECT_EQ(json["folds"][0]["ways"], 4);
  const Finished text =
      run({"crossval", "faces", "--folds", "2", "--pairs", "200", "--epochs", "2"});
  EXPECT_THAT(text.out, HasSubstr("nearest pixels"));
  EXPECT_THAT(text.out, HasSubstr("PCA"));
}

TEST_F(Program, EvalVerifyEmbedAndInfoAgree) {
  ASSERT_EQ(run(train()).code, 0);
  const auto eval = run({"eval", "model.safetensors", "faces", "--json"}).json();
  EXPECT_EQ(eval["pairs"]["genuine"], 8 * 10);
  EXPECT_EQ(eval["seen_in_training"], true);
  EXPECT_EQ(eval["ways"], 8);

  const auto verify =
      run({"verify", "model.safetensors", "faces/s1/1.pgm", "faces/s2/1.pgm", "--json"}).json();
  const Finished npy =
      run({"embed", "model.safetensors", "faces/s1/1.pgm", "faces/s2", "--out", "e.npy"});
  ASSERT_EQ(npy.code, 0) << npy.err;
  const std::string file = bytes("e.npy");
  ASSERT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_THAT(file.substr(0, 128), HasSubstr("'shape': (6, 50)"));
  const size_t header =
      10 + static_cast<unsigned char>(file[8]) + 256u * static_cast<unsigned char>(file[9]);
  EXPECT_EQ(header % 64, 0u);
  ASSERT_EQ(file.size(), header + 6 * 50 * 4);
  std::vector<float> values(6 * 50);
  std::memcpy(values.data(), file.data() + header, values.size() * 4);
  double sum = 0;
  for (size_t k = 0; k < 50; ++k) sum += std::pow(double{values[k]} - double{values[50 + k]}, 2);
  EXPECT_NEAR(std::sqrt(sum), verify["distance"].get<double>(), 1e-6);
  EXPECT_EQ(verify["same"], verify["distance"] < 0.5);

  const Finished csv = run({"embed", "model.safetensors", "faces/s1/1.pgm"});
  EXPECT_THAT(csv.out, HasSubstr("file,e0,e1,"));
  const size_t comma = csv.out.find(',', csv.out.find('\n'));
  EXPECT_NEAR(std::stof(csv.out.substr(comma + 1)), values[0], 1e-6);

  const auto info = run({"info", "model.safetensors", "--json"}).json();
  EXPECT_EQ(info["embedding_size"], 50);
  EXPECT_EQ(info["data"]["identities"], 8);
  EXPECT_EQ(info["history"].size(), 3u);
  EXPECT_THAT(run({"info", "model.safetensors"}).out, HasSubstr("conv filters=6"));
}

TEST_F(Program, PairsDrawsSheets) {
  ASSERT_EQ(run(train()).code, 0);
  ASSERT_EQ(run({"pairs", "faces", "--out", "plain.png"}).code, 0);
  ASSERT_EQ(run({"pairs", "faces", "--model", "model.safetensors", "--out", "scored.png"}).code, 0);
  ASSERT_EQ(run({"pairs", "faces", "--model", "model.safetensors", "--hardest", "--count", "6",
                 "--out", "hardest.png"})
                .code,
            0);
  EXPECT_NE(bytes("plain.png"), bytes("scored.png"));
  EXPECT_LT(load_image(folder_ / "hardest.png").height, load_image(folder_ / "plain.png").height);
}

TEST_F(Program, WithoutDataItSaysThatFacesAreSynthetic) {
  const Finished drawn = run({"pairs", "--count", "1"});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  const auto trained = run({"train", "--pairs", "100", "--epochs", "1", "--json"}).json();
  EXPECT_THAT(trained["data"]["source"].get<std::string>(), HasSubstr("synthetic"));
  EXPECT_EQ(trained["data"]["identities"], 40);
}

}  // namespace
}  // namespace doppel

// What a user does, on synthetic people: every subcommand, its JSON, its files.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/data/zip_bytes.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/image/resize.h"
#include "doppel/nn/simd.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Program : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    ASSERT_EQ(run({"synth", "faces", "--identities", "8", "--images", "5", "--seed", "3"}).code, 0);
  }
  // A training of a second.
  static std::vector<std::string> train(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        "train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=400", "--epochs", "3"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }
};

TEST_F(Program, EveryCommandHelpsWithAnExample) {
  const Finished help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* name : {"train", "crossval", "eval", "oneshot", "report", "explain", "embed",
                           "cluster", "verify", "calibrate", "export", "pairs", "data", "synth",
                           "info", "enroll", "identify", "watch", "gallery"}) {
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
           {train({"--epochs", "0"}), "epochs"},
           {train({"--epochs", "-3"}), "epochs"},
           {{"train", "faces", "--epochs", "3"}, "training.steps"},
           {{"train", "faces", "--recipe", "nonsense"}, "nonsense"},
           {train({"--lr", "-1"}), "learning rate"},
           {train({"--set", "loss.margin=0"}), "margin"},
           {train({"--set", "batch.size=0"}), "batch"},
           {train({"--set", "training.speed=9"}), "speed"},
           {train({"--set", "nonsense"}), "nonsense"},
           {train({"--holdout", "0.7"}), "--holdout"},
           {train({"--far", "0"}), "--far"},
           {{"crossval", "faces", "--seeds", "0"}, "--seeds"},
           {{"eval", "m.safetensors", "faces", "--energy", "cosine"}, "--embeddings"},
           {{"eval", "m.safetensors", "faces", "--embeddings", "e.npy"}, "--embeddings"},
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
  const Finished done = run({"crossval", "faces", "--folds", "2", "--recipe", "tutorial", "--set",
                             "pairs.per_kind=200", "--epochs", "2", "--json"});
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
  const Finished text = run({"crossval", "faces", "--folds", "2", "--recipe", "tutorial", "--set",
                             "pairs.per_kind=200", "--epochs", "2"});
  EXPECT_THAT(text.out, HasSubstr("nearest pixels"));
  EXPECT_THAT(text.out, HasSubstr("PCA"));
}

TEST_F(Program, EvalVerifyEmbedAndInfoAgree) {
  ASSERT_EQ(run(train()).code, 0);
  const auto eval = run({"eval", "model.safetensors", "faces", "--allow-seen", "--json"}).json();
  EXPECT_EQ(eval["pairs"]["genuine"], 8 * 10);
  EXPECT_EQ(eval["seen_in_training"], true);
  EXPECT_EQ(eval["one_shot"]["ways"], 8);

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
  // The recipe calibrates nothing, and no threshold comes from elsewhere.
  for (const char* field : {"threshold", "threshold_from", "same", "far"}) {
    EXPECT_TRUE(verify[field].is_null()) << field;
  }

  const Finished csv = run({"embed", "model.safetensors", "faces/s1/1.pgm"});
  EXPECT_THAT(csv.out, HasSubstr("file,e0,e1,"));
  const size_t comma = csv.out.find(',', csv.out.find('\n'));
  EXPECT_NEAR(std::stof(csv.out.substr(comma + 1)), values[0], 1e-6);

  const auto info = run({"info", "model.safetensors", "--json"}).json();
  EXPECT_EQ(info["embedding_size"], 50);
  EXPECT_EQ(info["data"]["identities"], 8);
  EXPECT_EQ(info["history"].size(), 3u);
  EXPECT_THAT(run({"info", "model.safetensors"}).out, HasSubstr("filters=6 kernel=3"));
}

TEST_F(Program, PairsDrawsSheets) {
  ASSERT_EQ(run(train()).code, 0);
  ASSERT_EQ(run({"pairs", "faces", "--out", "plain.png"}).code, 0);
  const auto scored = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words = {"pairs", "faces", "--model", "model.safetensors",
                                      "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  ASSERT_EQ(scored("scored.png", {"--threshold", "0.5"}).code, 0);
  ASSERT_EQ(scored("hardest.png", {"--hardest", "--count", "6", "--threshold", "0.5"}).code, 0);
  // Without a threshold no pair is called wrong.
  const Finished undecided = scored("undecided.png", {});
  EXPECT_EQ(undecided.code, 3);
  EXPECT_THAT(undecided.err, HasSubstr("no calibrated threshold"));
  EXPECT_NE(bytes("undecided.png"), bytes("scored.png"));
  EXPECT_EQ(scored("x.png", {"--threshold", "1e300"}).code, 2);
  EXPECT_EQ(run({"pairs", "faces", "--threshold", "0.5"}).code, 2);
  EXPECT_NE(bytes("plain.png"), bytes("scored.png"));
  EXPECT_LT(load_image(folder_ / "hardest.png").height, load_image(folder_ / "plain.png").height);
}

TEST_F(Program, WithoutDataItSaysThatFacesAreSynthetic) {
  const Finished drawn = run({"pairs", "--count", "1"});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  const Finished finished = run(
      {"train", "--recipe", "tutorial", "--set", "pairs.per_kind=100", "--epochs", "1", "--json"});
  EXPECT_THAT(finished.err, HasSubstr("the model tells drawings apart, not people"));
  const auto trained = finished.json();
  EXPECT_EQ(trained["data"]["synthetic"], true);
  EXPECT_THAT(trained["data"]["source"].get<std::string>(), HasSubstr("synthetic"));
  EXPECT_EQ(trained["data"]["identities"], 40);
}

// Two test pairs: of some seeds both genuine, or both impostor, of others one of each.
TEST_F(Program, TooFewPairsToTestOnAreSaidToBe) {
  size_t tested = 0, untested = 0;
  for (int seed = 0; seed < 8; ++seed) {
    const Finished done =
        run({"train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=4", "--epochs", "1",
             "--seed", std::to_string(seed), "--json"});
    ASSERT_EQ(done.code, 0) << done.err;
    ++(done.json()["test"].is_null() ? untested : tested);
  }
  EXPECT_GT(tested, 0u);
  EXPECT_GT(untested, 0u);
}

// A small recipe on batches of images, people to train on and strangers.
class Faces : public ProgramTest {
 protected:
  static constexpr const char* kRecipe = R"(
[input]
width = 23
height = 28
standardize = true
[network]
initialisation = "he_normal"
layers = [
  { type = "conv", filters = 8, kernel = 3, padding = "same", bias = false },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "max_pool", size = 2 },
  { type = "flatten" },
  { type = "dense", units = 16, bias = false },
  { type = "l2_normalize" },
]
[batch]
size = 24
[loss]
type = "cosine_margin"
[augment]
shift = 0.05
flip = 0.5
[optimizer]
type = "adamw"
rate = 0.003
[training]
steps = 60
)";

  void SetUp() override {
    ProgramTest::SetUp();
    write_file_atomically(folder_ / "quick.toml", kRecipe);
    people("faces", 20, 4, 3);
    people("others", 8, 5, 4);
  }
  // Folders faces/faces1, faces/faces2, ..: no two data sets share a name.
  void people(const std::string& name, int identities, int images, uint64_t seed) const {
    write_synthetic(folder_ / name, identities, images, seed);
    for (int i = 1; i <= identities; ++i) {
      const std::string number = std::to_string(i);
      fs::rename(folder_ / name / ("s" + number), folder_ / name / (name + number));
    }
  }
  static std::vector<std::string> train(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"train", "faces", "--recipe", "quick.toml"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  nlohmann::json json_of(const std::vector<std::string>& words) const {
    const Finished done = run(words);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.code == 0 ? done.json() : nlohmann::json();
  }
  void fails(const std::vector<std::string>& words, const std::vector<std::string>& named,
             int code = 1) const {
    const Finished failed = run(words);
    EXPECT_EQ(failed.code, code) << failed.err;
    EXPECT_EQ(failed.out, "");
    for (const std::string& name : named) EXPECT_THAT(failed.err, HasSubstr(name));
  }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }
};

TEST_F(Faces, TheDefaultRecipeTrainsInSteps) {
  const Finished trained =
      run({"train", "faces", "--set", "training.steps=20", "--set", "training.members=1"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("Recipe: faces"));
  EXPECT_THAT(trained.out, HasSubstr("Step 20/20"));
  EXPECT_THAT(trained.out, HasSubstr("Training on 15 of the identities, 5 are kept"));
}

TEST_F(Faces, TrainKeepsPeopleAndChoosesTheThresholdOnThem) {
  const auto json = json_of(train({"--far", "0.1", "--json"}));
  const auto& held = json["held_out"];
  ASSERT_EQ(held["identities"].size(), 5u);
  EXPECT_EQ(held["pairs"]["genuine"], 5 * 6);
  EXPECT_EQ(held["pairs"]["impostor"], 20 * 19 / 2 - 30);
  EXPECT_EQ(held["far_resolved"], true);
  EXPECT_EQ(held["threshold"]["far"], 0.1);
  EXPECT_EQ(held["threshold"]["identities"], 5);
  EXPECT_EQ(json["measures_unseen_people"], true);
  EXPECT_FALSE(json.contains("test"));
  const auto info = json_of({"info", "model.safetensors", "--json"});
  EXPECT_EQ(info["threshold"], held["threshold"]);
  EXPECT_EQ(info["data"]["identities"], 15);

  // verify goes by it.
  const std::vector<std::string> verify = {"verify", "model.safetensors", "others/others1/1.pgm",
                                           "others/others2/1.pgm"};
  auto words = verify;
  words.emplace_back("--json");
  auto verified = json_of(words);
  EXPECT_EQ(verified["threshold"], held["threshold"]["value"]);
  EXPECT_EQ(verified["threshold_from"], "model");
  EXPECT_EQ(verified["calibration"]["far"], 0.1);
  EXPECT_EQ(verified["same"], verified["distance"] < verified["threshold"]);
  EXPECT_THAT(run(verify).out, HasSubstr("FAR 10 %"));
  const double just_beyond = 1e-4 + verified["distance"].get<double>();
  words.insert(words.end(), {"--threshold", std::to_string(just_beyond)});
  verified = json_of(words);
  EXPECT_EQ(verified["same"], true);
  EXPECT_EQ(verified["threshold_from"], "option");

  // Those who chose the threshold are no strangers either.
  fails({"eval", "model.safetensors", "faces", "--identities",
         held["identities"][0].get<std::string>() + "," + held["identities"][1].get<std::string>()},
        {held["identities"][0], "--allow-seen"});
}

TEST_F(Faces, AFarThatIsNotResolvedIsSaid) {
  const Finished text = run(train({"--far", "0.0001", "--set", "training.steps=5"}));
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("A FAR of 0.01 % is not resolved"));
  EXPECT_THAT(text.out, HasSubstr("5 people kept from the training"));
  const auto json = json_of(train({"--far", "0.0001", "--set", "training.steps=5", "--json"}));
  EXPECT_EQ(json["held_out"]["far_resolved"], false);
  EXPECT_NEAR(json["held_out"]["threshold"]["far"], 1.0 / 160, 1e-12);
}

TEST_F(Faces, NobodyIsKeptOfFewOrWhereNobodyIsToBe) {
  auto json = json_of(train({"--holdout", "0", "--set", "training.steps=5", "--json"}));
  EXPECT_TRUE(json["held_out"].is_null());
  EXPECT_TRUE(json_of({"info", "model.safetensors", "--json"})["threshold"].is_null());
  const Finished undecided =
      run({"verify", "model.safetensors", "others/others1/1.pgm", "others/others1/2.pgm"});
  EXPECT_THAT(undecided.out, HasSubstr("undecided: distance "));
  EXPECT_EQ(undecided.code, 3);
  const Finished few = run(train({"--identities", "1-14", "--set", "training.steps=5"}));
  EXPECT_EQ(few.code, 0);
  EXPECT_THAT(few.err, HasSubstr("too few"));
}

TEST_F(Faces, EqualFilesOnAnyThreads) {
  ASSERT_EQ(run(train({"--threads", "1", "--out", "one.safetensors"})).code, 0);
  ASSERT_EQ(run(train({"--threads", "3", "--out", "three.safetensors"})).code, 0);
  EXPECT_TRUE(bytes("one.safetensors") == bytes("three.safetensors"));
}

TEST_F(Faces, EvalMeasuresStrangersInFull) {
  ASSERT_EQ(run(train({"--far", "0.1"})).code, 0);
  const auto json = json_of({"eval", "model.safetensors", "others", "--json"});
  EXPECT_EQ(json["seen_in_training"], false);
  EXPECT_EQ(json["pairs"]["genuine"], 8 * 10);
  EXPECT_EQ(json["pairs"]["impostor"], 40 * 39 / 2 - 80);
  EXPECT_EQ(json["one_shot"]["ways"], 8);
  EXPECT_EQ(json["cmc"].size(), 8u);
  EXPECT_EQ(json["tar_at_far"].size(), 4u);
  EXPECT_EQ(json["tar_at_far"][3]["resolved"], false);
  EXPECT_EQ(json["at_threshold"]["calibrated"], true);
  EXPECT_EQ(json["at_threshold"]["threshold"], json["calibration"]["value"]);
  EXPECT_EQ(json["persons"][0]["name"], "others1");
  EXPECT_LE(json["ci"]["eer"][0], json["eer"]);
  EXPECT_GE(json["ci"]["eer"][1], json["eer"]);
  EXPECT_EQ(json["data"]["digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(json["model"]["digest"], sha256_hex(bytes("model.safetensors")));
  EXPECT_TRUE(json["baselines"]["pixels"].contains("eer"));
  const Finished text = run({"eval", "model.safetensors", "others"});
  for (const char* words :
       {"EER", "TAR @ 0.01 % FAR", "not resolved", "d-prime", "best accuracy",
        "calibrated accuracy", "rank 5", "Open set", "FNIR", "Nearest pixels", "95 % interval"}) {
    EXPECT_THAT(text.out, HasSubstr(words));
  }
}

TEST_F(Faces, EvalRefusesWhomTheModelKnowsByNameOrPicture) {
  ASSERT_EQ(run(train({"--set", "training.steps=5"})).code, 0);
  fails({"eval", "model.safetensors", "faces"}, {"faces1", "80 images", "--allow-seen"});
  const Finished allowed = run({"eval", "model.safetensors", "faces", "--allow-seen"});
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_THAT(allowed.out, HasSubstr("Marked: the model was made from 20 of these people"));
  const auto marked = json_of({"eval", "model.safetensors", "faces", "--allow-seen", "--json"});
  EXPECT_EQ(marked["seen_in_training"], true);
  EXPECT_EQ(marked["seen"]["identities"].size(), 20u);
  EXPECT_EQ(marked["seen"]["images"], 80);
  // One old picture under a new name, and a new picture of an old name.
  fs::create_directories(folder_ / "others/newcomer");
  fs::copy(folder_ / "faces/faces7/2.pgm", folder_ / "others/newcomer/1.pgm");
  fs::rename(folder_ / "others/others3", folder_ / "others/faces3");
  fails({"eval", "model.safetensors", "others"}, {"newcomer", "faces3", "1 image"});
  EXPECT_EQ(run({"eval", "model.safetensors", "others", "--identities", "others1,others2"}).code,
            0);
}

TEST_F(Faces, EvalSaysByWhatItKnowsSomebody) {
  ASSERT_EQ(run(train({"--set", "training.steps=5"})).code, 0);
  // Two old pictures as other files under another name: twice as large, and without its border.
  const Image old = load_image(folder_ / "faces/faces7/2.pgm");
  fs::create_directories(folder_ / "others/newcomer");
  write_file_atomically(folder_ / "others/newcomer/1.png",
                        encode_png(resize(old, 2 * old.width, 2 * old.height)));
  Image inner{old.width - 3, old.height - 2, {}};
  for (int y = 0; y < inner.height; ++y) {
    for (int x = 0; x < inner.width; ++x) inner.pixels.push_back(old.at(y + 2, x + 3));
  }
  write_file_atomically(folder_ / "others/newcomer/2.pgm", encode_pgm(inner));
  fails({"eval", "model.safetensors", "others"},
        {"it knows 2 images by their looks (newcomer/1.png and newcomer/2.pgm)"});
  fails({"report", "model.safetensors", "others"}, {"by their looks"});
  fails({"calibrate", "model.safetensors", "others", "--out", "new.safetensors", "--allow-seen"},
        {"by their looks", "leave these people out"});
  const std::vector<std::string> allowed = {"eval", "model.safetensors", "others", "--allow-seen"};
  EXPECT_THAT(run(allowed).out, HasSubstr("Marked: the model was made from 1 of these people, as "
                                          "it knows 2 images by their looks"));
  const auto marked = json_of({"eval", "model.safetensors", "others", "--allow-seen", "--json"});
  EXPECT_EQ(marked["seen_in_training"], true);
  EXPECT_EQ(marked["seen"]["identities"], nlohmann::json::array({"newcomer"}));
  EXPECT_EQ(marked["seen"]["look_alikes"].size(), 2u);
  EXPECT_EQ(json_of({"info", "model.safetensors", "--json"})["seen_hashes"], 80);

  // A stranger of that name, whom no photo gives away: a threshold chosen on such is marked.
  fs::remove_all(folder_ / "others/newcomer");
  fs::rename(folder_ / "others/others3", folder_ / "others/faces3");
  fails({"eval", "model.safetensors", "others"}, {"it knows faces3 by name. --allow-seen"});
  const std::vector<std::string> calibrate = {"calibrate", "model.safetensors", "others", "--out",
                                              "new.safetensors"};
  fails(calibrate, {"it knows faces3 by name. If these are other people"});
  const auto with = [&](const char* word) {
    std::vector<std::string> words = calibrate;
    words.insert(words.end(), {"--allow-seen", word});
    return words;
  };
  const auto chosen = json_of(with("--json"));
  EXPECT_EQ(chosen["seen"]["named"], nlohmann::json::array({"faces3"}));
  EXPECT_EQ(chosen["threshold"]["namesakes"], true);
  EXPECT_THAT(run(with("--far=0.05")).out, HasSubstr("Marked: "));
  EXPECT_THAT(run({"info", "new.safetensors"}).out, HasSubstr("some of whom have names"));
}

TEST_F(Faces, PairListsAreScoredAndFrozen) {
  ASSERT_EQ(run(train({"--far", "0.1"})).code, 0);
  write_file_atomically(folder_ / "view1.txt",
                        "2\nothers1\t1\t2\nothers2\t3\t4\n"
                        "others1\t1\tothers2\t2\nothers3\t5\tothers4\t1\n");
  const std::vector<std::string> eval = {"eval", "model.safetensors", "others", "--pairs"};
  const auto with = [&](std::vector<std::string> more) {
    auto words = eval;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const auto json =
      json_of(with({"view1.txt", "--json", "--write-pairs", "again.txt", "--distances", "d.csv"}));
  EXPECT_EQ(json["pairs"], 4);
  for (const char* field : {"accuracy", "calibrated_accuracy", "auc", "eer"}) {
    EXPECT_TRUE(json[field].is_number()) << field;
  }
  EXPECT_EQ(json["data"]["identities"], 4) << "those of the list";
  EXPECT_FALSE(json.contains("folds"));
  EXPECT_EQ(bytes("again.txt"), bytes("view1.txt"));
  EXPECT_THAT(bytes("d.csv"), testing::StartsWith("a,b,genuine,distance\nothers1/1.pgm,"));
  EXPECT_THAT(run(with({"view1.txt"})).out, HasSubstr("calibrated accuracy"));
  // The model's distance of the first pair.
  const auto verified = json_of(
      {"verify", "model.safetensors", "others/others1/1.pgm", "others/others1/2.pgm", "--json"});
  EXPECT_THAT(bytes("d.csv"), HasSubstr("others1/1.pgm,others1/2.pgm,1,"));
  const std::string csv = bytes("d.csv");
  EXPECT_NEAR(std::stod(csv.substr(csv.find(",1,") + 3)), verified["distance"], 1e-6);

  write_file_atomically(folder_ / "view2.txt",
                        "2\t1\nothers1\t1\t2\nothers1\t1\tothers2\t2\n"
                        "others3\t1\t2\nothers3\t1\tothers4\t2\n");
  const auto folds = json_of(with({"view2.txt", "--json"}));
  ASSERT_EQ(folds["folds"].size(), 2u);
  EXPECT_NEAR(folds["accuracy"],
              (folds["folds"][0].get<double>() + folds["folds"][1].get<double>()) / 2, 1e-12);
  EXPECT_TRUE(folds["standard_error"].is_number());

  for (const auto& [list, named] : std::vector<std::pair<std::string, std::string>>{
           {"1\nothers1\t1\t2\nothers1\t1\tnobody\t2\n", "nobody"},
           {"1\nothers1\t1\t9\nothers1\t1\tothers2\t2\n", "line 2"},
           {"1\nothers1\t1\n", "announces 2"},
           {"hello\n", "line 1"}}) {
    write_file_atomically(folder_ / "wrong.txt", list);
    fails(with({"wrong.txt"}), {"wrong.txt", named});
  }
  fails(with({"missing.txt"}), {"missing.txt"});
  // A list of people whom the model knows.
  write_file_atomically(folder_ / "known.txt", "1\nfaces1\t1\t2\nfaces1\t1\tfaces2\t2\n");
  fails({"eval", "model.safetensors", "faces", "--pairs", "known.txt"}, {"faces1 and faces2"});
}

TEST_F(Faces, FrozenPairsScoreEveryImage) {
  ASSERT_EQ(run(train({"--set", "training.steps=5"})).code, 0);
  const auto all = json_of({"eval", "model.safetensors", "others", "--json", "--write-pairs",
                            "all.txt", "--distances", "all.csv"});
  const auto again =
      json_of({"eval", "model.safetensors", "others", "--json", "--pairs", "all.txt"});
  EXPECT_EQ(again["pairs"], 40 * 39 / 2);
  EXPECT_EQ(again["eer"], all["eer"]);
  EXPECT_EQ(again["auc"], all["auc"]);
  const std::string csv = bytes("all.csv");
  EXPECT_EQ(std::ranges::count(csv, '\n'), 1 + 40 * 39 / 2);
}

TEST_F(Faces, SomebodyElsesEmbeddingsAreScoredAlike) {
  ASSERT_EQ(run(train({"--holdout", "0"})).code, 0);
  ASSERT_EQ(run({"embed", "model.safetensors", "others", "--out", "e.npy"}).code, 0);
  const auto own = json_of({"eval", "model.safetensors", "others", "--json"});
  const auto same = json_of({"eval", "others", "--embeddings", "e.npy", "--json"});
  for (const char* field : {"eer", "auc", "cmc", "tar_at_far", "open_set"}) {
    EXPECT_EQ(same[field], own[field]) << field;
  }
  EXPECT_TRUE(same.contains("embeddings"));
  EXPECT_FALSE(same.contains("model"));
  EXPECT_EQ(json_of({"eval", "others", "--embeddings", "e.npy", "--energy", "cosine", "--json"})
                .at("pairs"),
            own["pairs"]);
  fails({"eval", "faces", "--embeddings", "e.npy"}, {"e.npy", "80 images", "not 40"});
  fails({"eval", "others", "--embeddings", "quick.toml"}, {"quick.toml"});
  fails({"eval", "others", "--embeddings", "e.npy", "--energy", "far"}, {"far"}, 2);
}

TEST_F(Faces, OneShotRunsOfAFolderOrArchive) {
  ASSERT_EQ(run(train({"--set", "training.steps=5"})).code, 0);
  std::vector<ZipFile> zip;
  for (const std::string run_name : {"run01", "run02"}) {
    std::string list;
    for (int person = 1; person <= 4; ++person) {
      const std::string number = std::to_string(person);
      const fs::path from = folder_ / "others" / ("others" + number);
      const std::string test = run_name + "/test/item" + number + ".pgm";
      const std::string reference = run_name + "/training/class" + number + ".pgm";
      list += test + " " + reference + "\n";
      // In the second run tests and references are the same pictures.
      zip.push_back({test, read_file(from / (run_name == "run01" ? "2.pgm" : "1.pgm"), 1 << 20)});
      zip.push_back({reference, read_file(from / "1.pgm", 1 << 20)});
    }
    zip.push_back({run_name + "/class_labels.txt", list});
  }
  write_file_atomically(folder_ / "runs.zip", zip_bytes(zip));
  for (const ZipFile& file : zip) {
    fs::create_directories((folder_ / "runs" / file.name).parent_path());
    write_file_atomically(folder_ / "runs" / file.name, file.bytes);
  }
  const auto json = json_of({"oneshot", "model.safetensors", "runs.zip", "--json"});
  ASSERT_EQ(json["runs"].size(), 2u);
  EXPECT_EQ(json["runs"][1], 1.0);
  EXPECT_EQ(json["trials"], 8);
  EXPECT_NEAR(json["mean"], (json["runs"][0].get<double>() + 1) / 2, 1e-12);
  EXPECT_EQ(json_of({"oneshot", "model.safetensors", "runs", "--json"})["runs"], json["runs"]);
  EXPECT_THAT(run({"oneshot", "model.safetensors", "runs"}).out, HasSubstr("run02"));
  fails({"oneshot", "model.safetensors", "others"}, {"others", "class_labels.txt"});
  fails({"oneshot", "model.safetensors", "nothing"}, {"nothing"});
  fs::copy(folder_ / "faces/faces1/1.pgm", folder_ / "runs/run01/test/item1.pgm",
           fs::copy_options::overwrite_existing);
  // Whom the threshold was chosen on, too, the model has seen.
  fails({"oneshot", "model.safetensors", "runs"}, {"1 image", "--allow-seen"});
  EXPECT_EQ(
      json_of({"oneshot", "model.safetensors", "runs", "--allow-seen", "--json"}).at("seen_images"),
      1);
}

TEST_F(Faces, CrossvalOverSeedsAndChosenPeople) {
  const auto json =
      json_of({"crossval", "faces", "--recipe", "quick.toml", "--identities", "1-8", "--folds", "2",
               "--seeds", "2", "--seed", "5", "--set", "training.steps=10", "--json"});
  ASSERT_EQ(json["folds"].size(), 4u);
  double sum = 0;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(json["folds"][i]["fold"], i % 2);
    EXPECT_EQ(json["folds"][i]["seed"], 5 + i / 2);
    EXPECT_EQ(json["folds"][i]["test_identities"].size(), 4u);
    sum += json["folds"][i]["eer"].get<double>();
  }
  EXPECT_NEAR(json["mean"]["eer"], sum / 4, 1e-12);
  EXPECT_EQ(json["seeds"], 2);
  EXPECT_THAT(json["data"]["source"].get<std::string>(), HasSubstr("identities 1-8"));
  write_file_atomically(folder_ / "some.txt", "4\nfaces1\t4\nfaces2\t4\nfaces11\t4\nfaces5\t4\n");
  const Finished text = run({"crossval", "faces", "--recipe", "quick.toml", "--people", "some.txt",
                             "--folds", "2", "--seeds", "2", "--set", "training.steps=5"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("faces1 .. faces2, seed 1"));
  EXPECT_THAT(text.out, HasSubstr("spread over folds, seeds"));
  fails({"crossval", "faces", "--identities", "1-8,nobody"}, {"nobody"}, 2);
}

}  // namespace
}  // namespace doppel::internal

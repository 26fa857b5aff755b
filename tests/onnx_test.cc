// Models out as ONNX networks and in again, and thresholds chosen for both.
#include <gmock/gmock.h>

#include <fstream>

#include "doppel/base/file.h"
#include "program.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class OnnxProgram : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    ASSERT_EQ(run({"synth", "faces", "--identities", "8", "--images", "4", "--seed", "3"}).code, 0);
    ASSERT_EQ(run({"synth", "others", "--identities", "9", "--images", "4", "--seed", "4"}).code,
              0);
    // Synthetic people are called s1, s2, ..: others must not have the names of those trained on.
    for (int i = 1; i <= 9; ++i) {
      const std::string name = std::string("s").append(std::to_string(i));
      std::filesystem::rename(folder_ / "others" / name, folder_ / "others" / ("other_" + name));
    }
  }
  void train(const std::string& recipe, const std::vector<std::string>& changes,
             const std::string& out) {
    std::vector<std::string> words = {"train", "faces", "--recipe", recipe, "--out", out};
    for (const std::string& change : changes) {
      words.emplace_back("--set");
      words.push_back(change);
    }
    const Finished trained = run(words);
    ASSERT_EQ(trained.code, 0) << trained.err;
  }
  std::string text(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
};

TEST_F(OnnxProgram, ExportWritesTheNetworkAndItsDescription) {
  train("tutorial", {"pairs.per_kind=200", "training.epochs=1"}, "m.safetensors");
  const Finished done = run({"export", "m.safetensors", "m.onnx"});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("input N x 1 x 56 x 46, embedding N x 50"));
  const json description = json::parse(text("m.onnx.json"));
  EXPECT_EQ(description["format"], "doppel embedder 1");
  EXPECT_EQ(description["step"], 2);
  EXPECT_EQ(description["seen"]["identities"].size(), 8u);
  EXPECT_EQ(run({"export", "m.safetensors", "m.bin"}).code, 2);
  EXPECT_EQ(run({"export", "m.safetensors", "m.onnx", "--licence", "none"}).code, 1);
  write("licence.txt", "for everybody");
  ASSERT_EQ(run({"export", "m.safetensors", "m.onnx", "--licence", "licence.txt"}).code, 0);
  EXPECT_THAT(text("m.onnx"), HasSubstr("for everybody"));
}

TEST_F(OnnxProgram, CalibrateChoosesAThresholdOnStrangers) {
  train("tutorial", {"pairs.per_kind=200", "training.epochs=1"}, "m.safetensors");
  const Finished known = run({"calibrate", "m.safetensors", "faces", "--out", "new.safetensors"});
  EXPECT_EQ(known.code, 1);
  EXPECT_THAT(known.err, HasSubstr("the model was not made from were expected"));
  EXPECT_THAT(known.err, HasSubstr("leave these people out"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new.safetensors"));
  EXPECT_EQ(run({"calibrate", "m.safetensors", "others"}).code, 2);  // where to?

  const Finished done = run({"calibrate", "m.safetensors", "others", "--far", "0.05", "--out",
                             "new.safetensors", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const json info = run({"info", "new.safetensors", "--json"}).json();
  EXPECT_EQ(info["threshold"], done.json()["threshold"]);
  EXPECT_EQ(info["threshold"]["far"], 0.05);
  EXPECT_EQ(info["threshold"]["identities"], 9);
  EXPECT_TRUE(run({"info", "m.safetensors", "--json"}).json()["threshold"].is_null());
  // Who chose it is no stranger any more; who was none is none yet.
  for (const char* people : {"others", "faces"}) {
    const Finished again =
        run({"calibrate", "new.safetensors", people, "--out", "newer.safetensors"});
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("it knows"));
  }
}

#ifdef DOPPEL_WITH_OPENCV

// Every value of two CSV files of embeddings.
void expect_near(const std::string& a, const std::string& b, double tolerance) {
  std::istringstream left(a), right(b);
  std::string x, y;
  std::getline(left, x);
  std::getline(right, y);
  ASSERT_EQ(x, y);  // as many values
  size_t values = 0;
  while (std::getline(left, x, ',') && std::getline(right, y, ',')) {
    char *end_x = nullptr, *end_y = nullptr;
    const double v = std::strtod(x.c_str(), &end_x), w = std::strtod(y.c_str(), &end_y);
    ASSERT_EQ(end_x == x.c_str(), end_y == y.c_str());
    if (end_x != x.c_str()) ++values;
    ASSERT_NEAR(v, w, tolerance);
  }
  EXPECT_GT(values, 100u);
}

TEST_F(OnnxProgram, AnExportedModelIsWorthWhatTheModelIs) {
  train("faces", {"training.steps=12", "training.members=2"}, "faces.safetensors");
  train("tutorial", {"pairs.per_kind=200", "training.epochs=1"}, "tutorial.safetensors");
  for (const std::string name : {"faces", "tutorial"}) {
    const std::string model = name + ".safetensors", onnx = name + ".onnx";
    ASSERT_EQ(run({"export", model, onnx}).code, 0);
    expect_near(run({"embed", model, "others"}).out, run({"embed", onnx, "others"}).out, 1e-4);
    const json ours = run({"eval", model, "others", "--json"}).json();
    const Finished eval = run({"eval", onnx, "others", "--json"});
    ASSERT_EQ(eval.code, 0) << eval.err;
    const json theirs = eval.json();
    EXPECT_NEAR(ours["auc"].get<double>(), theirs["auc"].get<double>(), 1e-3);
    EXPECT_EQ(ours["one_shot"]["accuracy"], theirs["one_shot"]["accuracy"]);
    EXPECT_EQ(ours["seen"], theirs["seen"]);
    // It still knows whom it was made from.
    EXPECT_EQ(run({"eval", onnx, "faces"}).code, 1);
  }
}

TEST_F(OnnxProgram, AnOnnxNetworkGetsAThresholdAndDecidesByIt) {
  train("tutorial", {"pairs.per_kind=200", "training.epochs=1"}, "m.safetensors");
  ASSERT_EQ(run({"export", "m.safetensors", "m.onnx"}).code, 0);
  EXPECT_EQ(run({"calibrate", "m.onnx", "others", "--out", "x.onnx"}).code, 2);
  // Until then it decides nothing.
  const Finished undecided =
      run({"verify", "m.onnx", "faces/s1/1.pgm", "faces/s1/1.pgm", "--exit-code"});
  EXPECT_EQ(undecided.code, 3);
  EXPECT_EQ(undecided.out, "undecided: distance 0.0000\n");
  EXPECT_THAT(undecided.err, HasSubstr("m.onnx: the model has no calibrated threshold"));
  EXPECT_EQ(run({"pairs", "faces", "--model", "m.onnx"}).code, 3);
  EXPECT_EQ(run({"cluster", "m.onnx", "faces", "--out", "x"}).code, 3);
  const Finished done = run({"calibrate", "m.onnx", "others", "--far", "0.05", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  json stored = json::parse(text("m.onnx.json"))["threshold"];
  EXPECT_EQ(stored["photos"]["people"], done.json()["identities"]);
  stored.erase("photos");
  EXPECT_EQ(stored, done.json()["threshold"]);
  const Finished verified = run({"verify", "m.onnx", "faces/s1/1.pgm", "faces/s1/2.pgm", "--json"});
  ASSERT_EQ(verified.code, 0) << verified.err;
  EXPECT_EQ(verified.json()["threshold_from"], "model");
  EXPECT_EQ(verified.json()["threshold"], done.json()["threshold"]["value"]);
  EXPECT_THAT(run({"calibrate", "m.onnx", "others"}).err, HasSubstr("it knows"));
  EXPECT_THAT(run({"info", "m.onnx"}).out, HasSubstr("an ONNX network"));
  EXPECT_EQ(run({"info", "m.onnx", "--json"}).json()["embedding_size"], 50);
  EXPECT_EQ(run({"explain", "m.onnx", "faces/s1/1.pgm", "faces/s2/1.pgm"}).code, 0);
  EXPECT_EQ(run({"report", "m.onnx", "faces", "--allow-seen"}).code, 0);
  EXPECT_EQ(run({"pairs", "faces", "--model", "m.onnx"}).code, 0);
  // Nor does it by a calibration that was on nobody, or that takes everybody for one.
  const json good = json::parse(text("m.onnx.json"));
  for (const auto& [field, value] : {std::pair<const char*, json>("identities", 0),
                                     {"impostor", 0},
                                     {"value", 1e300},
                                     {"value", -1}}) {
    json lax = good;
    lax["threshold"][field] = value;
    write("m.onnx.json", lax.dump());
    const Finished verdict =
        run({"verify", "m.onnx", "faces/s1/1.pgm", "faces/s2/1.pgm", "--exit-code"});
    EXPECT_EQ(verdict.code, 3) << field;
    EXPECT_THAT(verdict.err, HasSubstr("m.onnx.json: its threshold ")) << field;
  }
  write("m.onnx.json", good.dump());
  const Finished again = run({"export", "m.onnx", "n.onnx"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err,
              HasSubstr("a model that Doppel trained was expected, not an ONNX network"));
}

TEST_F(OnnxProgram, WhatIsNoEmbedderIsRefusedInWords) {
  train("tutorial", {"pairs.per_kind=200", "training.epochs=1"}, "m.safetensors");
  ASSERT_EQ(run({"export", "m.safetensors", "m.onnx"}).code, 0);
  const auto refusal = [&] {
    const Finished refused = run({"info", "m.onnx"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(refused.out, "");
    return refused.err;
  };
  json description = json::parse(text("m.onnx.json"));
  description["width"] = 90;
  write("m.onnx.json", description.dump());
  EXPECT_THAT(refusal(), HasSubstr("its input is any x 1 x 56 x 46, its description says batch x 1 "
                                   "x 56 x 45"));
  description["channels"] = "rgb";
  write("m.onnx.json", description.dump());
  EXPECT_THAT(refusal(), HasSubstr("\"mean\" must be a list of 3"));
  std::filesystem::remove(folder_ / "m.onnx.json");
  EXPECT_THAT(refusal(), HasSubstr("needs a description beside it, m.onnx.json"));
  write("m.onnx", "no network");
  ASSERT_EQ(run({"export", "m.safetensors", "n.onnx"}).code, 0);
  std::filesystem::rename(folder_ / "n.onnx.json", folder_ / "m.onnx.json");
  EXPECT_THAT(refusal(), HasSubstr("m.onnx: no ONNX file"));
}

#endif  // DOPPEL_WITH_OPENCV

}  // namespace
}  // namespace doppel::internal

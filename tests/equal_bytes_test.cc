// A model file is a function of the people, the recipe and the seed: no compiler, no C library and
// no processor has a part in it.
#include <gtest/gtest.h>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/nn/simd.h"
#include "program.h"

namespace doppel::internal {
namespace {

// Pictures of all that the augmentation can do to them, an arc margin, averaged weights.
constexpr const char* kEverything = R"(
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
type = "arc_margin"
[augment]
rotation = 0.1
scale = 0.1
aspect = 0.1
shear = 0.1
shift = 0.05
flip = 0.5
elastic = 0.02
blur = 0.5
blur_least = 0.5
blur_most = 1
tone = 0.2
light_x = 0.2
gain = 0.2
noise = 0.05
cutout = 0.3
cutout_least = 0.1
cutout_most = 0.3
[optimizer]
type = "adamw"
rate = 0.003
[schedule]
type = "one_cycle"
[training]
steps = 40
average = 0.9
)";

class EqualBytes : public ProgramTest {
 protected:
  void SetUp() override {
    const std::string simd = simd_name();
    if (simd != "AVX2" && simd != "AVX-512") {
      GTEST_SKIP() << "the digests are those of x86 processors that fuse multiply-add; this is "
                   << simd;
    }
    ProgramTest::SetUp();
    write_synthetic(folder_ / "faces", 20, 4, 3);
  }

  std::string digest_of_model(std::vector<std::string> how) const {
    how.insert(how.begin(), {"train", "faces", "--seed", "5", "--out", "model.safetensors"});
    const Finished trained = run(how);
    EXPECT_EQ(trained.code, 0) << trained.err;
    return sha256_hex(read_file(folder_ / "model.safetensors", 1 << 28));
  }
};

TEST_F(EqualBytes, OfTheTutorial) {
  EXPECT_EQ(
      digest_of_model({"--recipe", "tutorial", "--epochs", "2", "--set", "pairs.per_kind=300"}),
      "b59a752c6adf8a4c6d7d6574046806abe743a1c888289dea4d4840416044f18e");
}

TEST_F(EqualBytes, OfTheRecipeFaces) {
  EXPECT_EQ(digest_of_model({"--set", "training.steps=8", "--set", "training.members=2"}),
            "485553b3445ba90b21764097d4ef36648424822454ed3930caa793d7b259cb0e");
}

TEST_F(EqualBytes, OfEveryAugmentation) {
  write_file_atomically(folder_ / "everything.toml", kEverything);
  EXPECT_EQ(digest_of_model({"--recipe", "everything.toml"}),
            "5b9c2b94416a13d075f6bcc5a2d9aaa7d5fec7a25360022e0921511f8ed3840d");
}

// All that a loss may compute with.
TEST_F(EqualBytes, OfTheOtherLosses) {
  write_file_atomically(folder_ / "everything.toml", kEverything);
  EXPECT_EQ(
      digest_of_model({"--recipe", "everything.toml", "--set", "loss.type=\"multi_similarity\""}),
      "a9d8988ce4de689d152655ecaab5687a1d6b8ef729f83afcf576304e69e5163c");
  EXPECT_EQ(digest_of_model(
                {"--recipe", "everything.toml", "--set", "loss.type=\"supervised_contrastive\""}),
            "a9ce1d45ff5e2513645a0d0489ff87a7fad35cc30d1383ed78a7f6829b289bc7");
}

}  // namespace
}  // namespace doppel::internal

// A model file is a function of the people, the recipe and the seed: no compiler, no C library and
// no processor has a part in it.
#include <gtest/gtest.h>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/nn/simd.h"
#include "program.h"

namespace doppel {
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
      "28875884ac1d8a285a8c0b2a7ffbfc3a358450fc4b14ca3d7d26fb56cdc33d86");
}

TEST_F(EqualBytes, OfTheRecipeFaces) {
  EXPECT_EQ(digest_of_model({"--set", "training.steps=8", "--set", "training.members=2"}),
            "fb9e26477b65e1b195357f869fe8cc3118dfff49ce57105d1754df8170a62208");
}

TEST_F(EqualBytes, OfEveryAugmentation) {
  write_file_atomically(folder_ / "everything.toml", kEverything);
  EXPECT_EQ(digest_of_model({"--recipe", "everything.toml"}),
            "6c6e111797b2d8ecdac5e96950df5a207be3feb5ff98ef8c44782fb30238a1ce");
}

// All that a loss may compute with.
TEST_F(EqualBytes, OfTheOtherLosses) {
  write_file_atomically(folder_ / "everything.toml", kEverything);
  EXPECT_EQ(
      digest_of_model({"--recipe", "everything.toml", "--set", "loss.type=\"multi_similarity\""}),
      "8aab401e5faef817fd8f7837ba21c0edc3a5960a97e64240a76641bd74ac5e89");
  EXPECT_EQ(digest_of_model(
                {"--recipe", "everything.toml", "--set", "loss.type=\"supervised_contrastive\""}),
            "c7160ea8fd4294201d8e978922eea4eb563cd4f367479f85631f29fdea12733e");
}

}  // namespace
}  // namespace doppel

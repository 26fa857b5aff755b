// What an earlier version wrote is read by this one, and means the same: models embed to the same
// bytes, galleries know the same people by the same templates, checkpoints are gone on with.
//
// earlier/0.1/ was written by version 0.1.0, with the recipes that lie there, seed 5 and faces of
// 20 synthetic people, four each, seed 3; a checkpoint is of the same training, interrupted.
// batches.onnx is batches.safetensors, exported. templates.gallery knows twelve people of seed 9,
// one by two photos; photos.gallery and onnx.gallery know two of them, the former keeps their
// photos. *.npy are embeddings of the first pictures of four of them, *.jsonl what `gallery export`
// wrote.
#include <gmock/gmock.h>

#include "doppel/base/file.h"
#include "doppel/data/synthetic.h"
#include "doppel/eval/npy.h"
#include "doppel/model/model.h"
#include "doppel/nn/simd.h"
#include "program.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr size_t kMostBytes = 1 << 28;

class EarlierFiles : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    fs::copy("tests/earlier/0.1", folder_, fs::copy_options::recursive);
    write_synthetic(folder_ / "new", 12, 2, 9);
  }
  std::string bytes_of(const std::string& file) const {
    return read_file(folder_ / file, kMostBytes);
  }
  // Of the first pictures of the first four people.
  std::string embedded_by(const std::string& model) const {
    std::vector<std::string> command{"embed", model};
    for (int i = 1; i <= 4; ++i) {
      command.push_back(std::string("new/s").append(std::to_string(i)) + "/1.pgm");
    }
    command.insert(command.end(), {"--out", "now.npy"});
    const Finished embedded = run(command);
    EXPECT_EQ(embedded.code, 0) << embedded.err;
    return bytes_of("now.npy");
  }
  void expect_kept(const std::string& gallery, const std::string& model) const {
    const Finished exported = run({"gallery", "export", gallery + ".gallery", "now.jsonl"});
    ASSERT_EQ(exported.code, 0) << exported.err;
    EXPECT_EQ(bytes_of("now.jsonl"), bytes_of(gallery + ".jsonl"));
    EXPECT_EQ(run({"gallery", "check", gallery + ".gallery"}).code, 0);
    const Finished identified =
        run({"identify", gallery + ".gallery", "new/s3/1.pgm", "--model", model, "--csv"});
    EXPECT_EQ(identified.code, 0) << identified.err;
    EXPECT_THAT(identified.out, HasSubstr("Person 3"));
    const Finished enrolled = run(
        {"enroll", gallery + ".gallery", "--model", model, "--name", "Another", "new/s12/2.pgm"});
    EXPECT_EQ(enrolled.code, 0) << enrolled.err;
  }
};

bool fuses_multiply_add() {
  const std::string simd = simd_name();
  return simd == "AVX2" || simd == "AVX-512";
}

TEST_F(EarlierFiles, ModelsEmbedToTheSameBytes) {
  if (!fuses_multiply_add()) GTEST_SKIP() << "the embeddings are those of x86 processors with FMA";
  EXPECT_EQ(embedded_by("batches.safetensors"), bytes_of("batches.npy"));
  EXPECT_EQ(embedded_by("pairs.safetensors"), bytes_of("pairs.npy"));
}

TEST_F(EarlierFiles, ModelsAreWrittenAsTheyWere) {
  for (const char* file : {"batches.safetensors", "pairs.safetensors"}) {
    EXPECT_EQ(encode_model(load_model(folder_ / file)), bytes_of(file)) << file;
  }
}

TEST_F(EarlierFiles, GalleriesKeepTheirPeople) {
  expect_kept("templates", "batches.safetensors");
  expect_kept("photos", "batches.safetensors");
}

TEST_F(EarlierFiles, KeptPhotosCanBeEmbeddedAnew) {
  const Finished migrated =
      run({"gallery", "migrate", "photos.gallery", "--model", "pairs.safetensors"});
  ASSERT_EQ(migrated.code, 0) << migrated.err;
  ASSERT_EQ(run({"gallery", "set", "photos.gallery", "--threshold", "0.15"}).code, 0);
  const Finished identified = run({"identify", "photos.gallery", "new/s4/1.pgm"});
  EXPECT_THAT(identified.out, HasSubstr("Person 4,")) << identified.err;
}

TEST_F(EarlierFiles, CheckpointsAreGoneOnWith) {
  write_synthetic(folder_ / "faces", 20, 4, 3);
  for (const std::string kind : {"batches", "pairs"}) {
    const std::string file = kind + ".safetensors";
    const Model then = load_model(folder_ / file);
    fs::remove(folder_ / file);
    const Finished trained = run(
        {"train", "faces", "--seed", "5", "--recipe", kind + ".toml", "--out", file, "--resume"});
    ASSERT_EQ(trained.code, 0) << trained.err;
    if (!fuses_multiply_add()) continue;
    Model now = load_model(folder_ / file);
    now.version = then.version;
    EXPECT_EQ(encode_model(now), encode_model(then)) << file;
  }
}

#ifdef DOPPEL_WITH_OPENCV
// OpenCV promises no bits.
TEST_F(EarlierFiles, NetworksOfONNXEmbedAsTheyDid) {
  embedded_by("batches.onnx");
  const Matrix now = load_npy(folder_ / "now.npy"), then = load_npy(folder_ / "onnx.npy");
  ASSERT_EQ(now.rows, then.rows);
  ASSERT_EQ(now.columns, then.columns);
  for (size_t i = 0; i < now.values.size(); ++i) EXPECT_NEAR(now.values[i], then.values[i], 1e-5);
  expect_kept("onnx", "batches.onnx");
}
#endif

}  // namespace
}  // namespace doppel::internal

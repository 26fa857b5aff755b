#include "doppel/model/photo_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kValues = 40;

struct Photos {
  std::vector<int64_t> people;
  Matrix embeddings{0, kValues};
  std::vector<Looks> looks;

  PhotoSummary summary() const { return summarise(people, embeddings, looks); }
};

// One photo each of `people` people, drawn from normal distributions.
struct Camera {
  double embedding = 0, deviation = 1;  // of each value
  double brightness = 0.5, sharpness = 0.2;
};
Photos photos_of(size_t people, const Camera& camera, uint32_t seed) {
  Random random(seed, Purpose::sample);
  Photos photos;
  for (size_t i = 0; i < people; ++i) {
    photos.people.push_back(static_cast<int64_t>(i));
    std::vector<float> row(kValues);
    for (float& value : row) {
      value = static_cast<float>(camera.embedding + camera.deviation * random.normal());
    }
    photos.embeddings.append(row);
    photos.looks.push_back({camera.brightness + 0.05 * random.normal(),
                            0.2 * std::exp(0.2 * random.normal()),
                            camera.sharpness * std::exp(0.2 * random.normal())});
  }
  return photos;
}

TEST(PhotoSummary, CountsEveryPersonOnce) {
  // Two people: one with photos at 0 and 2, one with a photo at 4.
  const Matrix embeddings = [] {
    Matrix rows(3, 1);
    rows.values = {0, 2, 4};
    return rows;
  }();
  const std::vector<Looks> looks = {{0.2, 0.1, 0.1}, {0.4, 0.1, 0.1}, {0.5, 0.1, 0.1}};
  const PhotoSummary summary = summarise(std::vector<int64_t>{7, 7, 9}, embeddings, looks);
  EXPECT_EQ(summary.people, 2U);
  EXPECT_FLOAT_EQ(summary.embedding[0], 2.5F);  // of 1 and 4
  // Squared distances 6.25 and 0.25, mean 3.25; 2.25. Their mean 2.75, by 2 / (2 - 1).
  EXPECT_NEAR(summary.spread, 5.5, 1e-9);
  EXPECT_NEAR(summary.looks[0].mean, 0.4, 1e-9);  // of 0.3 and 0.5
  EXPECT_NEAR(summary.looks[1].mean, std::log(0.1), 0.001);
  EXPECT_NEAR(summary.looks[1].deviation, 0, 1e-6);
}

TEST(PhotoSummary, PhotosOfOneCollectionAreAlike) {
  for (const size_t met : {size_t{1}, size_t{8}, size_t{20}, size_t{100}}) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const PhotoDifference difference = compare(photos_of(20, {}, 100 + seed).summary(),
                                                 photos_of(met, {}, 200 + seed).summary());
      EXPECT_FALSE(difference.unlike()) << met << " people: " << difference.total;
    }
  }
}

TEST(PhotoSummary, SaysWhatIsUnlike) {
  const PhotoSummary usual = photos_of(50, {}, 1).summary();
  const auto said = [&](size_t people, const Camera& camera) {
    const PhotoDifference difference = compare(usual, photos_of(people, camera, 2).summary());
    EXPECT_TRUE(difference.unlike()) << difference.total;
    return to_string(difference);
  };
  EXPECT_THAT(
      said(20, {.deviation = 0.8}),
      testing::StartsWith("the people on them look more alike to the model (they differ 0.6"));
  EXPECT_EQ(said(20, {.embedding = 0.6}), "faces are framed, turned or lit in another way");
  EXPECT_EQ(said(20, {.sharpness = 0.08}), "the pictures are less sharp");
  EXPECT_EQ(said(20, {.brightness = 0.2, .sharpness = 0.4}), "the pictures are darker and sharper");
  PhotoDifference slight;
  slight.shift = slight.tightness = 0.04;
  EXPECT_EQ(to_string(slight), "they differ a little in many ways");
  // A single photo may be anybody's, but not of any look.
  EXPECT_THAT(said(1, {.brightness = 0.1}), testing::StartsWith("the pictures are darker"));
  EXPECT_FALSE(compare(usual, photos_of(1, {.embedding = 3}, 2).summary()).unlike());
}

TEST(PhotoSummary, LooksAloneOrEmbeddingsAloneAreEnough) {
  const PhotoSummary usual = photos_of(50, {}, 1).summary();
  const Photos others = photos_of(30, {.embedding = 0.6, .sharpness = 0.08}, 2);
  const PhotoDifference looks = compare(usual, summarise(others.people, {}, others.looks));
  EXPECT_TRUE(looks.unlike());
  EXPECT_EQ(looks.shift, 0);
  const PhotoDifference embeddings =
      compare(usual, summarise(others.people, others.embeddings, {}));
  EXPECT_TRUE(embeddings.unlike());
  EXPECT_EQ(embeddings.looks[2], 0);
}

TEST(PhotoSummary, ComesBackFromJson) {
  const PhotoSummary summary = photos_of(5, {}, 1).summary();
  EXPECT_EQ(photo_summary_from_json(to_json(summary), "model"), summary);
  // Four digits of each value.
  EXPECT_LT(to_json(summary).dump().size(), 14 * kValues + 200);
}

TEST(PhotoSummary, RefusesOtherJson) {
  const auto refused = [](const char* member, const nlohmann::json& value) {
    nlohmann::json json = to_json(photos_of(5, {}, 1).summary());
    json[member] = value;
    try {
      photo_summary_from_json(json, "m.safetensors");
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: photos: "));
      return error.kind() == ErrorKind::bad_data;
    }
    return false;
  };
  EXPECT_TRUE(refused("people", 0));
  EXPECT_TRUE(refused("people", -1));
  EXPECT_TRUE(refused("sharpness", 1));
  EXPECT_TRUE(refused("sharpness", {0.1, -1}));
  EXPECT_TRUE(refused("contrast", {0.1, "x"}));
  EXPECT_TRUE(refused("embedding", "x"));
  EXPECT_TRUE(refused("embedding", {1e300}));
  EXPECT_TRUE(refused("spread", -1));
  EXPECT_TRUE(refused("spread", nullptr));
  EXPECT_THROW(photo_summary_from_json(nlohmann::json::array(), "m"), Error);
}

}  // namespace
}  // namespace doppel::internal

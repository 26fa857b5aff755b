#include "doppel/eval/baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>

#include "doppel/base/random.h"
#include "doppel/base/thread_pool.h"
#include "doppel/data/dataset.h"
#include "doppel/data/folds.h"
#include "doppel/data/pairs.h"
#include "doppel/error.h"
#include "doppel/eval/distances.h"
#include "doppel/eval/one_shot.h"
#include "doppel/eval/verification.h"
#include "doppel/image/preprocessing.h"
#include "doppel/loss/energy.h"

namespace doppel::internal {
namespace {

// Rows whose variance falls from column to column, mixed so that no axis is a component.
Matrix decaying_rows(uint32_t seed, size_t rows, size_t columns) {
  Random random(seed, Purpose::sample);
  Matrix matrix(rows, columns);
  for (size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (size_t j = 0; j < columns; ++j) {
      sum += random.normal() / static_cast<double>(1 + j);
      matrix.row(i)[j] = static_cast<float>(5 + sum);
    }
  }
  return matrix;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

void expect_refused(const auto& call, ErrorKind kind, const std::string& words) {
  try {
    call();
    ADD_FAILURE() << "accepted, though: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

TEST(Pca, FindsTheDirectionOfALine) {
  Matrix rows(3, 2);  // (1, 2) + t (3, 4) with t = -1, 0, 1
  rows.values = {-2, -2, 1, 2, 4, 6};
  const Pca pca = fit_pca(rows);
  EXPECT_THAT(pca.mean, testing::ElementsAre(testing::FloatEq(1), testing::FloatEq(2)));
  ASSERT_EQ(pca.components.rows, 1u);  // the second direction has no variance
  EXPECT_NEAR(std::abs(pca.components.values[0]), 0.6, 1e-6);
  EXPECT_NEAR(std::abs(pca.components.values[1]), 0.8, 1e-6);
  const Matrix projected = project(pca, rows);
  EXPECT_NEAR(std::abs(projected.values[0]), 5, 1e-5);
  EXPECT_NEAR(projected.values[1], 0, 1e-5);
  EXPECT_NEAR(projected.values[2], -projected.values[0], 1e-5);
}

// The defining property, on both sides of n = d, where another matrix is solved: orthonormal
// directions, coordinates of the training rows uncorrelated with falling variance.
TEST(Pca, ComponentsAreOrthonormalAndDecorrelate) {
  for (const size_t columns : {7u, 12u, 13u, 40u}) {
    const Matrix rows = decaying_rows(1, 12, columns);
    const Pca pca = fit_pca(rows, 6);
    ASSERT_EQ(pca.components.rows, 6u);
    ASSERT_EQ(pca.components.columns, columns);
    const Matrix projected = project(pca, rows);
    double before = std::numeric_limits<double>::infinity();
    for (size_t a = 0; a < 6; ++a) {
      for (size_t b = 0; b <= a; ++b) {
        EXPECT_NEAR(dot(pca.components.row(a), pca.components.row(b)), a == b, 1e-5);
        double covariance = 0;
        for (size_t i = 0; i < 12; ++i) covariance += projected.row(i)[a] * projected.row(i)[b];
        if (a == b) {
          EXPECT_LT(covariance, before);
          before = covariance;
        } else {
          EXPECT_NEAR(covariance, 0, 1e-4);
        }
      }
    }
  }
}

TEST(Pca, AllComponentsTogetherKeepTheDistancesOfTheTrainingRows) {
  const Matrix rows = decaying_rows(2, 10, 30);
  const Pca pca = fit_pca(rows);
  EXPECT_EQ(pca.components.rows, 9u);  // n - 1: the mean took one direction
  const Matrix projected = project(pca, rows);
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_NEAR(squared_euclidean(projected.row(0), projected.row(i)),
                squared_euclidean(rows.row(0), rows.row(i)), 1e-4);
  }
}

TEST(Pca, TheFirstComponentsLoseLeast) {
  // What k orthonormal directions keep is largest for the principal ones: compare with the axes.
  const Matrix rows = decaying_rows(3, 50, 8);
  double kept = 0, axes = 0;
  const Matrix projected = project(fit_pca(rows, 2), rows);
  for (const float value : projected.values) kept += double{value} * double{value};
  const Pca first = fit_pca(rows, 8);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (const size_t column : {6u, 7u}) {  // the two columns of largest variance
      const double centred = double{rows.row(i)[column]} - double{first.mean[column]};
      axes += centred * centred;
    }
  }
  EXPECT_GT(kept, axes);
}

TEST(Pca, RefusesWhatHasNoComponents) {
  const Matrix one(1, 4), alike(5, 4);
  expect_refused([&] { fit_pca(one); }, ErrorKind::bad_data, "at least two training images");
  expect_refused([&] { fit_pca(alike); }, ErrorKind::bad_data, "all alike");
  Matrix nan(3, 2);
  nan.values[3] = std::numeric_limits<float>::quiet_NaN();
  expect_refused([&] { fit_pca(nan); }, ErrorKind::numeric, "not finite");
  const Pca pca = fit_pca(decaying_rows(4, 5, 4));
  expect_refused([&] { project(pca, Matrix(2, 3)); }, ErrorKind::mismatch,
                 "images of 3 pixels cannot be projected, 4 were trained on");
}

struct Figures {
  double eer = 0, tar_at_far_1pct = 0, one_shot = 0;

  void add(const Matrix& embeddings, const Dataset& people, double weight) {
    ThreadPool pool(1);
    const Verification verification =
        measure_verification(score_pairs(embeddings, all_pairs(people), {}, pool));
    eer += weight * verification.eer;
    tar_at_far_1pct += weight * verification.tar_at_far_1pct;
    one_shot += weight * doppel::internal::one_shot(embeddings, people.identity_of).accuracy;
  }
};

// The figures measured by an independent program in Python, on the same four folds of unseen
// people; it took the last point with FAR < 1 %, here FAR <= 1 % counts.
TEST(Baselines, ReproduceTheFiguresKnownForTheAttFaces) {
  const char* data = std::getenv("DOPPEL_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data != nullptr ? data : "../shared/data") / "att_faces";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "the AT&T faces are not in " << folder;
  }
  ThreadPool pool(2);
  const Dataset faces = load_dataset(folder, pool);
  ASSERT_EQ(faces.images.size(), 400u);
  ASSERT_EQ(faces.images.front().width, 92);
  ASSERT_EQ(faces.images.front().height, 112);

  Figures pixels, pca;
  for (const Fold& fold : contiguous_folds(faces, 4)) {
    const Dataset test = select_identities(faces, fold.test);
    const Dataset train = select_identities(faces, fold.train);
    const Matrix rows = preprocess(test.images, {});
    ASSERT_EQ(rows.columns, 46u * 56);
    pixels.add(rows, test, 0.25);
    pca.add(project(fit_pca(preprocess(train.images, {}), 50), rows), test, 0.25);
  }
  EXPECT_NEAR(pixels.eer, 0.130, 0.001);
  EXPECT_NEAR(pixels.tar_at_far_1pct, 0.624, 0.003);
  EXPECT_NEAR(pixels.one_shot, 0.855, 0.001);
  EXPECT_NEAR(pca.eer, 0.115, 0.001);
  EXPECT_NEAR(pca.tar_at_far_1pct, 0.613, 0.003);
  EXPECT_NEAR(pca.one_shot, 0.846, 0.001);
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/model/whitening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

// Rows of identities 0, 0, 0, 1, 1, 1, ..: a random place each, and around it noise that is three
// times stronger in value 0, and the same in values 1 and 2.
Matrix rows_of(size_t identities, size_t each) {
  Random random(3, Purpose::sample);
  Matrix rows(identities * each, 4);
  for (size_t p = 0; p < identities; ++p) {
    const double place[4] = {random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1),
                             random.uniform(-1, 1)};
    for (size_t k = 0; k < each; ++k) {
      const double shared = random.uniform(-1, 1);
      const double noise[4] = {3 * random.uniform(-1, 1), shared, shared, random.uniform(-1, 1)};
      for (size_t j = 0; j < 4; ++j) {
        rows.row(p * each + k)[j] = static_cast<float>(place[j] + noise[j]);
      }
    }
  }
  return rows;
}

std::vector<uint32_t> identities_of(size_t identities, size_t each) {
  std::vector<uint32_t> result;
  for (size_t i = 0; i < identities * each; ++i) {
    result.push_back(static_cast<uint32_t>(i / each));
  }
  return result;
}

// The transform squared is the inverse of what the documentation says S is.
TEST(Whitening, IsTheInverseRootOfTheShrunkScatter) {
  const size_t identities = 30, each = 3, n = identities * each;
  const Matrix rows = rows_of(identities, each);
  const Whitening whitening = fit_whitening(rows, identities_of(identities, each));
  double s[4][4] = {}, trace = 0;
  for (size_t p = 0; p < identities; ++p) {
    for (size_t a = 0; a < 4; ++a) {
      for (size_t b = 0; b < 4; ++b) {
        double sum = 0, mean_a = 0, mean_b = 0;
        for (size_t k = 0; k < each; ++k) {
          mean_a += double{rows.row(p * each + k)[a]} / each;
          mean_b += double{rows.row(p * each + k)[b]} / each;
        }
        for (size_t k = 0; k < each; ++k) {
          sum += (rows.row(p * each + k)[a] - mean_a) * (rows.row(p * each + k)[b] - mean_b);
        }
        s[a][b] += sum / static_cast<double>(n);
      }
    }
  }
  for (size_t a = 0; a < 4; ++a) trace += s[a][a];
  for (size_t a = 0; a < 4; ++a) {
    for (size_t b = 0; b < 4; ++b) s[a][b] = s[a][b] / 2 + (a == b ? trace / 8 : 0);
  }
  const Matrix& t = whitening.transform;
  for (size_t a = 0; a < 4; ++a) {
    for (size_t b = 0; b < 4; ++b) {
      EXPECT_EQ(t.row(a)[b], t.row(b)[a]);
      double sum = 0;  // (T S T)[a][b]
      for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 4; ++j) sum += t.row(a)[i] * s[i][j] * t.row(j)[b];
      }
      EXPECT_NEAR(sum, a == b ? 1 : 0, 1e-5);
    }
    double mean = 0;
    for (size_t i = 0; i < n; ++i) mean += double{rows.row(i)[a]} / static_cast<double>(n);
    EXPECT_NEAR(whitening.mean[a], mean, 1e-6);
  }
  EXPECT_LT(t.row(0)[0], 0.7f * t.row(3)[3]);  // the noisy direction counts less
}

TEST(Whitening, OfARow) {
  const Whitening whitening{{1, 2}, [] {
                              Matrix m(2, 2);
                              m.values = {2, 1, 1, 3};
                              return m;
                            }()};
  std::vector<float> row = {2, 4};
  whiten(whitening, row);
  EXPECT_THAT(row, ElementsAre(4, 7));
  std::vector<float> longer(3);
  EXPECT_THROW(whiten(whitening, longer), Error);
}

TEST(Whitening, WithoutTwoRowsOfAnyoneIsNone) {
  const Matrix rows = rows_of(5, 1);
  const Whitening one_each = fit_whitening(rows, identities_of(5, 1));
  EXPECT_THAT(one_each.transform.values,
              ElementsAre(FloatNear(1, 1e-6f), 0, 0, 0, 0, FloatNear(1, 1e-6f), 0, 0, 0, 0,
                          FloatNear(1, 1e-6f), 0, 0, 0, 0, FloatNear(1, 1e-6f)));
  Matrix twice(10, 4);
  for (size_t i = 0; i < 10; ++i) std::ranges::copy(rows.row(i / 2), twice.row(i).begin());
  EXPECT_EQ(fit_whitening(twice, identities_of(5, 2)).transform.values, one_each.transform.values);
}

TEST(Whitening, WhatCannotBeFittedIsRefused) {
  Matrix rows = rows_of(2, 2);
  EXPECT_THROW(fit_whitening(Matrix(0, 4), {}), Error);
  EXPECT_THROW(fit_whitening(rows, identities_of(1, 3)), Error);
  rows.values[5] = std::numeric_limits<float>::infinity();
  try {
    fit_whitening(rows, identities_of(2, 2));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
  }
}

}  // namespace
}  // namespace doppel::internal

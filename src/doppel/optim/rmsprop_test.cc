#include "doppel/optim/rmsprop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "doppel/base/error.h"
#include "doppel/base/random.h"
#include "doppel/nn/simd.h"

namespace doppel {
namespace {

TEST(RmsProp, EqualsItsFormulaInDoublePrecision) {
  for (const std::string& simd : simd_names()) {
    use_simd(simd);
    for (size_t size : {1u, 15u, 16u, 17u, 40000u}) {
      for (int threads : {1, 3}) {
        ThreadPool pool(threads);
        RmsProp optimizer(size, {0.01, 0.9, 1e-7});
        std::vector<float> w(size), g(size);
        std::vector<double> expected(size), v(size, 0);
        Random random(1, Purpose::sample);
        for (size_t i = 0; i < size; ++i) {
          w[i] = static_cast<float>(random.uniform(-1, 1));
          expected[i] = w[i];
        }
        for (int step = 0; step < 4; ++step) {
          for (size_t i = 0; i < size; ++i) {
            g[i] = i == 3 ? 0 : static_cast<float>(random.uniform(-1, 1));
            v[i] = 0.9 * v[i] + 0.1 * g[i] * g[i];
            expected[i] -= 0.01 * g[i] / (std::sqrt(v[i]) + 1e-7);
          }
          EXPECT_TRUE(optimizer.step(w, g, pool));
        }
        for (size_t i = 0; i < size; ++i) ASSERT_NEAR(w[i], expected[i], 1e-6) << simd << " " << i;
      }
    }
  }
  use_simd(simd_names().front());
}

TEST(RmsProp, ReportsParametersThatAreNotFinite) {
  ThreadPool pool(2);
  for (size_t size : {1u, 100u}) {
    for (float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      RmsProp optimizer(size, {});
      std::vector<float> w(size, 0), g(size, 1);
      EXPECT_TRUE(optimizer.step(w, g, pool));
      g[size / 2] = bad;
      EXPECT_FALSE(optimizer.step(w, g, pool)) << size << " " << bad;
    }
  }
}

TEST(RmsProp, RefusesWhatMakesNoSense) {
  EXPECT_THROW(RmsProp(1, {0, 0.9, 1e-7}), Error);
  EXPECT_THROW(RmsProp(1, {-1, 0.9, 1e-7}), Error);
  EXPECT_THROW(RmsProp(1, {std::nan(""), 0.9, 1e-7}), Error);
  EXPECT_THROW(RmsProp(1, {1, 1, 1e-7}), Error);
  EXPECT_THROW(RmsProp(1, {1, 0.9, 0}), Error);
  ThreadPool pool(1);
  RmsProp optimizer(2, {});
  std::vector<float> two(2), three(3);
  EXPECT_THROW(optimizer.step(two, three, pool), Error);
}

}  // namespace
}  // namespace doppel

#include "doppel/nn/inference.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "doppel/error.h"
#include "doppel/nn/engine.h"

namespace doppel::internal {
namespace {

// Of a 3x3 convolution, which is prepared, and a dense layer, which takes several tiles at once.
class InferenceOfTwo : public testing::Test {
 protected:
  InferenceOfTwo() {
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      members_.push_back(initial_parameters(network_, Initialisation::he_normal, seed));
    }
    for (size_t i = 0; i < 100; ++i) {
      std::vector<float>& image = images_.emplace_back(network_.input.size());
      for (size_t k = 0; k < image.size(); ++k) {
        image[k] = static_cast<float>((i * 31 + k * 17) % 97) / 97.0f;
      }
    }
    for (const std::vector<float>& image : images_) rows_.push_back(image.data());
  }

  Network network_{{1, 12, 10},
                   {Conv{.filters = 4, .kernel = 3}, Relu{}, MaxPool{2}, Flatten{}, Dense{5}}};
  std::vector<std::vector<float>> members_, images_;
  std::vector<const float*> rows_;
};

TEST_F(InferenceOfTwo, GivesEachMemberTheEmbeddingsOfItsParameters) {
  ThreadPool pool(2);
  const Inference inference(network_, members_);
  ASSERT_EQ(inference.members(), 2u);
  EXPECT_EQ(inference.embedding_size(), 5u);
  Engine engine(network_, pool);
  for (size_t m = 0; m < 2; ++m) {
    const Matrix all = inference.embed(m, rows_, pool);
    EXPECT_EQ(all.values, engine.forward(members_[m], rows_, nullptr).values);
    for (const size_t i : {size_t{0}, size_t{15}, size_t{16}, size_t{99}}) {
      const Matrix alone = inference.embed(m, std::span(&rows_[i], 1), pool);
      EXPECT_TRUE(std::ranges::equal(alone.row(0), all.row(i))) << i;
    }
  }
  EXPECT_NE(inference.embed(0, rows_, pool).values, inference.embed(1, rows_, pool).values);
  EXPECT_EQ(inference.embed(0, {}, pool).rows, 0u);
}

TEST_F(InferenceOfTwo, SeveralThreadsMayUseOne) {
  const Inference inference(network_, members_);
  ThreadPool alone(1);
  const Matrix expected = inference.embed(1, rows_, alone);
  std::vector<Matrix> found(4);
  std::vector<std::thread> threads;
  for (Matrix& own : found) {
    threads.emplace_back([&] {
      ThreadPool pool(2);
      for (int round = 0; round < 3; ++round) own = inference.embed(1, rows_, pool);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Matrix& own : found) EXPECT_EQ(own.values, expected.values);
}

TEST_F(InferenceOfTwo, RefusesParametersOfAnotherNumber) {
  members_[1].pop_back();
  try {
    const Inference inference(network_, members_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::mismatch);
  }
}

}  // namespace
}  // namespace doppel::internal

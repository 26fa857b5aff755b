#include "doppel/model/embedding_fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "doppel/model/model.h"
#include "doppel/model/onnx_embedder.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

std::string fault(const std::vector<float>& embedding, EmbeddingLength length) {
  return embedding_fault(embedding, length).value_or("");
}

TEST(EmbeddingFault, NoModelGivesWhatCannotBeCompared) {
  for (const EmbeddingLength length : {EmbeddingLength::any, EmbeddingLength::unit}) {
    EXPECT_THAT(fault({1, std::nanf("")}, length), HasSubstr("not finite"));
    EXPECT_THAT(fault({std::numeric_limits<float>::infinity(), 0}, length), HasSubstr("finite"));
    EXPECT_THAT(fault({0, 2e15f}, length), HasSubstr("2e+15"));
    EXPECT_THAT(fault({-2e15f, 0}, length), HasSubstr("-2e+15"));
    EXPECT_THAT(fault({0, -0.0f, 0}, length), HasSubstr("zeros"));
    EXPECT_THAT(fault({1e-10f, 0}, length), HasSubstr("length 1e-10"));
    EXPECT_THAT(fault({std::numeric_limits<float>::denorm_min(), 0}, length), HasSubstr("length"));
  }
}

TEST(EmbeddingFault, LengthsAreThoseOfTheModel) {
  EXPECT_EQ(fault({1e15f, -1e15f}, EmbeddingLength::any), "");
  EXPECT_EQ(fault({1e-8f, 0}, EmbeddingLength::any), "");
  EXPECT_EQ(fault({3, 4}, EmbeddingLength::any), "");
  EXPECT_THAT(fault({3, 4}, EmbeddingLength::unit), HasSubstr("the length 5"));
  EXPECT_THAT(fault({0.1f, 0}, EmbeddingLength::unit), HasSubstr("the length 0.1"));
  EXPECT_EQ(fault({0.6f, 0.8f}, EmbeddingLength::unit), "");
  // As long as rounding makes it over many values.
  const std::vector<float> many(65536, 1.0f / 256);
  EXPECT_EQ(fault(many, EmbeddingLength::unit), "");
}

TEST(EmbeddingFault, AModelsLastLayerSaysHowLongItsEmbeddingsAre) {
  Model model;
  twins(model).network = {{1, 4, 4}, {Flatten{}, Dense{3}}};
  EXPECT_EQ(model.embedder->length(), EmbeddingLength::any);
  twins(model).network.layers.emplace_back(L2Normalize{});
  EXPECT_EQ(model.embedder->length(), EmbeddingLength::unit);
  model.embedder = OnnxEmbedder();
  EXPECT_EQ(model.embedder->length(), EmbeddingLength::any);
}

TEST(EmbeddingFault, LengthsHaveNames) {
  for (const EmbeddingLength length : {EmbeddingLength::any, EmbeddingLength::unit}) {
    EXPECT_EQ(embedding_length_named(to_string(length)), length);
  }
  EXPECT_EQ(embedding_length_named("long"), std::nullopt);
}

}  // namespace
}  // namespace doppel::internal

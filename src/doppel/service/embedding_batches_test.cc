#include "doppel/service/embedding_batches.h"

#include <gtest/gtest.h>

#include <thread>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/model/embedding.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

Model dense_model() {
  Model model;
  twins(model).network = {{1, 8, 6}, {Flatten{}, Dense{5}}};
  twins(model).members = {
      initial_parameters(twins(model).network, Initialisation::glorot_uniform, 9)};
  model.preprocessing = {6, 8, 1, true};
  return model;
}

TEST(EmbeddingBatches, GiveEveryRequestItsOwn) {
  const Model model = dense_model();
  constexpr size_t kRequests = 40;
  std::vector<std::vector<Image>> images(kRequests);
  for (size_t r = 0; r < kRequests; ++r) {
    // One request has more than a batch; some have nothing.
    const size_t count = r == 7 ? EmbeddingBatches::kMostInBatch + 3 : r % 4;
    for (size_t i = 0; i < count; ++i) {
      images[r].push_back(synthetic_face(1, static_cast<uint32_t>(r), static_cast<uint32_t>(i)));
    }
  }
  std::vector<EachEmbedding> embeddings(kRequests);
  {
    EmbeddingBatches batches(model, 2);
    std::vector<std::thread> clients;
    for (size_t r = 0; r < kRequests; ++r) {
      clients.emplace_back([&, r] { embeddings[r] = batches.embed(images[r]); });
    }
    for (std::thread& client : clients) client.join();
  }
  ThreadPool pool(1);
  for (size_t r = 0; r < kRequests; ++r) {
    ASSERT_EQ(embeddings[r].rows.rows, images[r].size());
    EXPECT_EQ(embeddings[r].rows.values, embed_images(model, images[r], pool).values);
  }
}

TEST(EmbeddingBatches, OneThatCannotBeEmbeddedIsToldWhy) {
  const Model model = dense_model();
  EmbeddingBatches batches(model, 1);
  EXPECT_THROW(batches.embed({Image{}}), Error);
  EXPECT_EQ(batches.embed({synthetic_face(1, 0, 0)}).rows.rows, 1u);
}

}  // namespace
}  // namespace doppel::internal

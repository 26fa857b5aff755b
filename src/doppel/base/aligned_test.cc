#include "doppel/base/aligned.h"

#include <gtest/gtest.h>

#include <numeric>

namespace doppel::internal {
namespace {

TEST(AlignedArray, HoldsZerosOnACacheLineWhateverItsSize) {
  for (size_t size : {0u, 1u, 15u, 16u, 1000u, 1000000u}) {
    AlignedArray<float> array(size);
    EXPECT_EQ(array.size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data()) % 64, 0u);
    EXPECT_EQ(std::accumulate(array.data(), array.data() + size + 16, 0.0f), 0);
    for (size_t i = 0; i < size; ++i) array[i] = static_cast<float>(i);
    AlignedArray<float> moved = std::move(array);
    if (size > 0) {
      EXPECT_EQ(moved[size - 1], static_cast<float>(size - 1));
    }
  }
}

}  // namespace
}  // namespace doppel::internal

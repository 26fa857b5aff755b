#include "doppel/error.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

TEST(Error, CarriesItsKindAndSentence) {
  try {
    throw Error(ErrorKind::mismatch, "model.safetensors: 46 wide, image is 92 wide");
  } catch (const std::runtime_error& caught) {
    EXPECT_STREQ(caught.what(), "model.safetensors: 46 wide, image is 92 wide");
    EXPECT_EQ(dynamic_cast<const Error&>(caught).kind(), ErrorKind::mismatch);
  }
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/base/side_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(const std::string& name, const std::string& entry) {
  try {
    side_library_entry(name, entry, "Purpose");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    return error.what();
  }
  return "";
}

TEST(SideLibrary, GivesItsEntry) {
  EXPECT_NE(side_library_entry("doppel_onnx", "doppel_onnx_backend", "ONNX"), nullptr);
}

TEST(SideLibrary, SaysWhatIsMissing) {
  EXPECT_THAT(refusal("doppel_none", "x"),
              AllOf(StartsWith("Purpose takes the library libdoppel_none.so"),
                    HasSubstr("cannot be loaded")));
  EXPECT_THAT(refusal("doppel_onnx", "no_such_entry"),
              AllOf(StartsWith("Purpose: "), HasSubstr("libdoppel_onnx.so is no library")));
}

TEST(SideLibrary, OfAnotherVersionIsRefused) {
  EXPECT_THAT(refusal("doppel_of_another_version", "doppel_side_library_version"),
              AllOf(HasSubstr("is of version 0.0.0-other, and this is version " DOPPEL_VERSION)));
}

}  // namespace
}  // namespace doppel::internal

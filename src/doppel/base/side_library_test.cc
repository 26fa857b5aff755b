#include "doppel/base/side_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppel/base/error.h"

namespace doppel {
namespace {

std::string refusal(const std::string& name, const std::string& entry) {
  try {
    side_library_entry(name, entry, "Purpose");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    return error.what();
  }
  return "";
}

TEST(SideLibrary, GivesItsEntry) {
  EXPECT_NE(side_library_entry("doppel_onnx", "doppel_onnx_backend", "ONNX"), nullptr);
}

TEST(SideLibrary, SaysWhatIsMissing) {
  EXPECT_EQ(refusal("doppel_none", "x"),
            "Purpose: the library libdoppel_none.so was expected beside the program or in "
            "../lib/doppel");
  EXPECT_THAT(refusal("doppel_onnx", "no_such_entry"),
              testing::AllOf(testing::StartsWith("Purpose: "),
                             testing::HasSubstr("libdoppel_onnx.so is of another version")));
}

}  // namespace
}  // namespace doppel

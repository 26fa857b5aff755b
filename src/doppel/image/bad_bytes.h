// For the decoders' tests: bytes that must be refused, and how.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "doppel/error.h"
#include "doppel/image/decode.h"

namespace doppel::internal {

// Decoding must throw Error(bad_data) that names the file and contains `words`.
inline void expect_refused(std::string_view bytes, const std::string& words) {
  try {
    const Image image = decode_image(bytes, "bad.file");
    ADD_FAILURE() << "decoded as " << image.width << " x " << image.height
                  << ", expected: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("bad.file: "));
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

// `bytes` must decode, and cut anywhere it must not. Every prefix is decoded from memory of its own
// size, so that a sanitizer sees a read behind its end.
inline void expect_no_prefix_decodes(std::string_view bytes) {
  EXPECT_NO_THROW(decode_image(bytes, "whole"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(decode_image({cut.data(), cut.size()}, "cut"), Error)
        << "cut to " << size << " of " << bytes.size() << " bytes";
  }
}

}  // namespace doppel::internal

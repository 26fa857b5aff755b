#include "doppel/base/digest.h"

#include <gtest/gtest.h>

namespace doppel::internal {
namespace {

TEST(Digest, KnownAnswers) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, KnownAnswersOfBlake2b) {  // RFC 7693, appendix A, with 32 bytes of output
  Blake2b empty, abc;
  EXPECT_EQ(empty.hex(), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  abc.add("a");
  abc.add("");
  abc.add("bc");
  EXPECT_EQ(abc.hex(), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST(Digest, PiecesGiveTheDigestOfTheWhole) {
  Sha256 digest;
  digest.add("a");
  digest.add("");
  digest.add("bc");
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

TEST(Digest, LooksLikeOne) {
  EXPECT_TRUE(is_digest_hex(sha256_hex("abc")));
  EXPECT_FALSE(is_digest_hex(sha256_hex("abc").substr(1)));
  EXPECT_FALSE(is_digest_hex(sha256_hex("abc") + "0"));
  EXPECT_FALSE(is_digest_hex(std::string(64, 'A')));
  EXPECT_FALSE(is_digest_hex(""));
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/service/image_id.h"

#include <gtest/gtest.h>

#include <limits>
#include <regex>

namespace doppel::internal {
namespace {

TEST(ImageId, IsAUuidAndGivesItsNumberBack) {
  const std::regex version_8("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (const int64_t id :
       {int64_t{0}, int64_t{1}, int64_t{77}, int64_t{1} << 40, (int64_t{1} << 62) - 1}) {
    const std::string uuid = image_id("gallery", id);
    EXPECT_TRUE(std::regex_match(uuid, version_8)) << uuid;
    EXPECT_TRUE(is_uuid(uuid));
    EXPECT_EQ(template_of_image_id("gallery", uuid), id);
  }
  std::string upper = image_id("gallery", 77);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(template_of_image_id("gallery", upper), 77);
}

TEST(ImageId, IsOfOneGallery) {
  EXPECT_FALSE(template_of_image_id("another", image_id("gallery", 1)));
  EXPECT_FALSE(template_of_image_id("gallery", "6b135f5b-a365-4522-b1f1-4c9ac2dd0728"));
}

TEST(ImageId, OtherTextsAreNone) {
  for (const char* text :
       {"", "1", "6b135f5b-a365-4522-b1f1-4c9ac2dd072", "6b135f5b-a365-4522-b1f1-4c9ac2dd07289",
        "6b135f5b_a365-4522-b1f1-4c9ac2dd0728", "6b135f5b-a365-4522-b1f1-4c9ac2dd072g"}) {
    EXPECT_FALSE(is_uuid(text)) << text;
    EXPECT_FALSE(template_of_image_id("gallery", text)) << text;
  }
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/gallery/access_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/error.h"
#include "doppel/gallery/database_fixture.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/schema.h"
#include "doppel/gallery/settings_row.h"

namespace doppel::internal {
namespace {

class AccessKeys : public InFolder<testing::Test> {
 protected:
  Gallery made() const {
    GallerySettings settings;
    settings.model_digest = sha256_hex("model");
    settings.embedding_size = 2;
    return Gallery::create(folder_ / "keys.gallery", settings);
  }
};

TEST_F(AccessKeys, OpenWhatTheirRoleSays) {
  Gallery gallery = made();
  EXPECT_TRUE(gallery.access_keys().empty());
  const std::string door = add_access_key(gallery, Role::recognise, "door camera");
  const std::string office = add_access_key(gallery, Role::admin, "");
  EXPECT_TRUE(std::regex_match(
      door, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")))
      << door;
  EXPECT_NE(door, office);
  const std::vector<AccessKey> keys = gallery.access_keys();
  ASSERT_EQ(keys.size(), 2u);
  ASSERT_TRUE(find_access_key(keys, door));
  EXPECT_EQ(find_access_key(keys, door)->role, Role::recognise);
  EXPECT_EQ(find_access_key(keys, door)->label, "door camera");
  EXPECT_EQ(find_access_key(keys, office)->role, Role::admin);
  for (const std::string& wrong : {std::string(), door.substr(1), door + " ", keys[0].hash}) {
    EXPECT_FALSE(find_access_key(keys, wrong)) << wrong;
  }
}

TEST_F(AccessKeys, AreNotStoredAsTheyAre) {
  std::string key;
  {
    Gallery gallery = made();
    key = add_access_key(gallery, Role::admin, "office");
  }
  std::string files;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    files += read_file(file.path(), size_t{1} << 24);
  }
  EXPECT_THAT(files, testing::HasSubstr("office"));
  EXPECT_THAT(files, testing::Not(testing::HasSubstr(key)));
  EXPECT_THAT(files, testing::Not(testing::HasSubstr(key.substr(0, 13))));
}

TEST_F(AccessKeys, AreRevokedById) {
  Gallery gallery = made();
  const std::string first = add_access_key(gallery, Role::admin, "");
  const std::string second = add_access_key(gallery, Role::admin, "");
  const std::string id = find_access_key(gallery.access_keys(), first)->id;
  revoke_access_key(gallery, id);
  const std::vector<AccessKey> keys = gallery.access_keys();
  EXPECT_FALSE(find_access_key(keys, first));
  EXPECT_TRUE(find_access_key(keys, second));
  EXPECT_THROW(revoke_access_key(gallery, id), Error);
}

TEST_F(AccessKeys, ChangesAreSeenByThoseWhoFollow) {
  Gallery gallery = made();
  Gallery other = Gallery::open(gallery.name(), Access::read);
  other.changed();
  add_access_key(gallery, Role::recognise, "");
  EXPECT_TRUE(other.changed());
  EXPECT_EQ(other.access_keys().size(), 1u);
}

TEST_F(AccessKeys, DamageIsSaid) {
  Gallery gallery = made();
  for (const char* text :
       {"[1]", "[{}]", "{", "[{\"id\":\"a\",\"label\":\"\",\"role\":\"king\"}]"}) {
    write_settings_row(gallery.name(), kAccessKeysRow, text);
    try {
      gallery.access_keys();
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.what(), testing::HasSubstr("its access keys are damaged"));
    }
  }
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/service/enrolment_routes.h"

#include "doppel/image/quality.h"
#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class EnrolmentRoutes : public ServiceFixture {
 protected:
  size_t templates_of(const std::string& name) {
    return asked(bare("GET", "/v1/people/" + name))["templates"].size();
  }
  std::string message(const HttpRequest& request, int status) {
    return asked(request, status)["message"].get<std::string>();
  }
};

TEST_F(EnrolmentRoutes, LooksAtFacesBeforeTheyAreEnrolled) {
  const json photos =
      asked(post_photos("/v1/faces", {{"a", face_png(5)}, {"b", "no picture"}}))["photos"];
  ASSERT_EQ(photos.size(), 2u);
  EXPECT_EQ(photos[0]["file"], "a");
  ASSERT_EQ(photos[0]["faces"].size(), 1u);
  EXPECT_EQ(photos[0]["faces"][0]["box"].size(), 4u);
  EXPECT_THAT(photos[1]["error"]["message"].get<std::string>(), HasSubstr("b: "));
  EXPECT_EQ(asked(bare("GET", "/v1/people"))["total"], 2) << "nobody is enrolled by it";
  // The quality is the one that the enrolled photo has.
  const double quality = photos[0]["faces"][0]["quality"];
  EXPECT_GT(quality, 0);
  asked(post_photos("/v1/people/Mary/photos", {{"a", face_png(5)}}), 201);
  EXPECT_EQ(asked(bare("GET", "/v1/people/Mary"))["templates"][0]["quality"], quality);
}

TEST_F(EnrolmentRoutes, AllPhotosOfAPersonInOneRequest) {
  const json mary = asked(post_photos("/v1/people/Mary%20Ann/photos",
                                      {{"a", face_png(5)}, {"b", face_png(6)}, {"c", face_png(5)}}),
                          201);
  EXPECT_EQ(mary["name"], "Mary Ann");
  EXPECT_EQ(mary["added"], 2);
  ASSERT_EQ(mary["photos"].size(), 3u);
  EXPECT_EQ(mary["photos"][1]["file"], "b");
  EXPECT_EQ(mary["photos"][0]["added"], true);
  EXPECT_EQ(mary["photos"][2]["added"], false) << "the first once more";
  EXPECT_EQ(mary["photos"][2]["image_id"], mary["photos"][0]["image_id"]);
  EXPECT_EQ(templates_of("Mary%20Ann"), 2u);
  EXPECT_EQ(
      asked(post_photos("/v1/identify", {{"x", face_png(6)}}))["photos"][0]["faces"][0]["name"],
      "Mary Ann");
  // A single one is enough, and what was there before is not called added.
  const json again = asked(post_photos("/v1/people/Mary%20Ann/photos", {{"a", face_png(5)}}), 201);
  EXPECT_EQ(again["added"], 0);
  EXPECT_EQ(again["photos"][0]["added"], false);
}

TEST_F(EnrolmentRoutes, WhatWasAddedCanBeTakenBackAlone) {
  const json added = asked(post_photos("/v1/people/Ada/photos", {{"a", face_png(5)}}), 201);
  EXPECT_EQ(templates_of("Ada"), 2u);
  const std::string id = added["photos"][0]["image_id"];
  asked(bare("DELETE", "/api/v1/recognition/faces/" + id));
  EXPECT_EQ(templates_of("Ada"), 1u);
  const json faces = asked(post_photos("/v1/identify", {{"x", face_png(1)}, {"y", face_png(5)}}));
  EXPECT_EQ(faces["photos"][0]["faces"][0]["name"], "Ada");
  EXPECT_EQ(faces["photos"][1]["faces"][0]["known"], false);
}

TEST_F(EnrolmentRoutes, OneBadPhotoEnrolsNone) {
  EXPECT_THAT(
      message(post_photos("/v1/people/Mary/photos", {{"good", face_png(5)}, {"bad", "no picture"}}),
              400),
      HasSubstr("bad: "));
  Image plain;
  plain.width = plain.height = 64;
  plain.pixels.assign(64 * 64, 0.5F);
  const std::string grey = encode_png(plain);
  EXPECT_THAT(
      message(post_photos("/v1/people/Mary/photos", {{"good", face_png(5)}, {"grey", grey}}), 400),
      HasSubstr("grey: "));
  EXPECT_THAT(message(post_photos("/v1/people/Mary/photos",
                                  {{"good", face_png(5)}, {"taken", face_png(1)}}),
                      400),
              HasSubstr("taken: this photo is enrolled already, as \"Ada\""));
  asked(bare("GET", "/v1/people/Mary"), 404);
  asked(post_photos("/v1/people/unknown/photos", {{"a", face_png(5)}}), 400);
  asked(post_photos("/v1/people/%20/photos", {{"a", face_png(5)}}), 400);
  asked(post_photos("/v1/people/Mary/photos?dry_run=1", {{"a", face_png(5)}}), 400);
  asked(post_photos("/v1/people/Mary/photos", {}), 400);
}

TEST_F(EnrolmentRoutes, TakeAnAdminsKey) {
  std::string recognise, admin;
  {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    admin = add_access_key(gallery, Role::admin, "");
    recognise = add_access_key(gallery, Role::recognise, "");
  }
  service_->follow();
  const HttpRequest request = post_photos("/v1/people/Ada/photos", {{"a", face_png(5)}});
  asked(with_key(request, recognise), 403);
  asked(with_key(post_photos("/v1/faces", {{"a", face_png(5)}}), recognise));
  EXPECT_EQ(asked(with_key(request, admin), 201)["added"], 1);
}

class EnrolmentWithPhotos : public EnrolmentRoutes {
  bool keeps_photos() const override { return true; }
};

TEST_F(EnrolmentWithPhotos, KeepsEachPhotoAtItsTemplate) {
  const json mary =
      asked(post_photos("/v1/people/Mary/photos", {{"a", face_png(5)}, {"b", face_png(6)}}), 201);
  for (const uint32_t i : {0u, 1u}) {
    const std::string id = mary["photos"][i]["image_id"];
    EXPECT_EQ(service_->handle(bare("GET", "/api/v1/recognition/faces/" + id + "/img")).body,
              face_png(5 + i));
  }
}

}  // namespace
}  // namespace doppel::internal

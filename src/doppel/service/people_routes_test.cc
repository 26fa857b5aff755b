#include "doppel/service/people_routes.h"

#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class PeopleRoutes : public ServiceFixture {};

TEST_F(PeopleRoutes, ListsWhoIsKnown) {
  for (const char* name : {"Mary", "mary ann", "Zoe"}) {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    gallery.enrol(std::vector<NewPerson>{{name, {}}});
  }
  const json all = asked(bare("GET", "/v1/people"));
  EXPECT_EQ(all["total"], 5);
  EXPECT_EQ(all["people"][0]["name"], "Ada");
  EXPECT_EQ(all["people"][0]["templates"], 1);
  const json found = asked(bare("GET", "/v1/people?search=MARY&size=1&page=1"));
  EXPECT_EQ(found["total"], 2);
  ASSERT_EQ(found["people"].size(), 1u);
  EXPECT_EQ(found["people"][0]["name"], "mary ann");
  EXPECT_EQ(asked(bare("GET", "/v1/people?page=9"))["people"], json::array());
  // Who has one photo, and who has none yet.
  const json one = asked(bare("GET", "/v1/people?templates=1"));
  EXPECT_EQ(one["total"], 2);
  EXPECT_EQ(one["people"][1]["name"], "Grace");
  EXPECT_EQ(asked(bare("GET", "/v1/people?templates=0&search=mary"))["total"], 2);
  asked(bare("GET", "/v1/people?templates=x"), 400);
  asked(bare("GET", "/v1/people?size=0"), 400);
  asked(bare("GET", "/v1/people?page=-1"), 400);
}

TEST_F(PeopleRoutes, ShowsWhatIsStored) {
  const json ada = asked(bare("GET", "/v1/people/Ada"));
  ASSERT_EQ(ada["templates"].size(), 1u);
  EXPECT_EQ(ada["templates"][0]["photo"], false);
  EXPECT_EQ(ada["templates"][0]["image_digest"].get<std::string>().size(), 64u);
  asked(bare("GET", "/v1/people/nobody"), 404);
  asked(bare("GET", "/v1/people/nobody/export"), 404);
}

TEST_F(PeopleRoutes, RemovedPeopleComeBackByTheirExport) {
  const HttpResponse text = service_->handle(bare("GET", "/v1/people/Ada/export"));
  EXPECT_EQ(text.status, 200);
  asked(bare("DELETE", "/api/v1/recognition/subjects/Ada"));
  const HttpRequest who = post_photos("/v1/identify", {{"a", face_png(1)}});
  EXPECT_EQ(asked(who)["photos"][0]["faces"][0]["known"], false);
  HttpRequest back = bare("POST", "/v1/people");
  back.body = text.body;
  EXPECT_EQ(asked(back, 201), (json{{"people", 1}, {"templates", 1}}));
  EXPECT_EQ(asked(who)["photos"][0]["faces"][0]["name"], "Ada");
  EXPECT_EQ(asked(back, 201)["templates"], 0) << "who is there already is left";
  back.body = "no export";
  asked(back, 400);
}

TEST_F(PeopleRoutes, DecidesAnew) {
  const json by_distance = asked(bare("PUT", "/v1/decision", R"({"distance": 2.5})"));
  EXPECT_EQ(by_distance["rule"]["threshold"], 2.5);
  EXPECT_EQ(by_distance["decision"]["distance"], 2.5);
  EXPECT_EQ(asked(bare("GET", "/v1/model"))["rule"]["threshold"], 2.5);
  const json by_fpir = asked(bare("PUT", "/v1/decision", R"({"fpir": 0.02})"));
  EXPECT_EQ(by_fpir["decision"]["fpir"], 0.02);
  EXPECT_TRUE(by_fpir["decision"]["distance"].is_null());
  for (const char* body :
       {"{}", "[]", R"({"fpir": 2})", R"({"fpir": "x"})", R"({"distance": null})",
        R"({"fpir": 0.1, "distance": 1})", "x", R"({"distance": 1e300})", R"({"distance": -1})",
        R"({"distance": 0})", R"({"fpir": 1})", R"({"fpir": 0})", R"({"fpir": 1e-300})",
        R"({"fpir": 0.1, "Distance": 1})", R"({"fpir": 0.1, "fpir": 0.5})"}) {
    asked(bare("PUT", "/v1/decision", body), 400);
  }
}

TEST_F(PeopleRoutes, FillsAnEmptyGalleryWithInventedPeople) {
  EXPECT_THAT(asked(bare("POST", "/v1/synthetic-people", R"({"people": 3})"), 409)["message"]
                  .get<std::string>(),
              HasSubstr("empty gallery"));
  asked(bare("DELETE", "/api/v1/recognition/subjects"));
  for (const char* body : {R"({"people": 0})", R"({"people": 100})", R"({"people": "x"})", "[]"}) {
    asked(bare("POST", "/v1/synthetic-people", body), 400);
  }
  EXPECT_EQ(asked(bare("POST", "/v1/synthetic-people", R"({"people": 3})"), 201)["people"], 3);
  EXPECT_EQ(asked(bare("GET", "/v1/people"))["people"][1]["name"], "Synthetic 02");
  const HttpResponse photo = service_->handle(bare("GET", "/v1/synthetic-people/2"));
  EXPECT_EQ(photo.content_type, "image/png");
  EXPECT_EQ(photo.body, encode_png(synthetic_face(1, 2, 1))) << "not the one that is enrolled";
  for (const char* number : {"0", "100", "x", "-1"}) {
    asked(bare("GET", std::string("/v1/synthetic-people/") + number), 404);
  }
}

}  // namespace
}  // namespace doppel::internal

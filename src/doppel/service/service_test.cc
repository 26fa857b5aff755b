#include "doppel/service/service.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "doppel/base/small_files.h"
#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServiceTest : public ServiceFixture {
 protected:
  std::string key_for(Role role) {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    const std::string key = add_access_key(gallery, role, "");
    service_->follow();
    return key;
  }
};

TEST_F(ServiceTest, SaysWhoIsOnEachPhotoOrUnknown) {
  const json found = asked(post_photos(
      "/v1/identify?top=2", {{"a.png", face_png(2)}, {"b.png", face_png(9)}, {"c.png", "no"}}));
  ASSERT_EQ(found["photos"].size(), 3u);
  const json& grace = found["photos"][0]["faces"][0];
  EXPECT_EQ(found["photos"][0]["file"], "a.png");
  EXPECT_EQ(grace["name"], "Grace");
  EXPECT_EQ(grace["known"], true);
  ASSERT_EQ(grace["candidates"].size(), 2u);
  EXPECT_NEAR(grace["candidates"][0]["distance"], 0, 1e-9);
  EXPECT_EQ(grace["candidates"][1]["name"], "Ada");
  EXPECT_EQ(grace["box"], json({0, 0, 92, 112}));
  const json& stranger = found["photos"][1]["faces"][0];
  EXPECT_EQ(stranger["known"], false);
  EXPECT_TRUE(stranger["name"].is_null());
  EXPECT_THAT(found["photos"][2]["error"]["message"].get<std::string>(),
              testing::StartsWith("c.png: "));
  EXPECT_EQ(found["rule"]["templates"], 2);

  ASSERT_EQ(records_.size(), 1u);
  EXPECT_EQ(records_[0].route, "/v1/identify");
  EXPECT_EQ(records_[0].faces, 2u);
  EXPECT_EQ(records_[0].known, 1u);
}

TEST_F(ServiceTest, DecidesAVisitOnce) {
  const auto ask = [&](const std::vector<std::pair<std::string, std::string>>& photos) {
    return asked(post_photos("/v1/identify?visit=1&top=2", photos));
  };
  const json found = ask({{"a", face_png(2)}, {"b", "no"}, {"c", face_png(2)}});
  EXPECT_EQ(found["visit"]["photos"], 2) << "one cannot be read";
  EXPECT_EQ(found["visit"]["name"], "Grace");
  EXPECT_NEAR(found["visit"]["candidates"][0]["distance"], 0, 1e-5);
  EXPECT_EQ(found["visit"]["candidates"].size(), 2u);
  EXPECT_EQ(found["photos"][0]["faces"],
            json::parse(R"([{"box": [0, 0, 92, 112], "decides": true}])"));
  EXPECT_TRUE(found["photos"][1].contains("error"));
  EXPECT_EQ(found["rule"]["templates"], 2);
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_EQ(records_[0].faces, 1u) << "one search";

  EXPECT_TRUE(ask({{"a", "no"}})["visit"].is_null());
  for (const char* wrong : {"visit=2", "visit=yes", "visit=1&faces=all"}) {
    asked(post_photos(std::string("/v1/identify?") + wrong, {{"a", face_png(1)}}), 400);
  }
}

TEST_F(ServiceTest, DecidesAVisitOfTwoPeopleByTheOneWithMorePhotos) {
  const std::string ada = face_png(1), grace = face_png(2), nobody = face_png(9);
  const auto ask = [&](const std::vector<std::pair<std::string, std::string>>& photos) {
    return asked(post_photos("/v1/identify?visit=1", photos));
  };
  const json more = ask({{"a", grace}, {"b", ada}, {"c", grace}, {"d", ada}, {"e", grace}});
  EXPECT_EQ(more["visit"]["name"], "Grace");
  EXPECT_EQ(more["visit"]["photos"], 3);
  EXPECT_EQ(more["visit"]["same_person_distance"], 5);
  EXPECT_NEAR(more["visit"]["candidates"][0]["distance"], 0, 1e-5) << "no mean of both";
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(more["photos"][i]["faces"][0]["decides"], i % 2 == 0) << i;
  }
  EXPECT_EQ(ask({{"a", ada}, {"b", ada}, {"c", nobody}})["visit"]["name"], "Ada");
  const json equal = ask({{"a", ada}, {"b", nobody}, {"c", nobody}, {"d", ada}});
  EXPECT_EQ(equal["visit"]["name"], "Ada") << "seen last";
  EXPECT_EQ(equal["visit"]["photos"], 2);
  EXPECT_EQ(ask({{"a", ada}, {"b", nobody}})["visit"]["known"], false);
  EXPECT_EQ(records_.back().faces, 1u) << "one search";
}

class UncalibratedServiceTest : public ServiceFixture {
 protected:
  Model served_model() const override {
    Model model = grey_model();
    model.threshold.reset();
    return model;
  }
};

TEST_F(UncalibratedServiceTest, DecidesAVisitByAllPhotosWhereNothingTellsPeopleApart) {
  const std::string one = face_png(1), other = face_png(9);
  const json apart = asked(post_photos("/v1/identify", {{"a", one}, {"b", other}}));
  const json together = asked(post_photos("/v1/identify?visit=1", {{"a", one}, {"b", other}}));
  EXPECT_EQ(together["visit"]["photos"], 2);
  EXPECT_TRUE(together["visit"]["same_person_distance"].is_null());
  EXPECT_GT(together["visit"]["candidates"][0]["distance"],
            apart["photos"][0]["faces"][0]["candidates"][0]["distance"]);
}

TEST_F(ServiceTest, ComparesTwoPhotos) {
  const json same = asked(post_photos("/v1/verify", {{"a", face_png(3)}, {"b", face_png(3)}}));
  EXPECT_EQ(same["same"], true);
  EXPECT_NEAR(same["distance"], 0, 1e-9);
  EXPECT_EQ(same["threshold"], 5);
  EXPECT_NEAR(same["far"], 0.001, 1e-12);
  const json other = asked(post_photos("/v1/verify", {{"a", face_png(3)}, {"b", face_png(4)}}));
  EXPECT_EQ(other["same"], false);
  EXPECT_GT(other["distance"], 5);
  asked(post_photos("/v1/verify", {{"a", face_png(3)}}), 400);
  asked(post_photos("/v1/verify?faces=all", {{"a", face_png(3)}, {"b", face_png(3)}}), 400);
  EXPECT_THAT(
      asked(post_photos("/v1/verify", {{"a", face_png(3)}, {"cut.png", face_png(3).substr(0, 99)}}),
            400)["message"]
          .get<std::string>(),
      HasSubstr("cut.png"));
}

TEST_F(ServiceTest, GivesEmbeddings) {
  const json found = asked(post_photos("/v1/embed", {{"a", face_png(3)}}));
  ThreadPool pool(1);
  const Matrix rows =
      embed_images(grey_model(), std::vector<Image>{decode_image(face_png(3), "x")}, pool);
  EXPECT_EQ(found["photos"][0]["faces"][0]["embedding"].get<std::vector<float>>(), rows.values);
  EXPECT_EQ(found["model"], embedding_digest(grey_model()));
}

TEST_F(ServiceTest, DescribesItself) {
  const json model = asked(bare("GET", "/v1/model"));
  EXPECT_EQ(model["people"], 2);
  EXPECT_EQ(model["embedding_size"], 168);
  EXPECT_EQ(model["threshold"]["far"], 0.01);
  EXPECT_EQ(asked(bare("GET", "/healthz"))["status"], "ok");
  EXPECT_EQ(asked(bare("GET", "/readyz"))["status"], "ok");
}

TEST_F(ServiceTest, RefusesWhatIsNoRouteOrNoRequest) {
  asked(bare("GET", "/nothing"), 404);
  asked(bare("GET", "/v1"), 404);
  asked(bare("GET", "/v1/model/more"), 404);
  EXPECT_EQ(records_.back().route, "");
  const HttpResponse wrong = service_->handle(bare("GET", "/v1/verify"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("Allow"), "POST");
  asked(bare("POST", "/v1/identify"), 400);
  asked(post_photos("/v1/identify", {}), 400);
  for (const char* query :
       {"top=0", "top=101", "top=-1", "top=1x", "top=", "top=99999999999999999999", "faces=some"}) {
    asked(post_photos(std::string("/v1/identify?") + query, {{"a", face_png(1)}}), 400);
  }
  // Names and values in no character set become text.
  const json odd = asked(post_photos("/v1/identify", {{"\xff\"<b>\x01", face_png(1)}}));
  EXPECT_EQ(odd["photos"][0]["faces"][0]["name"], "Ada");
}

TEST_F(ServiceTest, FollowsTheGallery) {
  Gallery other = Gallery::open(place(), Access::read_write);
  enrol(other, "Mary", 9);
  EXPECT_EQ(service_->follow(), std::nullopt);
  EXPECT_EQ(service_->gallery().people(), 3u);
  const json found = asked(post_photos("/v1/identify", {{"a", face_png(9)}}));
  EXPECT_EQ(found["photos"][0]["faces"][0]["name"], "Mary");
}

TEST_F(ServiceTest, AnswersManyAtOnce) {
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (uint32_t client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 10; ++i) {
        const HttpResponse response =
            service_->handle(post_photos("/v1/identify", {{"a", face_png(1 + client % 2)}}));
        const json document = json::parse(response.body);
        const char* expected = client % 2 == 0 ? "Ada" : "Grace";
        if (document["photos"][0]["faces"][0]["name"] == expected) ++right;
      }
    });
  }
  for (int i = 0; i < 20; ++i) service_->follow();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 80);
}

TEST_F(ServiceTest, KeysOpenWhatTheirRoleSays) {
  const std::string door = key_for(Role::recognise), office = key_for(Role::admin);
  const HttpRequest who = post_photos("/v1/identify", {{"a", face_png(1)}});
  asked(who, 401);
  asked(with_key(who, "wrong"), 401);
  asked(with_key(who, door));
  EXPECT_EQ(records_.back().key.size(), 8u);
  EXPECT_EQ(asked(with_key(bare("GET", "/v1/model"), door))["role"], "recognise");
  EXPECT_EQ(asked(with_key(bare("GET", "/v1/model"), office))["role"], "admin");
  const HttpRequest change = bare("PUT", "/v1/decision", "{\"fpir\": 0.5}");
  EXPECT_THAT(asked(with_key(change, door), 403)["message"].get<std::string>(), HasSubstr("admin"));
  asked(with_key(change, office));
  HttpRequest bearer = who;
  bearer.headers["authorization"] = "Bearer " + door;
  asked(bearer);
  for (const char* open : {"/healthz", "/readyz", "/openapi.json"}) asked(bare("GET", open));
  EXPECT_EQ(service_->handle(bare("GET", "/")).status, 200);
  asked(bare("GET", "/metrics"), 401);
  {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    revoke_access_key(gallery, find_access_key(gallery.access_keys(), door)->id);
  }
  service_->follow();
  asked(with_key(who, door), 401);
  asked(with_key(who, office));
}

TEST_F(ServiceTest, WithoutKeysOnlyThisMachineIsServed) {
  HttpRequest request = bare("GET", "/v1/model");
  for (const char* host : {"localhost", "127.1.2.3:80", "[::1]:8080"}) {
    request.headers["host"] = host;
    asked(request);
  }
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "127.evil", ""}) {
    request.headers["host"] = host;
    asked(request, 403);
  }
  serve({.threads = 1, .open_without_keys = false});
  asked(bare("GET", "/v1/model"), 401);
  asked(bare("GET", "/healthz"));
}

TEST_F(ServiceTest, PagesOfOtherOriginsAreRefusedUnlessNamed) {
  HttpRequest request = post_photos("/v1/identify", {{"a", face_png(1)}});
  request.headers["origin"] = "http://127.0.0.1:8080";
  asked(request);
  request.headers["origin"] = "https://evil.example";
  asked(request, 403);
  request.headers["origin"] = "null";
  asked(request, 403);
  serve({.threads = 1, .origins = {"https://intranet.example"}});
  request.headers["origin"] = "https://intranet.example";
  const HttpResponse answer = service_->handle(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("Access-Control-Allow-Origin"), "https://intranet.example");
  request.method = "OPTIONS";
  const HttpResponse preflight = service_->handle(request);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_THAT(preflight.headers.at("Access-Control-Allow-Headers"), HasSubstr("x-api-key"));
  request.headers["origin"] = "https://evil.example";
  asked(request, 403);
}

TEST_F(ServiceTest, AKeyMayAskOnlySoOften) {
  const std::string key = key_for(Role::recognise);
  serve({.threads = 1, .rate = 2});
  const HttpRequest request = with_key(bare("GET", "/v1/model"), key);
  asked(request);
  asked(request);
  const HttpResponse refused = service_->handle(request);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("Retry-After"), "1");
}

TEST_F(ServiceTest, LimitsPixelsAndTime) {
  serve({.threads = 1, .most_photo_pixels = 92 * 112 - 1});
  const json found = asked(post_photos("/v1/identify", {{"large.png", face_png(1)}}));
  EXPECT_THAT(found["photos"][0]["error"]["message"].get<std::string>(), HasSubstr("large.png"));
  HttpRequest late = post_photos("/v1/identify", {{"a", face_png(1)}});
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  asked(late, 503);
}

TEST_F(ServiceTest, ExplainsWithAPicture) {
  const json answer = asked(post_photos("/v1/explain", {{"a", face_png(3)}, {"b", face_png(4)}}));
  EXPECT_EQ(answer["same"], false);
  EXPECT_THAT(answer["picture"].get<std::string>(), testing::StartsWith("iVBORw0KGgo"));
}

TEST_F(ServiceTest, CountsWhatItDoes) {
  asked(post_photos("/v1/identify", {{"a", face_png(1)}, {"b", face_png(9)}}));
  asked(bare("GET", "/nothing"), 404);
  service_->refused(413);
  service_->set_load([](ServiceGauges& gauges) { gauges.waiting = 3; });
  const std::string text = service_->handle(bare("GET", "/metrics")).body;
  for (const char* line :
       {"doppel_requests_total{method=\"POST\",route=\"/v1/identify\",status=\"200\"} 1\n",
        "doppel_requests_total{method=\"-\",route=\"none\",status=\"404\"} 1\n",
        "doppel_requests_total{method=\"-\",route=\"none\",status=\"413\"} 1\n",
        "doppel_request_seconds_count{method=\"POST\",route=\"/v1/identify\"} 1\n",
        "doppel_faces_total{outcome=\"known\"} 1\n", "doppel_faces_total{outcome=\"unknown\"} 1\n",
        "doppel_gallery_people 2\n", "doppel_waiting_requests 3\n", "doppel_ready 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, testing::Not(HasSubstr("Ada")));
}

TEST_F(ServiceTest, AFullDiskIsSaidEverywhere) {
  const auto enrolled = [&](uint32_t person, int status) {
    return asked(form("/api/v1/recognition/faces?subject=P" + std::to_string(person),
                      {{"file", "x.png", face_png(person)}}),
                 status);
  };
  const auto metrics = [&] { return service_->handle(bare("GET", "/metrics")).body; };
  enrolled(5, 201);
  EXPECT_EQ(asked(bare("GET", "/readyz"))["status"], "ok");
  EXPECT_THAT(metrics(), AllOf(HasSubstr("doppel_disk_full 0\n"), HasSubstr("doppel_ready 1\n")));
  {
    const SmallFiles limit(0);
    for (const uint32_t person : {6u, 7u}) {
      const json refused = enrolled(person, 507);
      EXPECT_EQ(refused["code"], 41);
      EXPECT_EQ(refused["message"], "the disk is full; nothing was changed");
    }
    EXPECT_EQ(asked(bare("DELETE", "/api/v1/recognition/subjects/Ada"), 507)["code"], 41);
    EXPECT_EQ(asked(bare("PUT", "/v1/decision", R"({"fpir": 0.2})"), 507)["code"], 507);
    service_->follow();
    EXPECT_THAT(asked(bare("GET", "/readyz"), 503)["message"].get<std::string>(),
                AllOf(HasSubstr("the disk is full"), Not(HasSubstr(place()))));
    EXPECT_THAT(metrics(), AllOf(HasSubstr("doppel_disk_full 1\n"), HasSubstr("doppel_ready 0\n")));
    const json known = asked(post_photos("/v1/identify", {{"a", face_png(1)}}));
    EXPECT_EQ(known["photos"][0]["faces"][0]["name"], "Ada");
  }
  enrolled(6, 201);
  EXPECT_EQ(asked(bare("GET", "/readyz"))["status"], "ok");
  EXPECT_THAT(metrics(), AllOf(HasSubstr("doppel_disk_full 0\n"), HasSubstr("doppel_ready 1\n")));
  EXPECT_THAT(notes_, testing::ElementsAre(AllOf(HasSubstr(place() + ": the disk is full"),
                                                 HasSubstr("changes are refused")),
                                           HasSubstr("there is room again")));
}

TEST_F(ServiceTest, WithoutKeysNobodyIsServedThroughAProxy) {
  for (const char* header : {"via", "forwarded", "x-forwarded-for", "x-real-ip"}) {
    HttpRequest request = bare("GET", "/v1/model");
    request.headers[header] = "203.0.113.7";
    asked(request, 403);
    const std::string key = key_for(Role::recognise);
    asked(with_key(request, key));
    Gallery gallery = Gallery::open(place(), Access::read_write);
    revoke_access_key(gallery, gallery.access_keys().at(0).id);
    service_->follow();
  }
}

TEST_F(ServiceTest, OtherPagesMayLeadHereButNotLoad) {
  HttpRequest request = bare("GET", "/v1/people");
  request.headers["sec-fetch-site"] = "cross-site";
  request.headers["sec-fetch-mode"] = "no-cors";
  asked(request, 403);
  request.headers["sec-fetch-mode"] = "navigate";
  asked(request);
  EXPECT_EQ(service_->handle(bare("GET", "/")).headers.at("Cross-Origin-Resource-Policy"),
            "same-origin");
}

TEST_F(ServiceTest, WhatClientsInventIsNotCountedByName) {
  for (int i = 0; i < 100; ++i) {
    service_->handle(bare(std::string("METHOD").append(std::to_string(i)), "/v1/model"));
    service_->handle(bare("GET", std::string("/nothing/").append(std::to_string(i))));
  }
  const std::string text = service_->handle(bare("GET", "/metrics")).body;
  EXPECT_THAT(text, testing::Not(HasSubstr("METHOD")));
  EXPECT_LT(std::ranges::count(text, '\n'), 60);
  EXPECT_EQ(records_.front().method, "other");
}

TEST_F(ServiceTest, DeepOrEndlessJsonIsRefusedAtOnce) {
  for (const std::string& body :
       {std::string(4'000'000, '['),
        "{\"subject\":" + std::string(100, '[') + std::string(100, ']') + "}"}) {
    EXPECT_THAT(asked(bare("POST", "/api/v1/recognition/subjects", body), 400)["message"]
                    .get<std::string>(),
                HasSubstr("levels"));
  }
  std::string many = "[0";
  for (int i = 0; i < 2'100'000; ++i) many += ",0";
  asked(bare("POST", "/api/v1/recognition/faces/delete", many + "]"), 400);
}

TEST_F(ServiceTest, WhoHasNoKeyIsRefusedBeforeTheBody) {
  const HttpRequest who = bare("POST", "/v1/identify");
  EXPECT_FALSE(service_->admit(who));
  EXPECT_EQ(service_->admit(bare("GET", "/healthz"))->status, 200);
  EXPECT_EQ(service_->admit(bare("GET", "/nothing"))->status, 404);
  HttpRequest foreign = who;
  foreign.headers["origin"] = "https://evil.example";
  EXPECT_EQ(service_->admit(foreign)->status, 403);
  const std::string key = key_for(Role::recognise);
  EXPECT_EQ(service_->admit(who)->status, 401);
  EXPECT_EQ(service_->admit(with_key(who, "wrong"))->status, 401);
  EXPECT_FALSE(service_->admit(with_key(who, key)));
  EXPECT_FALSE(service_->admit(bare("GET", "/")));
}

TEST_F(ServiceTest, ServesThePageWithItsLimits) {
  const HttpResponse page = service_->handle(bare("GET", "/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.headers.at("Content-Security-Policy"), HasSubstr("default-src 'self'"));
  EXPECT_EQ(page.headers.at("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(service_->handle(bare("GET", "/chart.js")).body, HasSubstr("Chart.js"));
  EXPECT_EQ(service_->handle(bare("GET", "/../etc/passwd")).status, 404);
}

}  // namespace
}  // namespace doppel::internal

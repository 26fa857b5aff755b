#include "doppel/service/service.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "doppel/base/error.h"
#include "doppel/data/synthetic.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/model/embedding.h"

namespace doppel {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Pictures as their own embeddings: equal ones are at distance 0, others are far.
Model grey_model() {
  Model model;
  model.network = {{1, 14, 12}, {Flatten{}}};
  model.members = {{}};
  model.preprocessing = {12, 14, 1, true};
  model.energy.kind = EnergyKind::squared_euclidean;
  model.threshold =
      Threshold{0.01,  5,   0.004,
                0.021, 450, 4500,
                0.89,  30,  {{{0.001, 1, 1e-4, 0.01}, {0.01, 5, 0.004, 0.021}}, 2e-4}};
  return model;
}

std::string face_png(uint32_t person) { return encode_png(synthetic_face(1, person, 0)); }

HttpRequest post_photos(const std::string& target,
                        const std::vector<std::pair<std::string, std::string>>& photos) {
  HttpRequest request;
  request.method = "POST";
  read_target(target, request);
  request.headers["content-type"] = "multipart/form-data; boundary=edge";
  for (const auto& [name, bytes] : photos) {
    request.body += "--edge\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"" + name +
                    "\"\r\n\r\n" + bytes + "\r\n";
  }
  request.body += "--edge--\r\n";
  return request;
}

HttpRequest bare(const std::string& method, const std::string& target) {
  HttpRequest request;
  request.method = method;
  read_target(target, request);
  return request;
}

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "serviceXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    Gallery gallery = Gallery::create(place(), settings_for(grey_model(), "m"));
    enrol(gallery, "Ada", 1);
    enrol(gallery, "Grace", 2);
    service_ = std::make_unique<Service>(grey_model(), std::move(gallery), 2, IndexProgress(),
                                         [this](const RequestRecord& record) {
                                           const std::lock_guard lock(mutex_);
                                           records_.push_back(record);
                                         });
  }
  void TearDown() override {
    service_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string place() const { return (folder_ / "g").string(); }
  static void enrol(Gallery& gallery, const std::string& name, uint32_t person) {
    const Model model = grey_model();
    ThreadPool pool(1);
    const Matrix rows =
        embed_images(model, std::vector<Image>{decode_image(face_png(person), "x")}, pool);
    NewPerson added;
    added.name = name;
    added.templates = {{"x", rows.values, std::string(64, static_cast<char>('0' + person)), 1, ""}};
    gallery.enrol(std::vector<NewPerson>{added});
  }
  json asked(const HttpRequest& request, int status = 200) {
    const HttpResponse response = service_->handle(request);
    EXPECT_EQ(response.status, status) << response.body;
    const json document = json::parse(response.body);
    if (status != 200) {
      EXPECT_EQ(document["code"], status);
      EXPECT_TRUE(document["message"].is_string());
    }
    return document;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Service> service_;
  std::mutex mutex_;
  std::vector<RequestRecord> records_;
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
  asked(bare("GET", "/"), 404);
  asked(bare("GET", "/v1/model/"), 404);
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
  EXPECT_EQ(service_->people(), 3u);
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

}  // namespace
}  // namespace doppel

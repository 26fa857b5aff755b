// CompreFace's routes, asked as its clients do (compreface_collection.h, compreface_recognition.h).
#include "doppel/service/compreface_recognition.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "doppel/base/base64.h"
#include "doppel/image/resize.h"
#include "doppel/service/image_id.h"
#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::string kSubjects = "/api/v1/recognition/subjects";
const std::string kFaces = "/api/v1/recognition/faces";
const std::string kRecognize = "/api/v1/recognition/recognize";
const std::string kVerify = "/api/v1/verification/verify";
const std::string kDetect = "/api/v1/detection/detect";

class CompreFace : public ServiceFixture {
 protected:
  static HttpRequest file(const std::string& target, uint32_t person) {
    return form(target, {{"file", "f.png", face_png(person)}});
  }
  static HttpRequest base64(const std::string& target, uint32_t person) {
    return bare("POST", target, json{{"file", to_base64(face_png(person))}}.dump());
  }
  static HttpRequest two(uint32_t source, uint32_t target) {
    return form(kVerify, {{"source_image", "s.png", face_png(source)},
                          {"target_image", "t.png", face_png(target)}});
  }
  // An error of this status and code, with these words.
  void refused(const HttpRequest& request, int status, int code, const std::string& words = "") {
    const json document = asked(request, status);
    EXPECT_EQ(document["code"], code) << request.path << document;
    EXPECT_EQ(document.size(), 2u);
    EXPECT_THAT(document["message"].get<std::string>(), HasSubstr(words));
  }
  std::string image_of(const std::string& subject) {
    const json listed = asked(bare("GET", kFaces + "?subject=" + subject));
    return listed["faces"].at(0)["image_id"].get<std::string>();
  }
  std::vector<float> embedding_of(uint32_t person) {
    return asked(file(kDetect + "?face_plugins=calculator", person))["result"][0]["embedding"]
        .get<std::vector<float>>();
  }
};

TEST_F(CompreFace, KeepsSubjects) {
  EXPECT_EQ(asked(bare("POST", kSubjects, R"({"subject": "Mary"})"), 201),
            (json{{"subject", "Mary"}}));
  EXPECT_THAT(asked(bare("GET", kSubjects))["subjects"], ElementsAre("Ada", "Grace", "Mary"));
  refused(bare("POST", kSubjects, R"({"subject": "Mary"})"), 400, 43);
  refused(bare("POST", kSubjects, R"({"subject": " "})"), 400, 26);
  refused(bare("POST", kSubjects, R"({"subject": 3})"), 400, 26);
  refused(bare("POST", kSubjects, R"({})"), 400, 26);
  refused(bare("POST", kSubjects, "{"), 400, 36, "JSON");
  EXPECT_EQ(asked(bare("PUT", kSubjects + "/Mary", R"({"subject": "Mary/S"})")),
            (json{{"updated", true}}));
  EXPECT_EQ(asked(bare("DELETE", kSubjects + "/Mary%2FS")), (json{{"subject", "Mary/S"}}));
  refused(bare("DELETE", kSubjects + "/Mary"), 404, 42);
  refused(bare("PUT", kSubjects + "/Mary", R"({"subject": "x"})"), 404, 42);
  EXPECT_EQ(asked(bare("DELETE", kSubjects)), (json{{"deleted", 2}}));
  EXPECT_THAT(asked(bare("GET", kSubjects + "/"))["subjects"], testing::IsEmpty());
}

TEST_F(CompreFace, RenamingToAnotherMergesTheTwo) {
  EXPECT_EQ(asked(bare("PUT", kSubjects + "/Grace", R"({"subject": "Ada"})"))["updated"], true);
  EXPECT_THAT(asked(bare("GET", kSubjects))["subjects"], ElementsAre("Ada"));
  EXPECT_EQ(asked(bare("GET", kFaces + "?subject=Ada"))["total_elements"], 2);
  EXPECT_EQ(asked(file(kRecognize, 2))["result"][0]["subjects"][0]["subject"], "Ada");
}

TEST_F(CompreFace, ASubjectIsOneHoweverItIsWritten) {
  const std::string composed = "Zo%C3%AB", decomposed = "Zoe%CC%88";
  const json added = asked(file(kFaces + "?subject=" + decomposed, 5), 201);
  EXPECT_EQ(added["subject"], "Zo\u00eb");
  EXPECT_EQ(asked(file(kFaces + "?subject=" + composed, 5), 201), added);
  for (const std::string& form : {composed, decomposed}) {
    const json listed = asked(bare("GET", kFaces + "?subject=" + form));
    ASSERT_EQ(listed["total_elements"], 1);
    EXPECT_EQ(listed["faces"][0]["subject"], "Zo\u00eb");
    EXPECT_EQ(asked(bare("GET", "/v1/people/" + form))["name"], "Zo\u00eb");
    EXPECT_EQ(asked(bare("GET", "/v1/people?search=" + form))["total"], 1);
  }
  refused(bare("POST", kSubjects, json{{"subject", "Zoe\u0308"}}.dump()), 400, 43);
  refused(bare("POST", kSubjects, json{{"subject", "Zo\u00eb\u200b"}}.dump()), 400, 26);
  refused(bare("POST", kSubjects, json{{"subject", "unknown"}}.dump()), 400, 26, "strangers");
  refused(bare("POST", kSubjects, json{{"subject", "\uff21da"}}.dump()), 400, 36,
          "looks like \"Ada\"");
  refused(file(kFaces + "?subject=unknown_person", 6), 400, 26, "strangers");
  refused(bare("PUT", kSubjects + "/Ada", R"({"subject": "Unknown"})"), 400, 26, "strangers");
  asked(bare("DELETE", kSubjects + "/" + decomposed));
  EXPECT_THAT(asked(bare("GET", kSubjects))["subjects"], ElementsAre("Ada", "Grace"));
}

TEST_F(CompreFace, KeepsFaces) {
  const json added = asked(file(kFaces + "?subject=Mary", 5), 201);
  EXPECT_EQ(added["subject"], "Mary");
  EXPECT_TRUE(is_uuid(added["image_id"].get<std::string>()));
  EXPECT_EQ(added.size(), 2u);
  EXPECT_EQ(asked(file(kRecognize, 5))["result"][0]["subjects"][0]["subject"], "Mary");
  EXPECT_EQ(asked(file(kFaces + "?subject=Mary", 5), 201), added) << "once more is the same";
  refused(file(kFaces + "?subject=Ada", 5), 400, 26, "enrolled already, as \"Mary\"");
  asked(base64(kFaces + "?subject=Mary", 6), 201);

  const json page = asked(bare("GET", kFaces + "?page=1&size=3"));
  EXPECT_EQ(page["page_number"], 1);
  EXPECT_EQ(page["page_size"], 3);
  EXPECT_EQ(page["total_pages"], 2);
  EXPECT_EQ(page["total_elements"], 4);
  EXPECT_EQ(page["faces"].size(), 1u);
  EXPECT_EQ(page["faces"][0]["subject"], "Mary");
  EXPECT_EQ(asked(bare("GET", kFaces))["page_size"], 20);
  EXPECT_EQ(asked(bare("GET", kFaces + "?subject=nobody"))["total_elements"], 0);

  const std::string id = added["image_id"].get<std::string>();
  EXPECT_EQ(asked(bare("DELETE", kFaces + "/" + id)), added);
  refused(bare("DELETE", kFaces + "/" + id), 404, 44, id);
  refused(bare("DELETE", kFaces + "/x"), 400, 36, "UUID");
  EXPECT_EQ(asked(bare("DELETE", kFaces + "?subject=Mary")), (json{{"deleted", 1}}));
  refused(bare("DELETE", kFaces + "?subject=nobody"), 404, 42);
  EXPECT_THAT(asked(bare("GET", kSubjects))["subjects"], ElementsAre("Ada", "Grace", "Mary"))
      << "a subject stays without its photos";
  EXPECT_EQ(asked(bare("DELETE", kFaces)), (json{{"deleted", 2}}));
  EXPECT_EQ(asked(file(kRecognize, 1))["result"][0]["subjects"], json::array());
}

// Each of these has once deleted everybody.
TEST_F(CompreFace, ASlipDeletesNobody) {
  const std::string fields =
      "--edge\r\nContent-Disposition: form-data; name=\"subject\"\r\n\r\nAda"
      "\r\n--edge--\r\n";
  for (const std::string& target : {kSubjects + "/",
                                    kFaces + "/",
                                    kFaces + "/?subject=Ada",
                                    kSubjects + "/?",
                                    kSubjects + "?",
                                    kFaces + "?",
                                    kFaces + "?&",
                                    kFaces + "?=Ada",
                                    kFaces + "?Ada",
                                    kFaces + "?Subject=Ada",
                                    kFaces + "?subjects=Ada",
                                    kFaces + "?%20subject=Ada",
                                    kFaces + "?subject=Ada&dry_run=true",
                                    kFaces + "?subject=Ada&subject=Grace",
                                    kFaces + "?subject=Ada&subject=Ada",
                                    kFaces + "?subject=Ada&",
                                    kSubjects + "?subject=Ada",
                                    kSubjects + "?Ada",
                                    kSubjects + "/Ada/",
                                    kSubjects + "/Ada?",
                                    kSubjects + "/Ada?force=true"}) {
    refused(bare("DELETE", target), 400, 36, "DELETE /api/v1/recognition/");
  }
  for (const char* query : {"?subject=", "?subject", "?subject=+", "?subject=%20%20"}) {
    refused(bare("DELETE", kFaces + query), 400, 26, "a name was expected");
  }
  for (const std::string& target :
       {kSubjects, kFaces, kSubjects + "/Ada", kFaces + "?subject=Ada"}) {
    for (const char* body : {"subject=Ada", R"({"subject": "Ada"})", "[]"}) {
      refused(bare("DELETE", target, body), 400, 36, "no body");
    }
    HttpRequest request = bare("DELETE", target, fields);
    request.headers["content-type"] = "multipart/form-data; boundary=edge";
    refused(request, 400, 36, "no body");
  }
  for (const std::string& target : {kSubjects + "//", kSubjects + "/%20", kFaces + "//"}) {
    EXPECT_GE(service_->handle(bare("DELETE", target)).status, 400) << target;
  }
  EXPECT_EQ(asked(bare("POST", kFaces + "/delete", "[]")), json::array());
  // The same mistakes in what else changes something.
  refused(bare("PUT", kSubjects + "/Ada?dry_run=true", R"({"subject": "Mary"})"), 400, 36,
          "dry_run");
  refused(bare("POST", kSubjects + "?subject=x", R"({"subject": "Mary"})"), 400, 36, "only: none");
  refused(file(kFaces + "?subject=Mary&Det_prob_threshold=0.9", 5), 400, 36, "det_prob_threshold");
  refused(file(kFaces + "?subject=Mary&subject=Ann", 5), 400, 36, "twice");
  for (const std::string& target : {std::string("/v1/decision"), std::string("/v1/people"),
                                    std::string("/v1/synthetic-people")}) {
    asked(bare(target == "/v1/decision" ? "PUT" : "POST", target + "?dry_run=1", "{}"), 400);
  }
  EXPECT_EQ(asked(bare("GET", kFaces))["total_elements"], 2);
  EXPECT_THAT(asked(bare("GET", kSubjects))["subjects"], ElementsAre("Ada", "Grace"));
}

// As CompreFace's SDKs for Python and JavaScript write them; they may send what is unknown here.
TEST_F(CompreFace, WhoReadsMaySendMoreThanIsKnown) {
  EXPECT_EQ(asked(bare("GET", kSubjects + "/?x=1"))["subjects"].size(), 2u);
  EXPECT_EQ(asked(bare("GET", kFaces + "/?Page=1"))["total_elements"], 2);
  asked(file(kRecognize + "?&limit=0&det_prob_threshold=0.8&prediction_count=1&face_plugins=age,"
                          "gender,mask&status=True&new_in_1_3=x&limit=0",
             1));
  asked(file(kFaces + "?subject=Mary&det_prob_threshold=0.8&limit=1", 5), 201);
  HttpRequest without_body = bare("DELETE", kSubjects + "/Mary");
  without_body.headers["content-type"] = "application/json";
  without_body.headers["content-length"] = "0";
  asked(without_body);
}

TEST_F(CompreFace, DeletesListedFaces) {
  const std::string ada = image_of("Ada"), grace = image_of("Grace");
  const std::string stranger = "6b135f5b-a365-4522-b1f1-4c9ac2dd0728";
  const json deleted = asked(bare("POST", kFaces + "/delete", json{ada, stranger, ada}.dump()));
  EXPECT_EQ(deleted, (json::array({{{"image_id", ada}, {"subject", "Ada"}}})));
  refused(bare("POST", kFaces + "/delete", json{grace, "x"}.dump()), 400, 36);
  refused(bare("POST", kFaces + "/delete", "{}"), 400, 36);
  EXPECT_EQ(asked(bare("GET", kFaces))["total_elements"], 1) << "all or none";
}

TEST_F(CompreFace, GivesNoPhotoWhereNoneAreKept) {
  const HttpResponse photo = service_->handle(bare("GET", kFaces + "/" + image_of("Ada") + "/img"));
  EXPECT_EQ(photo.status, 200);
  EXPECT_EQ(photo.body, "");
}

TEST_F(CompreFace, Recognizes) {
  for (const HttpRequest& request : {file(kRecognize, 1), base64(kRecognize, 1)}) {
    const json answer = asked(request);
    EXPECT_EQ(answer.size(), 1u);
    const json& face = answer["result"].at(0);
    EXPECT_EQ(
        face["box"],
        (json{{"probability", 1.0}, {"x_min", 0}, {"y_min", 0}, {"x_max", 92}, {"y_max", 112}}));
    EXPECT_EQ(face["subjects"].size(), 1u);
    EXPECT_EQ(face["subjects"][0]["subject"], "Ada");
    EXPECT_GT(face["subjects"][0]["similarity"], 0.99);
    EXPECT_EQ(face["unknown"], false);
    for (const char* left_out : {"embedding", "landmarks", "execution_time"}) {
      EXPECT_FALSE(face.contains(left_out));
    }
  }
  const json stranger = asked(
      file(kRecognize + "?prediction_count=5&limit=3&status=true&face_plugins=age,calculator", 9));
  const json& face = stranger["result"][0];
  EXPECT_EQ(face["unknown"], true);
  ASSERT_EQ(face["subjects"].size(), 2u) << "the closest people, whoever it is";
  EXPECT_GE(face["subjects"][0]["similarity"], face["subjects"][1]["similarity"]);
  EXPECT_LT(face["subjects"][0]["similarity"], 0.5);
  EXPECT_EQ(face["embedding"].size(), 168u);
  EXPECT_TRUE(face["execution_time"]["detector"].is_number());
  EXPECT_TRUE(stranger["plugins_versions"]["calculator"].is_string());
  EXPECT_EQ(records_.back().faces, 1u);
  EXPECT_EQ(records_.back().known, 0u);
}

TEST_F(CompreFace, SaysWhatIsWrongWithARequest) {
  refused(bare("POST", kRecognize), 400, 36, "multipart/form-data");
  refused(form(kRecognize, {{"photo", "f.png", face_png(1)}}), 400, 33, "file");
  refused(bare("POST", kRecognize, "{}"), 400, 5, "file");
  refused(bare("POST", kRecognize, R"({"file": 3})"), 400, 5, "file");
  refused(bare("POST", kRecognize, R"({"file": "no base64!"})"), 400, 5, "base64");
  refused(bare("POST", kRecognize, R"({"file": "aGVsbG8="})"), 400, 21, "no image");
  refused(form(kRecognize, {{"file", "f.png", face_png(1).substr(0, 60)}}), 400, 21);
  refused(file(kFaces, 1), 400, 33, "subject");
  refused(file(kFaces + "?subject=", 1), 400, 26, "subject");
  refused(file(kFaces + "?subject=%01", 1), 400, 26, "subject");
  for (const char* query : {"limit=-1", "limit=x", "prediction_count=0", "status=maybe"}) {
    refused(file(kRecognize + "?" + query, 1), 400, 36);
  }
  refused(file(kRecognize + "?det_prob_threshold=2", 1), 400, 26);
  refused(bare("PATCH", kRecognize), 404, 0);
  refused(bare("GET", "/api/v1/nothing"), 404, 0);
  refused(form(kVerify, {{"source_image", "f.png", face_png(1)}}), 400, 33, "target_image");
}

TEST_F(CompreFace, BrowsersDataAddressesAreBase64) {
  const json body = {{"file", "data:image/png;base64," + to_base64(face_png(1))}};
  EXPECT_EQ(asked(bare("POST", kRecognize, body.dump()))["result"][0]["unknown"], false);
}

TEST_F(CompreFace, VerifiesPhotos) {
  const json same = asked(two(3, 3));
  ASSERT_EQ(same["result"].size(), 1u);
  EXPECT_EQ(same["result"][0]["source_image_face"]["box"]["x_max"], 92);
  EXPECT_GT(same["result"][0]["face_matches"][0]["similarity"], 0.99);
  EXPECT_LT(asked(two(3, 4))["result"][0]["face_matches"][0]["similarity"], 0.5);
  const json body = {{"source_image", to_base64(face_png(3))},
                     {"target_image", to_base64(face_png(3))}};
  HttpRequest request = bare("POST", kVerify + "?status=true", body.dump());
  const json in_base64 = asked(request);
  EXPECT_EQ(in_base64["result"][0]["face_matches"][0]["similarity"],
            same["result"][0]["face_matches"][0]["similarity"]);
  EXPECT_TRUE(in_base64["result"][0]["plugins_versions"].is_object());
}

TEST_F(CompreFace, VerifiesAgainstAnEnrolledFace) {
  const std::string face = kFaces + "/" + image_of("Ada") + "/verify";
  for (const HttpRequest& request : {file(face, 1), base64(face, 1)}) {
    EXPECT_GT(asked(request)["result"][0]["similarity"], 0.99);
  }
  EXPECT_LT(asked(file(face, 2))["result"][0]["similarity"], 0.5);
  const std::string stranger = "6b135f5b-a365-4522-b1f1-4c9ac2dd0728";
  refused(file(kFaces + "/" + stranger + "/verify", 1), 404, 11, stranger);
  refused(file(kFaces + "/x/verify", 1), 400, 36);
}

TEST_F(CompreFace, Detects) {
  const json answer = asked(file(kDetect + "?face_plugins=calculator&detect_faces=false", 1));
  EXPECT_EQ(answer["result"][0]["embedding"].size(), 168u);
  EXPECT_EQ(answer["result"][0]["box"]["y_max"], 112);
  EXPECT_FALSE(answer["result"][0].contains("subjects"));
}

TEST_F(CompreFace, TakesEmbeddings) {
  const std::vector<float> ada = embedding_of(1), stranger = embedding_of(9);
  const std::string recognize = "/api/v1/recognition/embeddings/recognize";
  const json found = asked(bare("POST", recognize + "?prediction_count=2",
                                json{{"embeddings", {ada, stranger}}}.dump()));
  ASSERT_EQ(found["result"].size(), 2u);
  EXPECT_EQ(found["result"][0]["embedding"].get<std::vector<float>>(), ada);
  EXPECT_EQ(found["result"][0]["similarities"][0]["subject"], "Ada");
  EXPECT_EQ(found["result"][0]["unknown"], false);
  EXPECT_EQ(found["result"][1]["unknown"], true);

  const std::string stored = "/api/v1/recognition/embeddings/faces/" + image_of("Ada") + "/verify";
  const json verified = asked(bare("POST", stored, json{{"embeddings", {stranger, ada}}}.dump()));
  EXPECT_LT(verified["result"][0]["similarity"], 0.5);
  EXPECT_GT(verified["result"][1]["similarity"], 0.99);
  refused(bare("POST",
               "/api/v1/recognition/embeddings/faces/6b135f5b-a365-4522-b1f1-4c9ac2dd0728/verify",
               json{{"embeddings", {ada}}}.dump()),
          404, 44);

  const std::string verify = "/api/v1/verification/embeddings/verify";
  const json compared =
      asked(bare("POST", verify, json{{"source", ada}, {"targets", {ada, stranger}}}.dump()));
  EXPECT_GT(compared["result"][0]["similarity"], 0.99);
  EXPECT_LT(compared["result"][1]["similarity"], 0.5);
  // What no face gives names nobody.
  for (const float value : {0.0f, 2e15f}) {
    const std::vector<float> nothing(168, value);
    refused(bare("POST", recognize, json{{"embeddings", {ada, nothing}}}.dump()), 400, 37,
            "number 2");
    refused(bare("POST", verify, json{{"source", nothing}, {"targets", {ada}}}.dump()), 400, 37,
            "source");
  }
  for (const json& body :
       {json{{"embeddings", json::array()}}, json{{"embeddings", {{1, 2}}}}, json::object(),
        json{{"embeddings", 3}}, json{{"embeddings", {std::vector<std::string>(168, "x")}}}}) {
    refused(bare("POST", recognize, body.dump()), 400, 37, "embeddings");
  }
  refused(bare("POST", recognize, "[1]"), 400, 36);
}

TEST_F(CompreFace, AsksForKeysAsCompreFaceDoes) {
  std::string key;
  {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    key = add_access_key(gallery, Role::recognise, "");
  }
  service_->follow();
  refused(file(kRecognize, 1), 400, 20, "x-api-key");
  refused(with_key(file(kRecognize, 1), "6b135f5b-a365-4522-b1f1-4c9ac2dd0728"), 404, 10);
  asked(with_key(file(kRecognize, 1), key));
  EXPECT_EQ(asked(with_key(bare("DELETE", kSubjects), key), 403)["code"], 403);
  const std::string id = "6b135f5b-a365-4522-b1f1-4c9ac2dd0728";
  EXPECT_EQ(asked(bare("GET", "/api/v1/static/" + key + "/images/" + id), 403)["code"], 403);
  refused(bare("GET", "/api/v1/static/wrong/images/" + id), 404, 10);
  // By many comparisons with a template it can be worked out.
  for (const std::string& path : {std::string("recognize"), "faces/" + id + "/verify"}) {
    const HttpRequest probing =
        bare("POST", "/api/v1/recognition/embeddings/" + path, R"({"embeddings": [[1]]})");
    EXPECT_EQ(asked(with_key(probing, key), 403)["code"], 403);
  }
}

class CompreFaceWithPhotos : public CompreFace {
 protected:
  bool keeps_photos() const override { return true; }
};

TEST_F(CompreFaceWithPhotos, GivesThePhotosBack) {
  const std::string id = image_of("Ada");
  EXPECT_EQ(service_->handle(bare("GET", kFaces + "/" + id + "/img")).body, face_png(1));
  const std::string added =
      asked(base64(kFaces + "?subject=Mary", 6), 201)["image_id"].get<std::string>();
  EXPECT_EQ(service_->handle(bare("GET", kFaces + "/" + added + "/img")).body, face_png(6));
  std::string key;
  {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    key = add_access_key(gallery, Role::admin, "");
  }
  service_->follow();
  const std::string images = "/api/v1/static/" + key + "/images/";
  EXPECT_EQ(service_->handle(bare("GET", images + id)).body, face_png(1));
  EXPECT_EQ(service_->handle(bare("GET", images + "none")).body, "");
  EXPECT_EQ(records_.back().route, "/api/v1/static/{api_key}/images/{image_id}")
      << "the log has no keys";
  // Where the last key is gone nobody has one, whatever stands in the address.
  serve({.threads = 1, .open_without_keys = false});
  {
    Gallery gallery = Gallery::open(place(), Access::read_write);
    revoke_access_key(gallery, gallery.access_keys().at(0).id);
  }
  service_->follow();
  asked(bare("GET", images + id), 401);
}

// A model that takes photos as they are takes none that shows nothing.
TEST_F(CompreFace, APictureOfNothingHasNoFace) {
  const std::string black = encode_png(Image{92, 112, std::vector<float>(92 * 112)});
  const auto upload = [&](const std::string& target) {
    return form(target, {{"file", "f.png", black}});
  };
  for (const std::string& target : {kRecognize, kDetect, kFaces + "?subject=Mary"}) {
    refused(upload(target), 400, 28, "No face is found");
  }
  refused(form(kVerify, {{"source_image", "s.png", black}, {"target_image", "t.png", black}}), 400,
          28);
  const json found =
      asked(post_photos("/v1/identify", {{"black", black}, {"Ada", face_png(1)}}))["photos"];
  EXPECT_EQ(found[0]["faces"], json::array());
  EXPECT_EQ(found[1]["faces"][0]["name"], "Ada");
  EXPECT_THAT(asked(post_photos("/v1/verify", {{"a", black}, {"b", black}}), 400)["message"]
                  .get<std::string>(),
              HasSubstr("no face was found in a"));
}

class CompreFaceWithAlignment : public CompreFace {
 protected:
  void SetUp() override {
    if (!can_find_faces()) GTEST_SKIP() << "built without dlib";
    CompreFace::SetUp();
  }
  Model served_model() const override {
    Model model = grey_model();
    model.preprocessing.align = true;
    return model;
  }
  // Faces side by side, the second one smaller.
  static std::string side_by_side(uint32_t first, uint32_t second) {
    const Image large = resize(synthetic_face(1, first, 0), 276, 336);
    const Image small = resize(synthetic_face(1, second, 0), 184, 224);
    Image both{large.width + small.width, large.height, {}};
    both.pixels.assign(static_cast<size_t>(both.width) * static_cast<size_t>(both.height), 0.5f);
    for (int y = 0; y < large.height; ++y) {
      for (int x = 0; x < large.width; ++x) both.at(y, x) = large.at(y, x);
    }
    for (int y = 0; y < small.height; ++y) {
      for (int x = 0; x < small.width; ++x) both.at(y, large.width + x) = small.at(y, x);
    }
    return encode_png(both);
  }
  static HttpRequest upload(const std::string& target, const std::string& bytes) {
    return form(target, {{"file", "f.png", bytes}});
  }
};

TEST_F(CompreFaceWithAlignment, FindsFacesAndSaysWhereThereAreNoneOrTooMany) {
  const std::string wall = encode_png(Image{200, 200, std::vector<float>(200 * 200, 0.5f)});
  refused(upload(kRecognize, wall), 400, 28, "No face is found");
  refused(upload(kDetect, wall), 400, 28);
  refused(upload(kFaces + "?subject=Mary", wall), 400, 28);
  refused(upload(kFaces + "?subject=Mary", side_by_side(3, 4)), 400, 31, "more than one face");
  refused(upload(kDetect + "?det_prob_threshold=1", side_by_side(3, 4)), 400, 28);
  EXPECT_EQ(asked(upload(kFaces + "?subject=Mary&limit=1", side_by_side(3, 4)), 201)["subject"],
            "Mary");
  const HttpRequest verify = form(kVerify, {{"source_image", "s.png", side_by_side(3, 4)},
                                            {"target_image", "t.png", face_png(3)}});
  refused(verify, 400, 31);

  const json both = asked(upload(kRecognize + "?face_plugins=landmarks", side_by_side(3, 4)));
  ASSERT_EQ(both["result"].size(), 2u);
  const json &larger = both["result"][0], &smaller = both["result"][1];
  EXPECT_EQ(larger["subjects"][0]["subject"], "Mary");
  EXPECT_EQ(larger["unknown"], false);
  EXPECT_LT(larger["box"]["x_max"], smaller["box"]["x_max"]);
  EXPECT_GT(smaller["box"]["x_min"], 250);
  for (const json& face : both["result"]) {
    EXPECT_GT(face["box"]["probability"], 0.5);
    EXPECT_LT(face["box"]["probability"], 1);
    ASSERT_EQ(face["landmarks"].size(), 3u);
    EXPECT_LT(face["landmarks"][0][0], face["landmarks"][1][0]) << "an eye left of the other";
    EXPECT_LT(face["landmarks"][0][1], face["landmarks"][2][1]) << "and above the mouth";
  }
  EXPECT_EQ(asked(upload(kRecognize + "?limit=1", side_by_side(3, 4)))["result"].size(), 1u);
  const json whole = asked(upload(kDetect + "?detect_faces=false", side_by_side(3, 4)));
  ASSERT_EQ(whole["result"].size(), 1u);
  EXPECT_EQ(whole["result"][0]["box"]["x_max"], 460);
  refused(upload(kDetect + "?detect_faces=false", wall), 400, 28, "No face is found");
}

// Clients that enrol, remove and recognise at once: what was acknowledged is there.
TEST_F(CompreFace, LosesNoChangeOfManyClients) {
  constexpr uint32_t kClients = 32;
  // Each client's three photos show three people: nothing that scores could be made of.
  asked(bare("PUT", "/v1/decision", R"({"distance": 5})"));
  std::vector<std::thread> clients;
  std::atomic<int> wrong = 0;
  for (uint32_t client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const auto status = [&](const HttpRequest& request, int expected) {
        const HttpResponse response = service_->handle(request);
        if (response.status != expected) ++wrong;
        return json::parse(response.body);
      };
      const std::string name = std::string("P").append(std::to_string(client));
      for (uint32_t i = 0; i < 3; ++i) {
        status(file(kFaces + "?subject=" + name, 100 + 3 * client + i), 201);
        const json found = status(file(kRecognize, 100 + 3 * client + i), 200);
        if (found["result"][0]["subjects"][0]["subject"] != name) ++wrong;
      }
      if (client % 2 == 1) status(bare("DELETE", kSubjects + "/" + name), 200);
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(asked(bare("GET", kSubjects))["subjects"].size(), 2 + kClients / 2);
  EXPECT_EQ(asked(bare("GET", kFaces))["total_elements"], 2 + 3 * kClients / 2);
  EXPECT_EQ(asked(file(kRecognize, 100))["result"][0]["unknown"], false);
  EXPECT_EQ(asked(file(kRecognize, 103))["result"][0]["unknown"], true) << "was removed";
  EXPECT_TRUE(Gallery::open(place(), Access::read).check().empty());
}

TEST(Similarity, IsAHalfAtTheThresholdAndFalls) {
  EXPECT_DOUBLE_EQ(similarity_of(0.7, 0.7), 0.5);
  EXPECT_GT(similarity_of(0, 0.7), 0.999);
  EXPECT_DOUBLE_EQ(similarity_of(1.4, 0.7), 0.00034);
  double last = 2;
  for (int i = 0; i < 40; ++i) {
    const double similarity = similarity_of(0.05 * i, 0.7);
    EXPECT_LE(similarity, last);
    EXPECT_GE(similarity, 0);
    last = similarity;
  }
  EXPECT_DOUBLE_EQ(similarity_of(-1, 0), 1);
  EXPECT_DOUBLE_EQ(similarity_of(1, -0.5), 0);
}

}  // namespace
}  // namespace doppel::internal

#include "doppel/service/openapi.h"

#include <cctype>

#include "doppel/service/image_id.h"
#include "doppel/service/service_fixture.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

class OpenapiTest : public ServiceFixture {
 protected:
  bool keeps_photos() const override { return true; }

  int64_t template_of(const std::string& name) {
    int64_t id = 0;
    service_->gallery().look(
        [&](Gallery& gallery) { id = gallery.templates_of(gallery.find(name)->id).at(0).id; });
    return id;
  }
  std::string image_of(const std::string& name) {
    return image_id(service_->gallery().identity(), template_of(name));
  }
  std::vector<float> embedding() {
    std::vector<float> values;
    const int64_t id = template_of("Ada");
    service_->gallery().look([&](Gallery& gallery) { values = gallery.embedding(id); });
    return values;
  }

  // What the document says a request looks like, filled in with what there is.
  HttpRequest request_for(const std::string& path, const std::string& method,
                          const json& operation) {
    std::string target = path;
    const auto fill = [&](const std::string& name, const std::string& value) {
      const size_t at = target.find("{" + name + "}");
      if (at != std::string::npos) target.replace(at, name.size() + 2, value);
    };
    fill("name", "Ada");
    fill("subject", "Grace");
    fill("number", "3");
    fill("api_key", "none");
    fill("image_id", image_of("Ada"));
    EXPECT_EQ(target.find('{'), std::string::npos) << "a parameter that the test does not know";
    if (path == "/api/v1/recognition/faces" && method == "POST") target += "?subject=Mary";
    if (!operation.contains("requestBody")) return bare(method, target);
    const json& content = operation["requestBody"]["content"];
    if (content.contains("multipart/form-data")) {
      std::vector<FormFile> files;
      for (const auto& [field, schema] :
           content["multipart/form-data"]["schema"]["properties"].items()) {
        files.push_back({field, "a.png", face_png(7)});
        if (schema["type"] == "array") files.push_back({field, "b.png", face_png(8)});
      }
      HttpRequest request = form(target, files);
      request.method = method;
      return request;
    }
    if (content.contains("application/x-ndjson")) {
      HttpRequest request = bare(method, target);
      request.body = service_->handle(bare("GET", "/v1/people/Ada/export")).body;
      return request;
    }
    json body = content["application/json"]["example"];
    if (body.contains("embeddings")) body["embeddings"] = {embedding()};
    if (body.contains("source")) body = {{"source", embedding()}, {"targets", {embedding()}}};
    if (body.contains("subject")) body["subject"] = method + " Mary";
    return bare(method, target, body.dump());
  }
};

TEST_F(OpenapiTest, EveryRouteAnswersAsTheDocumentSays) {
  const json document = asked(bare("GET", "/openapi.json"));
  EXPECT_EQ(document["openapi"], "3.0.3");
  size_t walked = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [lower, operation] : methods.items()) {
      std::string method = lower;
      for (char& c : method) c = static_cast<char>(std::toupper(c));
      SCOPED_TRACE(method + " " + path);
      ++walked;
      // Each in a gallery as it was, so that deleting does not matter.
      TearDown();
      SetUp();
      const json& responses = operation["responses"];
      std::string success;
      for (const auto& [status, response] : responses.items()) {
        if (status[0] == '2') success = status;
      }
      if (path == "/v1/synthetic-people") {
        asked(bare("DELETE", "/api/v1/recognition/subjects"));
        ASSERT_EQ(service_->handle(bare(method, path, "{\"people\": 3}")).status, 201);
        continue;
      }
      const HttpResponse answer = service_->handle(request_for(path, method, operation));
      ASSERT_EQ(std::to_string(answer.status), success) << answer.body;
      const json& content = responses[success]["content"];
      ASSERT_TRUE(content.contains(answer.content_type)) << answer.content_type;
      const json& schema = content[answer.content_type]["schema"];
      if (answer.content_type == "application/json") {
        const json body = json::parse(answer.body);
        for (const json& field : schema.value("required", json::array())) {
          EXPECT_TRUE(body.contains(field.get<std::string>())) << field;
        }
      }
      // Whoever has no key is refused as it says.
      {
        Gallery gallery = Gallery::open(place(), Access::read_write);
        add_access_key(gallery, Role::admin, "");
      }
      service_->follow();
      const HttpResponse refused = service_->handle(bare(method, path));
      const bool open = !operation.contains("security");
      if (!open) {
        const bool key_in_path = path.find("{api_key}") != std::string::npos;
        EXPECT_EQ(refused.status, key_in_path ? 404 : path.starts_with("/api/v1/") ? 400 : 401);
      }
      EXPECT_TRUE(responses.contains(std::to_string(refused.status))) << refused.status;
    }
  }
  size_t documented = 0;
  for (const Route& route : service_->routes().routes()) {
    if (route.summary != "The page") ++documented;
  }
  EXPECT_EQ(walked, documented) << "each route once";
  EXPECT_GT(walked, 30u);
}

TEST(Openapi, ReferencesLeadSomewhere) {
  RouteTable table;
  table.add({.method = "POST", .path = "/x/{id}", .body = RequestBody::file});
  const json document = openapi_document(table);
  const json& operation = document["paths"]["/x/{id}"]["post"];
  EXPECT_EQ(operation["parameters"][0]["name"], "id");
  EXPECT_EQ(operation["responses"]["503"]["$ref"], "#/components/responses/Refused");
  EXPECT_TRUE(document["components"]["responses"].contains("Refused"));
  EXPECT_TRUE(operation["requestBody"]["content"].contains("multipart/form-data"));
}

}  // namespace
}  // namespace doppel::internal

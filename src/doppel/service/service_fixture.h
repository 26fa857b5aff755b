// A service of a model that recognises by the pixels, and requests as clients make them.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "doppel/data/dataset.h"
#include "doppel/data/synthetic.h"
#include "doppel/image/decode.h"
#include "doppel/image/encode.h"
#include "doppel/image/image_digest.h"
#include "doppel/model/embedding.h"
#include "doppel/model/twin_networks.h"
#include "doppel/service/service.h"

namespace doppel::internal {

// Pictures as their own embeddings: equal ones are at distance 0, others are far.
inline Model grey_model() {
  Model model;
  twins(model).network = {{1, 14, 12}, {Flatten{}}};
  twins(model).members = {{}};
  model.preprocessing = {12, 14, 1, true};
  model.energy.kind = EnergyKind::squared_euclidean;
  model.threshold =
      Threshold{0.01,  5,   0.004,
                0.021, 450, 4500,
                0.89,  30,  {{{0.001, 1, 1e-4, 0.01}, {0.01, 5, 0.004, 0.021}}, 2e-4}};
  return model;
}

inline std::string face_png(uint32_t person) { return encode_png(synthetic_face(1, person, 0)); }

inline HttpRequest bare(const std::string& method, const std::string& target,
                        const std::string& body = "") {
  HttpRequest request;
  request.method = method;
  read_target(target, request);
  request.headers["host"] = "127.0.0.1:8080";
  if (!body.empty()) request.headers["content-type"] = "application/json";
  request.body = body;
  return request;
}

struct FormFile {
  std::string field, name, bytes;
};

inline HttpRequest form(const std::string& target, const std::vector<FormFile>& files) {
  HttpRequest request = bare("POST", target);
  request.headers["content-type"] = "multipart/form-data; boundary=edge";
  for (const FormFile& file : files) {
    request.body += "--edge\r\nContent-Disposition: form-data; name=\"" + file.field +
                    "\"; filename=\"" + file.name + "\"\r\n\r\n" + file.bytes + "\r\n";
  }
  request.body += "--edge--\r\n";
  return request;
}

inline HttpRequest post_photos(const std::string& target,
                               const std::vector<std::pair<std::string, std::string>>& photos) {
  std::vector<FormFile> files;
  for (const auto& [name, bytes] : photos) files.push_back({"photo", name, bytes});
  return form(target, files);
}

inline HttpRequest with_key(HttpRequest request, const std::string& key) {
  request.headers["x-api-key"] = key;
  return request;
}

// Ada and Grace are in the gallery, as persons 1 and 2 of face_png().
class ServiceFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "serviceXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    GallerySettings settings = settings_for(served_model(), "m");
    settings.photos = keeps_photos();
    Gallery gallery = Gallery::create(place(), settings);
    enrol(gallery, "Ada", 1);
    enrol(gallery, "Grace", 2);
    serve({.threads = 2});
  }
  void TearDown() override {
    service_.reset();
    std::filesystem::remove_all(folder_);
  }
  virtual bool keeps_photos() const { return false; }
  virtual Model served_model() const { return grey_model(); }

  void serve(const ServiceSettings& settings) {
    service_ = std::make_unique<Service>(
        served_model(), place(), settings,
        [this](const std::string& note) {
          const std::lock_guard lock(mutex_);
          notes_.push_back(note);
        },
        [this](const RequestRecord& record) {
          const std::lock_guard lock(mutex_);
          records_.push_back(record);
        });
  }

  std::string place() const { return (folder_ / "g").string(); }
  static void enrol(Gallery& gallery, const std::string& name, uint32_t person) {
    const Image image = decode_image(face_png(person), "x");
    ThreadPool pool(1);
    const Matrix rows = embed_images(grey_model(), std::vector<Image>{image}, pool);
    NewPerson added;
    added.name = name;
    added.templates = {{"x", rows.values, image_digest(image), 1, face_png(person)}};
    gallery.enrol(std::vector<NewPerson>{added});
  }
  // The answer, which has the given status; errors say as much.
  nlohmann::json asked(const HttpRequest& request, int status = 200) {
    const HttpResponse response = service_->handle(request);
    EXPECT_EQ(response.status, status) << request.path << ": " << response.body;
    const nlohmann::json document = nlohmann::json::parse(response.body);
    if (status >= 400) {
      EXPECT_TRUE(document["code"].is_number_integer());
      EXPECT_TRUE(document["message"].is_string());
    }
    return document;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Service> service_;
  std::mutex mutex_;
  std::vector<RequestRecord> records_;
  std::vector<std::string> notes_;
};

}  // namespace doppel::internal

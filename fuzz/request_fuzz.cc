// Any bytes as a request to the service: its first line is the method and the target, its second
// the content type, the rest the body. An answer with a status of ours, JSON where it says so; and
// a gallery that is still whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "doppel/error.h"
#include "doppel/model/twin_networks.h"
#include "doppel/service/service.h"

namespace {

// A small picture's pixels are its embedding.
doppel::internal::Model small_model() {
  doppel::internal::Model model;
  doppel::internal::twins(model).network = {{1, 3, 2}, {doppel::internal::Flatten{}}};
  doppel::internal::twins(model).members = {{}};
  model.preprocessing = {2, 3, 1, true};
  model.threshold = doppel::internal::Threshold{
      0.01, 0.5, 0.004, 0.021, 450, 4500, 0.89, 30, {{{0.01, 0.5, 0, 1}}, 2e-4}};
  return model;
}

// Gone at the end.
struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "request_fuzzXXXXXX").string();

  Folder() {
    if (mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

doppel::internal::Service& service() {
  static const Folder folder;
  static const std::string gallery = folder.path + "/gallery";
  static const auto made = [] {
    doppel::internal::Gallery::create(gallery,
                                      doppel::internal::settings_for(small_model(), "model"));
    return std::make_unique<doppel::internal::Service>(
        small_model(), gallery, doppel::internal::ServiceSettings{}, [](const std::string&) {},
        doppel::internal::Service::Log());
  }();
  return *made;
}

std::string line_of(std::string& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  std::string line = rest.substr(0, end);
  rest.erase(0, std::min(end + 1, rest.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  const std::string first = line_of(rest);
  const size_t space = std::min(first.find(' '), first.size());
  doppel::internal::HttpRequest request;
  request.method = first.substr(0, space);
  try {
    doppel::internal::read_target(first.substr(std::min(space + 1, first.size())), request);
  } catch (const doppel::Error&) {
    return 0;
  }
  request.headers["host"] = "localhost";
  request.headers["content-type"] = line_of(rest);
  request.body = rest;
  const doppel::internal::HttpResponse response = service().handle(request);
  if (response.status < 200 || response.status > 503) std::abort();
  if (response.content_type == "application/json" && !nlohmann::json::accept(response.body)) {
    std::abort();
  }
  service().gallery().look([](doppel::internal::Gallery& gallery) {
    if (!gallery.check().empty()) std::abort();
  });
  return 0;
}

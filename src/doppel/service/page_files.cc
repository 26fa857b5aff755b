#include "doppel/service/page_files.h"

#include "doppel/service/page_bytes.h"

namespace doppel::internal {
namespace {

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/javascript; charset=utf-8";
}

}  // namespace

const std::vector<PageFile>& page_files() {
  static const std::vector<PageFile> files = [] {
    std::vector<PageFile> all;
    for (const auto& [path, bytes] : kPageBytes) {
      const bool first = path == "/index.html";
      all.push_back({first ? "/" : path, type_of(path), bytes});
    }
    return all;
  }();
  return files;
}

void add_page_routes(RouteTable& table) {
  for (const PageFile& file : page_files()) {
    table.add({.method = "GET",
               .path = std::string(file.path),
               .permission = Permission::open,
               .summary = "The page",
               .content_type = std::string(file.content_type),
               .answer = [&file](const RouteRequest&) {
                 HttpResponse response;
                 response.content_type = file.content_type;
                 response.body = file.bytes;
                 response.headers = {
                     {"Content-Security-Policy",
                      "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
                      "object-src 'none'; base-uri 'none'; form-action 'self'; "
                      "frame-ancestors 'none'"},
                     {"Cache-Control", "no-cache"},
                     {"Referrer-Policy", "no-referrer"}};
                 return response;
               }});
  }
}

}  // namespace doppel::internal

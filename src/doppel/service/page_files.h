// The page: the files of web/app/ and Chart.js, which are part of the program.
#pragma once

#include <string_view>
#include <vector>

#include "doppel/service/route.h"

namespace doppel::internal {

struct PageFile {
  std::string_view path, content_type, bytes;  // "/", "text/html; charset=utf-8"
};
const std::vector<PageFile>& page_files();

// Serves them to everybody: they know nobody. What they may load and do is limited to their own
// origin (Content-Security-Policy).
void add_page_routes(RouteTable& table);

}  // namespace doppel::internal

// The service's routes as an OpenAPI 3 document, for people and for generators of clients.
#pragma once

#include <nlohmann/json.hpp>

#include "doppel/service/route.h"

namespace doppel::internal {

// OpenAPI 3.0.3, made from what the table knows of its routes.
nlohmann::json openapi_document(const RouteTable& table);

}  // namespace doppel::internal

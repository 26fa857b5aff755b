// The routes that recognise: who is on a photo, whether two show one person, and why.
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

//   POST /v1/identify, /v1/verify, /v1/embed, /v1/explain
//   GET  /v1/model
// The parts outlive the table.
void add_recognition_routes(RouteTable& table, ServiceParts& parts);

}  // namespace doppel::internal

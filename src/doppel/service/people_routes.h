// The routes by which people look at the gallery and change it: what the page needs beside the
// routes that other clients know (compreface_collection.h).
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

//   GET  /v1/people, /v1/people/{name}, /v1/people/{name}/export
//   POST /v1/people               an export back in
//   PUT  /v1/decision             where the gallery draws the line
//   POST /v1/synthetic-people     fills an empty gallery with drawn, invented people
//   GET  /v1/synthetic-people/{number}
// The parts outlive the table.
void add_people_routes(RouteTable& table, ServiceParts& parts);

}  // namespace doppel::internal

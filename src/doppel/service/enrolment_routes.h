// The routes by which a person is enrolled from several photos: a look at the faces on photos
// before they are used, and all photos of one person in one request.
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

//   POST /v1/faces                  the faces on each photo and their quality
//   POST /v1/people/{name}/photos   all of them become templates of that person, or none does
// The parts outlive the table.
void add_enrolment_routes(RouteTable& table, ServiceParts& parts);

}  // namespace doppel::internal

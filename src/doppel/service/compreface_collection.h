// CompreFace's routes of subjects and of their enrolled photos.
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

//   POST, GET, DELETE       /api/v1/recognition/subjects
//   PUT, DELETE             /api/v1/recognition/subjects/{subject}
//   POST, GET, DELETE       /api/v1/recognition/faces
//   POST                    /api/v1/recognition/faces/delete
//   DELETE                  /api/v1/recognition/faces/{image_id}
//   GET                     /api/v1/recognition/faces/{image_id}/img
//   GET                     /api/v1/static/{api_key}/images/{image_id}
// The parts outlive the table.
void add_compreface_collection(RouteTable& table, ServiceParts& parts);

}  // namespace doppel::internal

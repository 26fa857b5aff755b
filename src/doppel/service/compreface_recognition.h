// CompreFace's routes that recognise, compare and detect: photos, and embeddings.
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel::internal {

//   POST /api/v1/recognition/recognize
//   POST /api/v1/recognition/faces/{image_id}/verify
//   POST /api/v1/verification/verify
//   POST /api/v1/detection/detect
//   POST /api/v1/recognition/embeddings/recognize
//   POST /api/v1/recognition/embeddings/faces/{image_id}/verify
//   POST /api/v1/verification/embeddings/verify
// The parts outlive the table.
void add_compreface_recognition(RouteTable& table, ServiceParts& parts);

// 1 / (1 + exp(8 (d / t - 1))), rounded to five digits: near 1 at distance 0, 0.5 at the threshold
// t, and falling. A threshold that is not above 0 gives 1 below it and 0 else.
double similarity_of(double distance, double threshold);

}  // namespace doppel::internal

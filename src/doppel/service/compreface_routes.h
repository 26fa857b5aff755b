// The routes of CompreFace 1.2 under /api/v1, for the programs that speak to it: the same paths,
// verbs, parameters, bodies and errors
// (https://github.com/exadel-inc/CompreFace/blob/master/docs/Rest-API-description.md).
//
// What differs:
// * A face of nobody in the gallery says "unknown": true beside its nearest people.
// * A similarity is similarity_of() its distance: 0.5 is where the gallery, or for two photos the
//   model, draws the line.
// * A photo is enrolled once: again for the same subject gives the image_id it has.
// * Of the plugins there are calculator and landmarks (the eyes and the mouth); others give
// nothing.
// * Photos are there to be downloaded only where the gallery keeps them.
#pragma once

#include "doppel/service/route.h"
#include "doppel/service/service_parts.h"

namespace doppel {

// The parts outlive the table.
void add_compreface_routes(RouteTable& table, ServiceParts& parts);

// 1 / (1 + exp(8 (d / t - 1))), rounded to five digits: near 1 at distance 0, 0.5 at the threshold
// t, and falling. A threshold that is not above 0 gives 1 below it and 0 else.
double similarity_of(double distance, double threshold);

}  // namespace doppel

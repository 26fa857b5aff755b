// Runs ONNX networks with OpenCV's dnn module.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "doppel/onnx/backend.h"

namespace doppel::internal {

// `bytes` have passed check_onnx(), which gave `output`. What OpenCV makes of them must still take
// no more than 2^28 values in all its layers together and 10^12 operations for one input, and must
// give one row of 1 to 65536 values. Throws Error(bad_data) that begins with `name`, also for what
// OpenCV cannot run.
std::shared_ptr<const OnnxNetwork> open_with_opencv(std::string_view bytes, const std::string& name,
                                                    const OnnxInput& input,
                                                    const std::string& output);

}  // namespace doppel::internal

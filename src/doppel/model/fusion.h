// How a person's templates are compared with a probe.
#pragma once

#include <optional>
#include <string>

namespace doppel::internal {

// How far a probe is from a person of whom several templates are known.
enum class Fusion {
  nearest,  // the smallest distance to one of them
  mean,     // the mean distance to them
};

std::string to_string(Fusion fusion);  // "nearest", "mean"
std::optional<Fusion> fusion_named(const std::string& name);

}  // namespace doppel::internal

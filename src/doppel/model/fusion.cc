#include "doppel/model/fusion.h"

namespace doppel::internal {

std::string to_string(Fusion fusion) { return fusion == Fusion::mean ? "mean" : "nearest"; }

std::optional<Fusion> fusion_named(const std::string& name) {
  for (const Fusion fusion : {Fusion::nearest, Fusion::mean}) {
    if (to_string(fusion) == name) return fusion;
  }
  return {};
}

}  // namespace doppel::internal

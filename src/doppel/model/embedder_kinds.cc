#include "doppel/model/embedder_kinds.h"

#include "doppel/model/onnx_embedder.h"
#include "doppel/model/pretrained_embedder.h"
#include "doppel/model/twin_networks.h"

namespace doppel::internal {
namespace {

// A new kind is a file of its own and a line here.
constexpr EmbedderKind kKinds[] = {
    {"twin_networks", read_twin_networks, "", nullptr},
    {"onnx", nullptr, ".onnx", load_onnx_model},
    {"pretrained", read_pretrained, "", nullptr},
};

}  // namespace

std::span<const EmbedderKind> embedder_kinds() { return kKinds; }

AnyEmbedder::AnyEmbedder() : embedder_(std::make_unique<TwinNetworks>()) {}

}  // namespace doppel::internal

// Can a model have given this embedding at all? Values come in; what is wrong with them goes out.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "doppel/model/stored_embedder.h"

namespace doppel::internal {

// "any", "unit"; nothing for another name.
std::string to_string(EmbeddingLength length);
std::optional<EmbeddingLength> embedding_length_named(const std::string& name);

// No embedding is longer; `size` values.
double longest_embedding(EmbeddingLength length, size_t size);

// Why no model whose embeddings are so long can have given these values, as it stands behind "its
// embedding"; nothing where one can. An embedding of zeros says nothing of a face and would be as
// near to everybody as everybody is long; values beyond 1e15 and lengths below 1e-9 would leave
// single precision in a search.
std::optional<std::string> embedding_fault(std::span<const float> embedding,
                                           EmbeddingLength length);

}  // namespace doppel::internal

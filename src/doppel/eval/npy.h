// Embeddings as a file of NumPy's (.npy): a matrix comes in or goes out. So anybody's embeddings
// can be scored with the same code.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "doppel/base/matrix.h"

namespace doppel::internal {

inline constexpr size_t kMostNpyBytes = size_t{1} << 31;

// Version 1.0, 32-bit floats, a row of the matrix after the other.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
std::string encode_npy(const Matrix& matrix);

// Versions 1 and 2; a two-dimensional array in C order of little-endian 32- or 64-bit floats, these
// rounded to 32 bits, with at least one row and one column. Throws Error(bad_data) that begins with
// `name` for anything else and for a file that is shorter or longer than its header says,
// Error(numeric) for a value that is not finite as a 32-bit float.
Matrix decode_npy(std::string_view bytes, const std::string& name);

// Throws as read_file(), with at most kMostNpyBytes, and decode_npy().
Matrix load_npy(const std::filesystem::path& path);

}  // namespace doppel::internal

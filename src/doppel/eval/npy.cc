#include "doppel/eval/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

static_assert(std::endian::native == std::endian::little);  // values are copied as they are

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kMostHeaderBytes = 1 << 16;

struct NpyHeader {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<size_t>> shape;
};

// Reads the header's Python dictionary, e.g.
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !header.descr) {
        header.descr = quoted();
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = truth();
      } else if (key == "shape" && !header.shape) {
        header.shape = tuple();
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blank();
    if (!text_.empty() || !header.descr || !header.fortran_order || !header.shape) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::bad_data,
                name_ +
                    ": the header of a .npy file was expected, with descr, fortran_order and "
                    "shape");
  }
  void skip_blank() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size()));
  }
  bool accept(char c) {
    skip_blank();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string quoted() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) fail();
    std::string result(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return result;
  }
  bool truth() {
    skip_blank();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail();
  }
  std::vector<size_t> tuple() {
    std::vector<size_t> result;
    expect('(');
    while (!accept(')')) {
      skip_blank();
      size_t value = 0;
      const auto [end, failure] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (failure != std::errc()) fail();
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      result.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  std::string_view text_;
  const std::string& name_;
};

template <typename T>
void copy_values(std::string_view bytes, Matrix& matrix, const std::string& name) {
  for (size_t i = 0; i < matrix.values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    matrix.values[i] = static_cast<float>(value);
    if (!std::isfinite(matrix.values[i])) {
      throw Error(ErrorKind::numeric, name + ": row " + std::to_string(i / matrix.columns) +
                                          ", column " + std::to_string(i % matrix.columns) +
                                          " is " + std::to_string(value) +
                                          ", a finite 32-bit number was expected");
    }
  }
}

}  // namespace

std::string encode_npy(const Matrix& matrix) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  header += std::to_string(matrix.rows) + ", " + std::to_string(matrix.columns) + "), }";
  const size_t prefix = kMagic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += '\x01';
  bytes += '\x00';
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(matrix.values.data()),
               matrix.values.size() * sizeof(float));
  return bytes;
}

Matrix decode_npy(std::string_view bytes, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, name + ": " + what);
  };
  if (!bytes.starts_with(kMagic) || bytes.size() < 12) fail("a .npy file was expected");
  const auto version = static_cast<uint8_t>(bytes[6]);
  if (version != 1 && version != 2) {
    fail("version " + std::to_string(version) + " of the .npy format, 1 or 2 was expected");
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i) {
    length |= size_t{static_cast<uint8_t>(bytes[8 + i])} << (8 * i);
  }
  bytes.remove_prefix(8 + length_bytes);
  if (length > std::min(bytes.size(), kMostHeaderBytes)) {
    fail("the header of " + std::to_string(length) + " bytes is longer than the file or than " +
         std::to_string(kMostHeaderBytes));
  }
  const NpyHeader header = HeaderReader(bytes.substr(0, length), name).read();
  bytes.remove_prefix(length);

  if (*header.descr != "<f4" && *header.descr != "<f8") {
    fail("32- or 64-bit floats (<f4, <f8) were expected, not " + *header.descr);
  }
  if (*header.fortran_order) fail("C order was expected, not Fortran order");
  const std::vector<size_t>& shape = *header.shape;
  if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0) {
    fail("a row per image and at least one column were expected, " + std::to_string(shape.size()) +
         " dimensions came");
  }
  const size_t value_bytes = *header.descr == "<f4" ? 4 : 8;
  const size_t values = bytes.size() / value_bytes;
  if (bytes.size() % value_bytes != 0 || values % shape[1] != 0 || values / shape[1] != shape[0]) {
    fail(std::to_string(shape[0]) + " x " + std::to_string(shape[1]) + " values were expected, " +
         std::to_string(bytes.size()) + " bytes follow the header");
  }
  Matrix matrix(shape[0], shape[1]);
  if (value_bytes == 4) {
    copy_values<float>(bytes, matrix, name);
  } else {
    copy_values<double>(bytes, matrix, name);
  }
  return matrix;
}

Matrix load_npy(const std::filesystem::path& path) {
  return decode_npy(read_file(path, kMostNpyBytes), path.string());
}

}  // namespace doppel::internal

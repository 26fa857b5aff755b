// Writes as dlib's serialize() does, for tests.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace doppel::internal {

class DlibWriter {
 public:
  const std::string& bytes() const { return bytes_; }

  void integer(int64_t value) {
    uint64_t rest = static_cast<uint64_t>(value < 0 ? -value : value);
    std::string digits;
    do {
      digits.push_back(static_cast<char>(rest & 0xff));
      rest >>= 8;
    } while (rest > 0);
    bytes_.push_back(static_cast<char>(digits.size() | (value < 0 ? 0x80 : 0)));
    bytes_ += digits;
  }
  void integers(std::initializer_list<int64_t> values) {
    for (const int64_t value : values) integer(value);
  }
  void truth(bool value) { bytes_.push_back(value ? '1' : '0'); }
  void number(float value) {
    int exponent = 0;
    const double part = std::frexp(double{value}, &exponent);
    integer(static_cast<int64_t>(std::ldexp(part, 24)));
    integer(exponent - 24);
  }
  void text(std::string_view value) {
    integer(static_cast<int64_t>(value.size()));
    bytes_ += value;
  }
  void tensor(std::initializer_list<int64_t> extents, std::span<const float> values) {
    integer(2);
    integers(extents);
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  void column(std::span<const float> values) {
    integers({-static_cast<int64_t>(values.size()), -1});
    for (const float value : values) number(value);
  }

 private:
  std::string bytes_;
};

}  // namespace doppel::internal

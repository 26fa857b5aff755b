#include "doppel/base/dlib_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {

static_assert(std::endian::native == std::endian::little);

DlibReader::DlibReader(std::string_view bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {}

void DlibReader::fail(const std::string& why) const {
  throw Error(ErrorKind::bad_data, name_ + ": at byte " + std::to_string(at_) + " " + why);
}

uint8_t DlibReader::byte() {
  if (at_ == bytes_.size()) fail("the file ends early");
  return static_cast<uint8_t>(bytes_[at_++]);
}

// A byte of its sign and length, then that many bytes, the least first.
int64_t DlibReader::integer() {
  const uint8_t control = byte();
  const size_t length = control & 0x0f;
  if ((control & 0x70) != 0 || length == 0 || length > 8) fail("a number was expected");
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) value |= uint64_t{byte()} << (8 * i);
  if (value > static_cast<uint64_t>(INT64_MAX)) fail("a number is too large");
  const auto magnitude = static_cast<int64_t>(value);
  return (control & 0x80) != 0 ? -magnitude : magnitude;
}

size_t DlibReader::count(size_t most) {
  const int64_t value = integer();
  if (value < 0 || static_cast<uint64_t>(value) > most) {
    fail("a number from 0 to " + std::to_string(most) + " was expected, not " +
         std::to_string(value));
  }
  return static_cast<size_t>(value);
}

bool DlibReader::truth() {
  const uint8_t value = byte();
  if (value != '0' && value != '1') fail("true or false was expected");
  return value == '1';
}

// Mantissa and exponent of base 2.
float DlibReader::number() {
  const auto mantissa = static_cast<double>(integer());
  const int64_t exponent = integer();
  // What lies beyond is infinite or not a number, or 0 by rounding.
  if (exponent > 1000) fail("a finite number was expected");
  const auto value = static_cast<float>(
      std::ldexp(mantissa, static_cast<int>(std::max<int64_t>(exponent, -2000))));
  if (!std::isfinite(value)) fail("a finite number was expected");
  return value;
}

std::string DlibReader::text(size_t most) {
  const size_t length = count(most);
  if (length > bytes_.size() - at_) fail("the file ends early");
  std::string result(bytes_.substr(at_, length));
  at_ += length;
  return result;
}

DlibReader::Tensor DlibReader::tensor() {
  expect(2, "a tensor");
  Tensor result;
  const size_t most = (bytes_.size() - at_) / sizeof(float);
  size_t size = 1;
  for (size_t& extent : result.extents) {
    extent = count(most);
    if (extent > 0 && size > most / extent) fail("a tensor is larger than its file");
    size *= extent;
  }
  if (size > (bytes_.size() - at_) / sizeof(float)) fail("the file ends early");
  result.values.resize(size);
  if (size > 0) std::memcpy(result.values.data(), &bytes_[at_], size * sizeof(float));
  for (const float value : result.values) {
    if (!std::isfinite(value)) fail("a tensor holds a value that is not finite");
  }
  at_ += size * sizeof(float);
  return result;
}

// Its extents are negative, which tells the format from an earlier one.
std::vector<float> DlibReader::column(size_t most) {
  const int64_t rows = integer();
  if (rows > 0 || rows < -static_cast<int64_t>(most)) {
    fail("a column of at most " + std::to_string(most) + " numbers was expected");
  }
  expect(-1, "a single column");
  std::vector<float> values;
  for (int64_t i = 0; i > rows; --i) values.push_back(number());
  return values;
}

void DlibReader::expect(int64_t value, const std::string& what) {
  if (integer() != value) fail(what + " was expected");
}

void DlibReader::expect_text(const std::string& value) {
  constexpr size_t kMostText = 100;
  const std::string found = text(kMostText);
  if (found != value) fail("\"" + value + "\" was expected");
}

void DlibReader::expect_end() const {
  if (at_ != bytes_.size()) fail("the file goes on behind its end");
}

}  // namespace doppel::internal

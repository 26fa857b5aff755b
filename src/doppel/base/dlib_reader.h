// Reads what dlib wrote with its serialize(): numbers, texts, tensors, one after the other, without
// names. Data only; every length is checked against the bytes that are left before memory is taken.
// http://dlib.net/dlib/serialize_abstract.h.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

class DlibReader {
 public:
  // `name` stands in front of every error; `bytes` outlives this.
  DlibReader(std::string_view bytes, std::string name);

  // All throw Error(bad_data) that says where in the file something else was found.
  int64_t integer();
  size_t count(size_t most);  // an integer from 0 to `most`
  bool truth();
  float number();  // finite
  std::string text(size_t most);
  // An array of four extents, outermost first, of raw floats; all finite.
  struct Tensor {
    size_t extents[4] = {};
    std::vector<float> values;
  };
  Tensor tensor();
  // A column of numbers, as dlib::matrix<float, 0, 1>.
  std::vector<float> column(size_t most);

  void expect(int64_t value, const std::string& what);
  void expect_text(const std::string& value);
  void expect_end() const;

  [[noreturn]] void fail(const std::string& why) const;

 private:
  uint8_t byte();

  std::string_view bytes_;
  std::string name_;
  size_t at_ = 0;
};

}  // namespace doppel::internal

#include "doppel/base/dlib_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "doppel/base/dlib_writer.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

std::string refused(const std::string& bytes, const std::function<void(DlibReader&)>& read) {
  DlibReader reader(bytes, "x.dat");
  try {
    read(reader);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.what();
  }
  return "";
}

TEST(DlibReader, GivesWhatWasWritten) {
  const std::vector<float> values = {1.5f, -2.25f, 0, 3e-20f, -1e30f, 0.1f};
  DlibWriter writer;
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{255}, int64_t{-65536}, INT64_MAX}) {
    writer.integer(value);
  }
  writer.truth(true);
  for (const float value : values) writer.number(value);
  writer.text("con_4");
  writer.tensor({3, 1, 2, 1}, values);
  writer.column(values);
  DlibReader reader(writer.bytes(), "x.dat");
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{255}, int64_t{-65536}, INT64_MAX}) {
    EXPECT_EQ(reader.integer(), value);
  }
  EXPECT_TRUE(reader.truth());
  for (const float value : values) EXPECT_EQ(reader.number(), value);
  EXPECT_EQ(reader.text(10), "con_4");
  const DlibReader::Tensor tensor = reader.tensor();
  EXPECT_EQ(tensor.extents[0], 3u);
  EXPECT_EQ(tensor.extents[2], 2u);
  EXPECT_EQ(tensor.values, values);
  EXPECT_EQ(reader.column(6), values);
  reader.expect_end();
}

// As dlib itself writes them: 122.782f, which stands in its face recognition network.
TEST(DlibReader, ReadsANumberAsDlibWritesIt) {
  const std::string bytes("\x03\x62\x90\xf5\x81\x11", 6);
  DlibReader reader(bytes, "x.dat");
  EXPECT_EQ(reader.number(), 122.782f);
}

TEST(DlibReader, RefusesWhatIsDamaged) {
  const auto integer = [](DlibReader& in) { in.integer(); };
  EXPECT_EQ(refused("", integer), "x.dat: at byte 0 the file ends early");
  EXPECT_EQ(refused("\x02\x01", integer), "x.dat: at byte 2 the file ends early");
  EXPECT_EQ(refused("\x40\x01", integer), "x.dat: at byte 1 a number was expected");
  EXPECT_EQ(refused(std::string("\x08") + std::string(8, '\xff'), integer),
            "x.dat: at byte 9 a number is too large");
  EXPECT_EQ(refused("\x81\x05", [](DlibReader& in) { in.count(9); }),
            "x.dat: at byte 2 a number from 0 to 9 was expected, not -5");
  EXPECT_EQ(refused("2", [](DlibReader& in) { in.truth(); }),
            "x.dat: at byte 1 true or false was expected");
  EXPECT_EQ(refused("\x01\x05"
                    "abc",
                    [](DlibReader& in) { in.text(9); }),
            "x.dat: at byte 2 the file ends early");
  EXPECT_EQ(refused("\x01\x01\x01", [](DlibReader& in) { in.expect_end(); }),
            "x.dat: at byte 0 the file goes on behind its end");
  DlibWriter infinite;
  infinite.integers({1, 32000});
  EXPECT_NE(refused(infinite.bytes(), [](DlibReader& in) { in.number(); }), "");
  DlibWriter large;
  large.tensor({int64_t{1} << 40, int64_t{1} << 40, 1, 1}, {});
  EXPECT_NE(refused(large.bytes(), [](DlibReader& in) { in.tensor(); }), "");
  DlibWriter early;
  early.tensor({2, 2, 2, 2}, std::vector<float>(15));
  EXPECT_NE(refused(early.bytes(), [](DlibReader& in) { in.tensor(); }), "");
  DlibWriter nan;
  nan.tensor({1, 1, 1, 1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN()});
  EXPECT_NE(refused(nan.bytes(), [](DlibReader& in) { in.tensor(); }).find("not finite"),
            std::string::npos);
  DlibWriter column;
  column.column(std::vector<float>(5));
  EXPECT_NE(refused(column.bytes(), [](DlibReader& in) { in.column(4); }).find("at most 4"),
            std::string::npos);
}

}  // namespace
}  // namespace doppel::internal

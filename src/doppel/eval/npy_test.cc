#include "doppel/eval/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::ElementsAre;

template <typename T>
std::string npy(const std::string& header, const std::vector<T>& values, char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  bytes += header;
  return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

const std::vector<float> kSix = {1, -2, 0.5f, 4, 5, 6};

// The format's description, followed for array([[1.5, -2], [0, 8]], dtype=float32).
TEST(Npy, ReadsAndWritesTheBytesTheFormatDemands) {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  bytes += std::string(127 - bytes.size(), ' ') + '\n';
  bytes += std::string("\0\0\xc0\x3f\0\0\0\xc0\0\0\0\0\0\0\0\x41", 16);
  const Matrix matrix = decode_npy(bytes, "x.npy");
  EXPECT_EQ(matrix.rows, 2u);
  EXPECT_EQ(matrix.columns, 2u);
  EXPECT_THAT(matrix.values, ElementsAre(1.5f, -2, 0, 8));
  EXPECT_EQ(encode_npy(matrix), bytes);
}

TEST(Npy, ReadsBothVersionsBothWidthsAndEveryWayToWriteTheHeader) {
  for (const char* header :
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }   \n",
        "{'descr':'<f4','fortran_order':False,'shape':(3,2)}",
        "{\"shape\": (3, 2,), \"fortran_order\": False , \"descr\": \"<f4\"}\n"}) {
    for (const char version : {'\x01', '\x02'}) {
      const Matrix matrix = decode_npy(npy(header, kSix, version), "x.npy");
      EXPECT_EQ(matrix.rows, 3u);
      EXPECT_EQ(matrix.values, kSix);
    }
  }
  const std::string wide = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }";
  EXPECT_THAT(decode_npy(npy(wide, std::vector<double>{1, 0.1, -3}), "x.npy").values,
              ElementsAre(1, 0.1f, -3));
}

TEST(Npy, RefusesWhatItIsNot) {
  const auto refused = [](const std::string& bytes, const std::string& words) {
    try {
      decode_npy(bytes, "x.npy");
      ADD_FAILURE() << "accepted, though: " << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("x.npy: " + words));
    }
  };
  const auto header = [](const std::string& descr, const std::string& order,
                         const std::string& shape) {
    return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  };
  const std::string good = npy(header("<f4", "False", "(3, 2)"), kSix);
  refused("", "a .npy file was expected");
  refused("PK\x03\x04 a zip archive", "a .npy file was expected");
  refused(good.substr(0, 11), "a .npy file was expected");
  refused(npy("{}", kSix, 9), "version 9 of the .npy format");
  refused(good.substr(0, 40), "the header of 59 bytes is longer than the file");
  refused(npy(std::string(70000, ' '), kSix, 2), "the header of 70000 bytes");
  refused(good.substr(0, good.size() - 1), "3 x 2 values were expected, 23 bytes follow");
  refused(good + "xxxx", "3 x 2 values were expected, 28 bytes follow");
  refused(npy(header(">f4", "False", "(3, 2)"), kSix), "32- or 64-bit floats");
  refused(npy(header("<i4", "False", "(3, 2)"), kSix), "32- or 64-bit floats");
  refused(npy(header("<f4", "True", "(3, 2)"), kSix), "C order was expected");
  for (const char* shape : {"(6,)", "()", "(1, 3, 2)", "(0, 2)", "(6, 0)"}) {
    refused(npy(header("<f4", "False", shape), kSix), "a row per image and at least one column");
  }
  // 2^33 x 2^33 values: the product does not fit into 64 bits.
  refused(npy(header("<f4", "False", "(8589934592, 8589934592)"), std::vector<float>{}),
          "8589934592 x 8589934592 values were expected, 0 bytes follow");
  for (const char* bad :
       {"", "{", "{}", "{'descr': '<f4'}", "[1]", "{'shape': (3, -2)}",
        "{'shape': (99999999999999999999, 2)}", "{'descr: 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} x"}) {
    refused(npy(bad, kSix), "the header of a .npy file was expected");
  }
  const float infinity = std::numeric_limits<float>::infinity();
  refused(npy(header("<f4", "False", "(1, 2)"), std::vector<float>{1, infinity}),
          "row 0, column 1 is inf");
  refused(npy(header("<f8", "False", "(1, 1)"), std::vector<double>{1e300}),
          "row 0, column 0 is 1");
}

TEST(Npy, DamagedFilesAreReadOrRefused) {
  const std::string good =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", kSix);
  Random random(1, Purpose::sample);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good.substr(0, random.below(4) == 0 ? random.below(96) : good.size());
    for (uint32_t edits = random.below(4); edits > 0 && !bytes.empty(); --edits) {
      const char likely = "(,)' :0123{}"[random.below(12)];
      bytes[random.below(static_cast<uint32_t>(bytes.size()))] =
          random.below(3) == 0 ? static_cast<char>(random.below(256)) : likely;
    }
    try {
      const Matrix matrix = decode_npy(bytes, "x.npy");
      EXPECT_EQ(matrix.values.size(), matrix.rows * matrix.columns);
    } catch (const Error&) {
      continue;
    }
  }
}

TEST(Npy, NamesTheFile) {
  const std::string path = testing::TempDir() + "doppel_npy_test.npy";
  write_file_atomically(path, "nothing");
  try {
    load_npy(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith(path));
  }
  Matrix matrix(2, 3);
  matrix.values = kSix;
  write_file_atomically(path, encode_npy(matrix));
  EXPECT_EQ(load_npy(path).values, kSix);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace doppel::internal

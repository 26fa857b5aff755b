#include "doppel/model/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

TensorFile sample_file() {
  return {{{"note", "a \"quoted\" text"}, {"format", "x"}},
          {{"b", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"a", {}, {-0.5f}}, {"none", {0, 4}, {}}}};
}

std::string forged(const std::string& header, const std::string& data = "") {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    decode_safetensors(bytes, "m.safetensors");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_EQ(std::string(error.what()).rfind("m.safetensors: ", 0), 0u) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, RoundTrip) {
  const std::string bytes = encode_safetensors(sample_file());
  const TensorFile file = decode_safetensors(bytes, "x");
  EXPECT_EQ(file.metadata, sample_file().metadata);
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.tensors[0].name, "b");
  EXPECT_EQ(file.tensors[0].shape, (std::vector<size_t>{2, 3}));
  EXPECT_EQ(file.tensors[0].values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.tensors[1].values, (std::vector<float>{-0.5f}));
  EXPECT_EQ(encode_safetensors(file), bytes);
}

// The layout by hand, so that the format is not only what encode and decode agree on.
TEST(Safetensors, LayoutIsThePublishedOne) {
  const std::string bytes = encode_safetensors({{}, {{"w", {1}, {1.0f}}}});
  const std::string header = R"({"w":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes, forged(padded, std::string("\x00\x00\x80\x3f", 4)));
}

TEST(Safetensors, TruncatedAtEveryByteIsRefused) {
  const std::string bytes = encode_safetensors(sample_file());
  for (size_t n = 0; n < bytes.size(); ++n) {
    ASSERT_NE(refusal(bytes.substr(0, n)), "accepted") << n;
  }
  EXPECT_NE(refusal(bytes + "x").find("follow the header"), std::string::npos);
}

TEST(Safetensors, ForgedHeadersAreRefused) {
  const std::string four(4, '\0');
  EXPECT_NE(refusal(std::string(8, '\xff')).find("claims"), std::string::npos);
  EXPECT_NE(refusal(forged("[1]")), "accepted");
  EXPECT_NE(refusal(forged("{")), "accepted");
  EXPECT_NE(refusal(forged(std::string(100000, '['))), "accepted");
  EXPECT_NE(refusal(forged(R"({"__metadata__":{"a":1}})")), "accepted");
  EXPECT_NE(refusal(forged(R"({"__metadata__":7})")), "accepted");
  EXPECT_NE(refusal(forged(R"({"w":7})")), "accepted");
  const auto tensor = [&](const char* text) { return refusal(forged(text, four)); };
  EXPECT_EQ(tensor(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F64","shape":[1],"data_offsets":[0,4]}})").find("F64"),
            std::string::npos);
  EXPECT_NE(tensor(R"({"w":{"shape":[1],"data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"), "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})"), "accepted");
  // 2^62 x 4 values of 4 bytes would be 0 bytes in 64 bits.
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})"),
            "accepted");
  EXPECT_NE(tensor(R"({"v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                   R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
            "accepted");
  EXPECT_NE(tensor(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                   R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})")
                .find("twice"),
            std::string::npos);
}

TEST(Safetensors, ValuesMustBeFinite) {
  EXPECT_NE(refusal(encode_safetensors({{}, {{"w", {2}, {0, NAN}}}})).find("finite"),
            std::string::npos);
  EXPECT_NE(refusal(encode_safetensors({{}, {{"w", {1}, {INFINITY}}}})), "accepted");
}

}  // namespace
}  // namespace doppel::internal

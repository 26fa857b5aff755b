#include "doppel/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMostHeaderBytes = size_t{40} << 20;  // whom a model has seen, 250,000 photos

using nlohmann::json;

// A tensor as the header describes it.
struct Entry {
  std::string name;
  std::vector<size_t> shape;
  size_t begin, end;  // bytes behind the header
};

class Decoder {
 public:
  Decoder(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  TensorFile decode() {
    const json header = parse_header();
    TensorFile file;
    std::vector<Entry> entries;
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__") {
        file.metadata = metadata(value);
      } else {
        entries.push_back(entry(key, value));
      }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    size_t at = 0;
    for (const Entry& e : entries) {
      if (e.begin != at) {
        fail("tensor \"" + e.name + "\" begins at byte " + std::to_string(e.begin) +
             " where the one before it ends at " + std::to_string(at));
      }
      at = e.end;
    }
    if (at != data_.size()) {
      fail("its tensors take " + std::to_string(at) + " bytes, but " +
           std::to_string(data_.size()) + " follow the header" +
           (at > data_.size() ? ": the file is truncated" : ""));
    }
    for (const Entry& e : entries) file.tensors.push_back(values(e));
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": not a whole safetensors file: " + what);
  }

  std::string place(const std::string& part) const {
    return std::string(name_).append(": not a whole safetensors file: ").append(part);
  }

  json parse_header() {
    if (bytes_.size() < kLengthBytes)
      fail("it has only " + std::to_string(bytes_.size()) + " bytes");
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), kLengthBytes);
    if (length > kMostHeaderBytes || length > bytes_.size() - kLengthBytes) {
      fail("its header claims " + std::to_string(length) + " bytes of the " +
           std::to_string(bytes_.size() - kLengthBytes) + " that are there");
    }
    const std::string_view text = bytes_.substr(kLengthBytes, length);
    data_ = bytes_.substr(kLengthBytes + length);
    // A key that stands twice would be read in one way here and in another elsewhere.
    std::set<std::string> keys;
    std::string twice;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      if (event == json::parse_event_t::key && depth == 1 &&
          !keys.insert(parsed.get<std::string>()).second) {
        twice = parsed.get<std::string>();
      }
      return true;
    };
    json header = json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
    if (!header.is_object()) fail("its header is no JSON object");
    if (!twice.empty()) fail("\"" + twice + "\" stands twice in its header");
    return header;
  }

  std::map<std::string, std::string> metadata(const json& value) const {
    const JsonObject object(value, place("__metadata__"));
    std::map<std::string, std::string> result;
    for (const auto& [key, text] : value.items()) result[key] = object.text(key.c_str());
    return result;
  }

  Entry entry(const std::string& name, const json& value) const {
    const JsonObject object(value, place("tensor \"" + name + "\""));
    if (object.text("dtype") != "F32") object.refuse("dtype", "F32");
    Entry e{name, object.whole_numbers("shape", SIZE_MAX), 0, 0};
    const std::vector<size_t> offsets = object.whole_numbers("data_offsets", SIZE_MAX);
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size()) {
      object.fail("it lies outside the " + std::to_string(data_.size()) +
                  " bytes behind the header: the file is truncated or its header wrong");
    }
    e.begin = offsets[0];
    e.end = offsets[1];
    size_t bytes = sizeof(float);
    for (size_t extent : e.shape) {
      if (extent != 0 && bytes > data_.size() / extent) {
        object.fail("its shape is larger than the file");
      }
      bytes *= extent;
    }
    if (bytes != e.end - e.begin) {
      object.fail("it has " + std::to_string(e.end - e.begin) + " bytes, its shape needs " +
                  std::to_string(bytes));
    }
    return e;
  }

  NamedTensor values(const Entry& e) const {
    NamedTensor tensor{e.name, e.shape, std::vector<float>((e.end - e.begin) / sizeof(float))};
    if (!tensor.values.empty()) {
      std::memcpy(tensor.values.data(), data_.data() + e.begin, e.end - e.begin);
    }
    for (float value : tensor.values) {
      if (!std::isfinite(value)) fail("tensor \"" + e.name + "\" holds a value that is not finite");
    }
    return tensor;
  }

  std::string_view bytes_, data_;
  const std::string& name_;
};

}  // namespace

std::string encode_safetensors(const TensorFile& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  size_t at = 0;
  for (const NamedTensor& tensor : file.tensors) {
    const size_t bytes = tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the tensors begin aligned
  const uint64_t length = text.size();
  std::string bytes(kLengthBytes, '\0');
  std::memcpy(bytes.data(), &length, kLengthBytes);
  bytes += text;
  for (const NamedTensor& tensor : file.tensors) {
    bytes.append(reinterpret_cast<const char*>(tensor.values.data()),
                 tensor.values.size() * sizeof(float));
  }
  return bytes;
}

TensorFile decode_safetensors(std::string_view bytes, const std::string& name) {
  return Decoder(bytes, name).decode();
}

}  // namespace doppel::internal

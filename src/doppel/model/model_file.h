// The parts of a model file as those who read it see them, with errors that name the part. Inside
// model/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "doppel/model/safetensors.h"

namespace doppel::internal {

// One metadata text after the other.
class ModelMetadata {
 public:
  // Both outlive this. `name` stands in front of every error.
  ModelMetadata(const std::map<std::string, std::string>& texts, const std::string& name)
      : texts_(texts), name_(name) {}

  const std::string& name() const { return name_; }
  bool has(const char* key) const { return texts_.contains(key); }
  // All throw Error(bad_data).
  [[noreturn]] void fail(const std::string& what) const;
  const std::string& text(const char* key) const;
  nlohmann::json parsed(const char* key) const;
  uint64_t whole_number(const char* key, uint64_t most) const;
  // In front of the errors about what stands in a text: "x.safetensors: data".
  std::string place(const char* key) const { return std::string(name_).append(": ").append(key); }

 private:
  const std::map<std::string, std::string>& texts_;
  const std::string& name_;
};

// Its tensors by their names.
class ModelTensors {
 public:
  ModelTensors(const TensorFile& file, const ModelMetadata& metadata);

  // All shapes are expected before any values are taken: a description must not make us take memory
  // that its file does not fill. Throw Error(bad_data).
  void expect(const std::string& name, const std::vector<size_t>& shape);
  void expect_no_others() const;
  const std::vector<float>& values(const std::string& name) const {
    return by_name_.at(name)->values;
  }

 private:
  const ModelMetadata& metadata_;
  std::map<std::string, const NamedTensor*> by_name_;
  size_t expected_ = 0;
};

}  // namespace doppel::internal

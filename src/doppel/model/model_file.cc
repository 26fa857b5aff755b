#include "doppel/model/model_file.h"

#include "doppel/base/json_object.h"
#include "doppel/error.h"

namespace doppel::internal {

using nlohmann::json;

void ModelMetadata::fail(const std::string& what) const {
  throw Error(ErrorKind::bad_data, name_ + ": " + what);
}

const std::string& ModelMetadata::text(const char* key) const {
  const auto found = texts_.find(key);
  if (found == texts_.end()) fail(std::string("no Doppel model: it has no \"") + key + "\"");
  return found->second;
}

json ModelMetadata::parsed(const char* key) const { return parse_json(text(key), place(key)); }

uint64_t ModelMetadata::whole_number(const char* key, uint64_t most) const {
  const json value = {{key, parsed(key)}};
  return JsonObject(value, name_).whole_number(key, 0, most);
}

ModelTensors::ModelTensors(const TensorFile& file, const ModelMetadata& metadata)
    : metadata_(metadata) {
  for (const NamedTensor& tensor : file.tensors) by_name_[tensor.name] = &tensor;
}

void ModelTensors::expect(const std::string& name, const std::vector<size_t>& shape) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) metadata_.fail("tensor \"" + name + "\" is missing");
  if (found->second->shape != shape) {
    metadata_.fail("tensor \"" + name + "\" has another shape than its model demands");
  }
  ++expected_;
}

void ModelTensors::expect_no_others() const {
  if (expected_ == by_name_.size()) return;
  metadata_.fail("it has " + std::to_string(by_name_.size()) + " tensors, its model needs " +
                 std::to_string(expected_));
}

}  // namespace doppel::internal

#include "doppel/train/checkpoint.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "doppel/base/file.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/model/safetensors.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel checkpoint 2";
constexpr const char* kDone = "done.";
constexpr size_t kMostBytes = size_t{4} << 30;

// The fields in which two runs differ: "seed (1, here 2)".
std::string differences(const json& saved, const json& here, const std::string& prefix = "") {
  std::string text;
  for (const auto& [key, value] : here.items()) {
    const json other = saved.is_object() && saved.contains(key) ? saved[key] : json();
    if (other == value) continue;
    if (!text.empty()) text += ", ";
    if (value.is_object() && other.is_object()) {
      text += differences(other, value, prefix + key + ".");
    } else if (value.is_primitive()) {
      text += prefix + key + " (" + other.dump() + ", here " + value.dump() + ")";
    } else {
      text += prefix + key;
    }
  }
  return text;
}

}  // namespace

void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  json history = json::array();
  for (const EpochLosses& epoch : checkpoint.history) history.push_back(losses_to_json(epoch));
  const json state = {{"step", checkpoint.step},
                      {"examples", checkpoint.examples},
                      {"loss_sum", checkpoint.loss_sum},
                      {"collapsed", checkpoint.collapsed},
                      {"history", history}};
  TensorFile file;
  file.metadata = {{"format", kFormat}, {"run", checkpoint.run}, {"state", state.dump()}};
  const auto add = [&](std::string name, const std::vector<float>& values) {
    if (!values.empty()) file.tensors.push_back({std::move(name), {values.size()}, values});
  };
  add("parameters", checkpoint.parameters);
  add("optimizer", checkpoint.optimizer);
  add("average", checkpoint.average);
  for (size_t m = 0; m < checkpoint.done.size(); ++m) {
    add(kDone + std::to_string(m), checkpoint.done[m]);
  }
  write_file_atomically(path, encode_safetensors(file));
}

Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& run) {
  const std::string name = path.string();
  TensorFile file = decode_safetensors(read_file(path, kMostBytes), name);
  if (file.metadata["format"] != kFormat) {
    throw Error(ErrorKind::bad_data, name + ": no whole checkpoint: its format is another");
  }
  const json saved = parse_json(file.metadata["run"], name + ": run");
  const json here = json::parse(run);
  if (saved != here) {
    throw Error(ErrorKind::mismatch,
                name + ": this checkpoint is of another training: " + differences(saved, here) +
                    "; go on with its settings, or begin anew without it");
  }
  const json value = parse_json(file.metadata["state"], name + ": state");
  const JsonObject state(value, name + ": state");
  Checkpoint checkpoint;
  checkpoint.run = run;
  checkpoint.step = state.whole_number("step", 0, SIZE_MAX);
  checkpoint.examples = state.whole_number("examples", 0, SIZE_MAX);
  checkpoint.loss_sum = state.number("loss_sum");
  checkpoint.collapsed = state.truth("collapsed");
  for (const json& epoch : state.list("history")) {
    checkpoint.history.push_back(losses_from_json(epoch, state.where() + ": history"));
  }
  for (NamedTensor& tensor : file.tensors) {
    if (tensor.name == "parameters") checkpoint.parameters = std::move(tensor.values);
    if (tensor.name == "optimizer") checkpoint.optimizer = std::move(tensor.values);
    if (tensor.name == "average") checkpoint.average = std::move(tensor.values);
    if (tensor.name == kDone + std::to_string(checkpoint.done.size())) {
      checkpoint.done.push_back(std::move(tensor.values));
    }
  }
  return checkpoint;
}

}  // namespace doppel::internal

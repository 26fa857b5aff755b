#include "doppel/train/checkpoint.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "doppel/base/file.h"
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
  const auto fail = [&](const char* what) -> void {
    throw Error(ErrorKind::bad_data, name + ": no whole checkpoint: " + what);
  };
  TensorFile file = decode_safetensors(read_file(path, kMostBytes), name);
  if (file.metadata["format"] != kFormat) fail("its format is another");
  const json saved = json::parse(file.metadata["run"], nullptr, false);
  const json here = json::parse(run);
  if (saved.is_discarded()) fail("its run is no JSON");
  if (saved != here) {
    throw Error(ErrorKind::mismatch,
                name + ": this checkpoint is of another training: " + differences(saved, here) +
                    "; go on with its settings, or begin anew without it");
  }
  const json state = json::parse(file.metadata["state"], nullptr, false);
  Checkpoint checkpoint;
  checkpoint.run = run;
  for (const char* field : {"step", "examples"}) {
    if (!state.is_object() || !state.contains(field) || !state[field].is_number_unsigned()) {
      fail("its state has no position");
    }
  }
  checkpoint.step = state["step"].get<size_t>();
  checkpoint.examples = state["examples"].get<size_t>();
  if (!state.contains("loss_sum") || !state["loss_sum"].is_number() || !state.contains("history") ||
      !state["history"].is_array()) {
    fail("its state has no losses");
  }
  checkpoint.loss_sum = state["loss_sum"].get<double>();
  if (!state.contains("collapsed") || !state["collapsed"].is_boolean()) {
    fail("its state does not say whether a network collapsed");
  }
  checkpoint.collapsed = state["collapsed"].get<bool>();
  for (const json& epoch : state["history"]) {
    const std::optional<EpochLosses> losses = losses_from_json(epoch);
    if (!losses) fail("its history is damaged");
    checkpoint.history.push_back(*losses);
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

#include "doppel/train/checkpoint.h"

#include <nlohmann/json.hpp>

#include "doppel/base/error.h"
#include "doppel/base/file.h"
#include "doppel/model/safetensors.h"

namespace doppel {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "doppel checkpoint 1";
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
  for (const EpochLosses& epoch : checkpoint.history) {
    history.push_back({epoch.loss, epoch.validation_loss});
  }
  const json state = {{"epoch", checkpoint.epoch},
                      {"batch", checkpoint.batch},
                      {"loss_sum", checkpoint.loss_sum},
                      {"history", history}};
  write_file_atomically(
      path, encode_safetensors(
                {{{"format", kFormat}, {"run", checkpoint.run}, {"state", state.dump()}},
                 {{"parameters", {checkpoint.parameters.size()}, checkpoint.parameters},
                  {"mean_squares", {checkpoint.mean_squares.size()}, checkpoint.mean_squares}}}));
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
  if (saved != here) {
    throw Error(ErrorKind::mismatch,
                name + ": this checkpoint is of another training: " + differences(saved, here) +
                    "; resume with its settings, or start without --resume");
  }
  const json state = json::parse(file.metadata["state"], nullptr, false);
  Checkpoint checkpoint;
  checkpoint.run = run;
  for (const char* field : {"epoch", "batch"}) {
    if (!state.is_object() || !state.contains(field) || !state[field].is_number_unsigned()) {
      fail("its state has no position");
    }
  }
  checkpoint.epoch = state["epoch"].get<size_t>();
  checkpoint.batch = state["batch"].get<size_t>();
  if (!state.contains("loss_sum") || !state["loss_sum"].is_number() || !state.contains("history") ||
      !state["history"].is_array() || state["history"].size() != checkpoint.epoch) {
    fail("its state has no losses");
  }
  checkpoint.loss_sum = state["loss_sum"].get<double>();
  for (const json& epoch : state["history"]) {
    if (!epoch.is_array() || epoch.size() != 2 || !epoch[0].is_number() || !epoch[1].is_number()) {
      fail("its history is damaged");
    }
    checkpoint.history.push_back({epoch[0].get<double>(), epoch[1].get<double>()});
  }
  for (NamedTensor& tensor : file.tensors) {
    if (tensor.name == "parameters") checkpoint.parameters = std::move(tensor.values);
    if (tensor.name == "mean_squares") checkpoint.mean_squares = std::move(tensor.values);
  }
  return checkpoint;
}

}  // namespace doppel

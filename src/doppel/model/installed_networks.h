// Where pre-trained networks lie once scripts/get_networks has laid them there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace doppel::internal {

// The model that recognises faces where none is named.
inline constexpr const char* kFaceNetwork = "face_recognition.safetensors";

// Where they are looked for, in this order: DOPPEL_NETWORKS alone, where that is set; else
// $XDG_DATA_HOME/doppel (~/.local/share/doppel) and /usr/local/share/doppel.
std::vector<std::filesystem::path> network_folders();

// The first of these folders that has the file.
std::optional<std::filesystem::path> installed_network(const std::string& file);

// `named`, or the face network where that is empty. Throws Error(bad_argument) where it is not
// installed: `missing` says what was expected, behind it how to get it.
std::string named_or_installed(const std::string& named, const std::string& missing);

}  // namespace doppel::internal

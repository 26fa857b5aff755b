// Any bytes as the file of a data set: an archive that gives what its listing promises, a list of
// people without a name twice, or a doppel::Error.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "doppel/data/dataset.h"
#include "doppel/data/people.h"
#include "doppel/error.h"

namespace {

void try_archive(std::string_view bytes) {
  static const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("doppel_fuzz_" + std::to_string(::getpid()));
  static doppel::internal::ThreadPool pool(1);
  std::ofstream(file, std::ios::binary) << bytes;
  size_t listed = 0, problems = 1;
  try {
    const doppel::internal::DatasetReport report = doppel::internal::inspect_dataset(file, pool);
    listed = report.images;
    problems = report.problems.size();
  } catch (const doppel::Error&) {
    // What is no archive is refused in words, and so it must be below.
  }
  try {
    const doppel::internal::Dataset dataset =
        doppel::internal::load_dataset(file, pool, {.size = {}, .most_pixels = 1 << 20});
    if (problems > 0 || dataset.images.size() != listed) std::abort();
  } catch (const doppel::Error&) {
  }
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

void try_list(std::string_view text) {
  try {
    const auto names = doppel::internal::parse_people_list(text, "fuzz");
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) std::abort();
  } catch (const doppel::Error& error) {
    if (error.kind() != doppel::ErrorKind::bad_data) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with("PK")) {
    try_archive(bytes);
  } else {
    try_list(bytes);
  }
  return 0;
}

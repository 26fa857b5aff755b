#include "bench/large_gallery.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "doppel/data/synthetic.h"
#include "doppel/error.h"
#include "doppel/gallery/photo_templates.h"
#include "doppel/model/embedding.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

}  // namespace

LargeGallery::LargeGallery() {
  std::string pattern = (fs::temp_directory_path() / "doppel_benchXXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::io, pattern + ": no folder");
  folder_ = pattern;
  write_synthetic(folder_ / "faces", 40, 10, 1);
  run_program({"train", path("faces"), "--out", model_file(), "--set", "training.steps=50"},
              "/dev/null");
  model_ = load_model(model_file());
  for (const auto& person : fs::directory_iterator(folder_ / "faces")) {
    for (const auto& file : fs::directory_iterator(person)) files_.push_back(file.path());
  }
  std::ranges::sort(files_);
}

LargeGallery::~LargeGallery() { fs::remove_all(folder_); }

std::vector<NewPerson> LargeGallery::directions(size_t number) {
  std::vector<NewPerson> people;
  const size_t size = embedding_size(model_);
  for (size_t i = 0; i < number; ++i) {
    NewTemplate made;
    double squares = 0;
    for (size_t k = 0; k < size; ++k) {
      made.embedding.push_back(static_cast<float>(random_.normal()));
      squares += double{made.embedding.back()} * made.embedding.back();
    }
    for (float& value : made.embedding) value /= static_cast<float>(std::sqrt(squares));
    made.image_digest = std::string(64, '0');
    std::snprintf(made.image_digest.data(), 65, "%064zu", ++drawn_);
    people.push_back({std::string("person ").append(std::to_string(drawn_)), {made}});
  }
  return people;
}

void LargeGallery::fill(size_t number) {
  Gallery gallery = Gallery::create(gallery_file(), settings_for(model_, model_file()));
  std::vector<NewPerson> people = directions(number - 1);
  const PhotoSource one = PhotoSource::of_file(files_[0]);
  people.push_back(
      {"the one",
       {*photo_templates(PhotoEmbedder(model_), std::span(&one, 1), FaceChoice::one, false, pool_)
             .front()
             .made}});
  gallery.enrol(people);
}

void LargeGallery::grow(size_t number) {
  Gallery::open(gallery_file(), Access::read_write).enrol(directions(number));
}

void run_program(std::vector<std::string> words, const std::string& out) {
  words.insert(words.begin(), DOPPEL_PROGRAM);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr ||
        std::freopen("/dev/null", "w", stderr) == nullptr) {
      _exit(127);
    }
    execv(DOPPEL_PROGRAM, arguments.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    throw Error(ErrorKind::io, words[1] + ": the program failed");
  }
}

double resident_mb(int process) {
  std::ifstream stream("/proc/" + (process == 0 ? "self" : std::to_string(process)) + "/statm");
  double total = 0, resident = 0;
  stream >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace doppel::internal

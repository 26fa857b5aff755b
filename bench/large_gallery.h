// What the benchmarks of galleries share: a model of the default recipe, pictures on the disk, and
// a gallery of many people, of whom one is on a picture. All of it is gone afterwards.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "doppel/base/random.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/gallery.h"
#include "doppel/model/model.h"

namespace doppel::internal {

class LargeGallery {
 public:
  // Trains for a moment: how well costs no time.
  LargeGallery();
  ~LargeGallery();
  LargeGallery(const LargeGallery&) = delete;
  LargeGallery& operator=(const LargeGallery&) = delete;

  // Makes the gallery: directions without a face, and "the one" of files()[0].
  void fill(size_t people);
  // Enrols so many more directions, as another process beside a service would.
  void grow(size_t people);

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string model_file() const { return path("m.safetensors"); }
  std::string gallery_file() const { return path("people.gallery"); }
  const Model& model() const { return model_; }
  const std::vector<std::string>& files() const { return files_; }  // 400 pictures, 92 x 112
  ThreadPool& pool() { return pool_; }

 private:
  std::vector<NewPerson> directions(size_t number);

  std::filesystem::path folder_;
  ThreadPool pool_{ThreadPool::available_threads()};
  Model model_;
  std::vector<std::string> files_;
  Random random_{1, Purpose::sample};
  size_t drawn_ = 0;
};

// The program, to its end; what it prints goes to the file `out`. Throws Error(io) where it fails.
void run_program(std::vector<std::string> words, const std::string& out);

// Megabytes of memory that a process holds; 0: this one.
double resident_mb(int process = 0);

}  // namespace doppel::internal

// A gallery as the service holds it: searched in memory, changed in its database, followed where
// others change it. What waits for the database never holds up a search.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/search.h"
#include "doppel/service/micro_batches.h"

namespace doppel {

// Several threads may use it at once.
class ServedGallery {
 public:
  // Opens it, reads everybody and follows it from then on; `model` is the embedding_digest() of the
  // model that is served. `threads` >= 1 search. Throws as Gallery::open() and GallerySearch do.
  ServedGallery(const std::string& location, std::string model, int threads,
                IndexProgress progress);

  // GallerySearch::identify(), of what several threads ask for at once together.
  std::vector<Answer> identify(Matrix probes, size_t top);
  DecisionRule rule();
  GallerySettings settings();
  size_t people();  // who can be found, that is, have a template
  size_t templates();
  std::vector<AccessKey> keys();
  const std::string& identity() const { return identity_; }

  // Takes in what others changed. Where the gallery cannot be read the people known so far stay
  // known, and this gives the reason.
  std::optional<std::string> follow() { return take_in(/*surely=*/false); }
  // Why the gallery cannot be read at present.
  std::optional<std::string> trouble();

  // Runs `work` on the gallery, one call after the other. Throws what that throws.
  void look(const std::function<void(Gallery&)>& work);
  // The same of what changes it; when it returns, searches know of it.
  void change(const std::function<void(Gallery&)>& work);

 private:
  std::optional<std::string> take_in(bool surely);

  Gallery& database();

  const std::string location_, model_;

  std::mutex database_mutex_;  // what is below
  Gallery changed_;
  // The server is there again: a connection that knows it as gone would take its time to try.
  std::atomic<bool> reopen_ = false;

  std::mutex following_mutex_;  // what is below; then the others, too
  Gallery followed_;
  const std::string identity_;
  std::optional<std::string> moved_;  // to another model: what it holds now is of no use here

  std::mutex search_mutex_;  // what is below
  ThreadPool pool_;
  GallerySearch search_;

  std::mutex state_mutex_;  // what is below; never held for long
  GallerySettings settings_;
  std::vector<AccessKey> keys_;
  std::optional<std::string> trouble_;

  struct Probes {
    Matrix rows;
    size_t top = 1;
  };
  std::vector<std::vector<Answer>> search_together(const std::vector<Probes>& requests);
  MicroBatches<Probes, std::vector<Answer>> searches_;
};

}  // namespace doppel

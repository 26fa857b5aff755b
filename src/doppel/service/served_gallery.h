// A gallery as the service holds it: searched in memory, changed in its database, followed where
// others change it. What waits for the database never holds up a search.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "doppel/base/matrix.h"
#include "doppel/base/thread_pool.h"
#include "doppel/error.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/gallery.h"
#include "doppel/gallery/search.h"
#include "doppel/service/micro_batches.h"

namespace doppel::internal {

// What ServedGallery::change() throws where this user may not write the gallery.
class ReadOnlyGallery : public Error {
 public:
  ReadOnlyGallery()
      : Error(ErrorKind::io,
              "the service may only read the gallery: it recognises people and changes nothing") {}
};

// Several threads may use it at once. A graph that is due is made aside, on threads that give way
// to others, from a second copy of the templates; until it is ready probes are compared with all.
class ServedGallery {
 public:
  // Told what an operator should know, a sentence at a time, by any thread.
  using Notes = std::function<void(const std::string& sentence)>;

  // Opens it, reads everybody and follows it from then on; `model` is the settings_for() the model
  // that is served. `threads` >= 1 search. Throws as Gallery::open() and GallerySearch do.
  ServedGallery(const std::string& location, GallerySettings model, int threads, Notes notes,
                size_t most_compared = kMostCompared);
  ~ServedGallery();
  ServedGallery(const ServedGallery&) = delete;
  ServedGallery& operator=(const ServedGallery&) = delete;

  // GallerySearch::identify(), of what several threads ask for at once together. Throws
  // Error(bad_argument) where embedding_fault() finds something wrong with a probe.
  std::vector<Answer> identify(Matrix probes, size_t top);
  DecisionRule rule();
  std::optional<PhotoDifference> photo_difference();  // GallerySearch::photo_difference()
  double same_person_distance();                      // GallerySearch::same_person_distance()
  GallerySettings settings();
  size_t people();  // who can be found, that is, have a template
  size_t templates();
  size_t left_out();  // GallerySearch::left_out()
  // Of the graph that is being made: templates that are linked, of all; none where none is.
  struct GraphProgress {
    size_t done = 0, total = 0;
  };
  std::optional<GraphProgress> graph_progress();
  bool has_graph();
  std::vector<AccessKey> keys();
  std::string identity() const;  // Gallery::identity(), another one after a restore

  // Takes in what others changed. Where the gallery cannot be read the people known so far stay
  // known, and this gives the reason.
  std::optional<std::string> follow();
  // Why the gallery cannot be read at present.
  std::optional<std::string> trouble();
  // Whether changes are refused because a disk is full: from the first such change until another
  // one is made, or follow() finds room again.
  bool full() const { return full_; }

  // Runs `work` on the gallery, one call after the other. Throws what that throws.
  void look(const std::function<void(Gallery&)>& work);
  // The same of what changes it; when it returns, searches know of it. Throws ReadOnlyGallery, too.
  void change(const std::function<void(Gallery&)>& work);

 private:
  // A gallery that is read and the search that follows it.
  struct Followed {
    Followed(const std::string& location, const GallerySettings& model, int threads,
             size_t most_compared);
    Gallery gallery;
    ThreadPool pool;
    GallerySearch search;
  };

  std::optional<std::string> take_in(bool surely);
  void apply(GallerySearch::Update update);
  void note_left_out(const std::vector<LeftOut>& left_out, size_t known);
  void look_for_room();
  void set_full(bool full, const std::string& note);
  void make_graphs();
  void make_graph();
  void show_progress(size_t done, size_t total);

  Gallery opened();
  Gallery& database();

  const std::string location_;
  const GallerySettings model_;
  const int threads_;
  const size_t most_compared_;
  const Notes notes_;

  const bool read_only_;

  std::mutex database_mutex_;  // what is below
  std::chrono::steady_clock::time_point look_for_room_at_;
  std::atomic<bool> full_ = false;  // set under the mutex
  // The server is there again: a connection that knows it as gone would take its time to try.
  std::atomic<bool> reopen_ = false;
  bool no_room_ = false;  // not even to open it for changes: changed_ can only be read
  Gallery changed_;

  std::mutex following_mutex_;  // what is below; then the others, too
  // Its search is also search_mutex_'s, and so is which one it is.
  std::unique_ptr<Followed> followed_;
  bool moved_ = false;  // to another model: what it holds now is of no use here

  std::mutex search_mutex_;  // what followed_ searches

  mutable std::mutex state_mutex_;  // what is below; never held for long
  std::string identity_;
  GallerySettings settings_;
  std::vector<AccessKey> keys_;
  std::optional<std::string> trouble_;
  std::optional<GraphProgress> graph_progress_;
  bool graph_due_ = false, ending_ = false;
  std::condition_variable graph_wanted_;
  std::thread graphs_;  // makes them

  struct Probes {
    Matrix rows;
    size_t top = 1;
  };
  std::vector<std::vector<Answer>> search_together(std::span<const Probes> requests);
  MicroBatches<Probes, std::vector<Answer>> searches_;
};

}  // namespace doppel::internal

#include "doppel/service/served_gallery.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <utility>

#include "doppel/base/disk_full.h"
#include "doppel/error.h"
#include "doppel/gallery/location.h"

namespace doppel::internal {
namespace {

constexpr size_t kMostSearchedTogether = 64;
// After a graph could not be made, as when the database was gone.
constexpr std::chrono::seconds kPauseAfterFailure{60};
constexpr std::chrono::seconds kPauseWhileFull{5};
constexpr int kNiceness = 10;  // of the threads that make graphs: a tenth of what searches get
constexpr size_t kMostNoted = 20;

struct Ended {};

// This thread, and those that it starts from now on, give way to the others.
void give_way() { setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness); }

}  // namespace

ServedGallery::Followed::Followed(const std::string& location, const GallerySettings& model,
                                  int threads, size_t most_compared)
    : gallery([&] {
        Gallery opened = Gallery::open(location, Access::read);
        opened.check_model(model);
        return opened;
      }()),
      pool(threads),
      search(gallery, pool, most_compared) {}

ServedGallery::ServedGallery(const std::string& location, GallerySettings model, int threads,
                             Notes notes, size_t most_compared)
    : location_(location),
      model_(std::move(model)),
      threads_(threads),
      most_compared_(most_compared),
      notes_(std::move(notes)),
      read_only_(!Gallery::may_be_changed(location)),
      changed_(opened()),
      followed_(std::make_unique<Followed>(location, model_, threads, most_compared)),
      identity_(followed_->gallery.identity()),
      settings_(followed_->gallery.settings()),
      keys_(followed_->gallery.access_keys()),
      // The same number of candidates, so that no answer depends on who else asks.
      searches_({[this](std::span<const Probes> requests) { return search_together(requests); },
                 [](const Probes& probes) { return probes.rows.rows; }, kMostSearchedTogether,
                 [](const Probes& a, const Probes& b) { return a.top == b.top; }}) {
  changed_.refuse_damage();
  note_left_out(followed_->search.left_out(), 0);
  graph_due_ = followed_->search.graph_due();
  graphs_ = std::thread([this] { make_graphs(); });
}

ServedGallery::~ServedGallery() {
  {
    const std::lock_guard lock(state_mutex_);
    ending_ = true;
  }
  graph_wanted_.notify_one();
  graphs_.join();
}

void ServedGallery::note_left_out(const std::vector<LeftOut>& left_out, size_t known) {
  for (size_t i = known; i < left_out.size() && i < known + kMostNoted; ++i) {
    notes_(to_string(left_out[i], shown_location(location_)));
  }
  if (left_out.size() > known + kMostNoted) {
    notes_(shown_location(location_) + ": " + std::to_string(left_out.size() - known - kMostNoted) +
           " more templates are left out of the search; doppel gallery check lists them");
  }
}

std::vector<Answer> ServedGallery::identify(Matrix probes, size_t top) {
  if (probes.rows == 0) return {};
  for (size_t i = 0; i < probes.rows; ++i) {
    if (const auto fault = embedding_fault(probes.row(i), model_)) {
      throw Error(ErrorKind::bad_argument, "probe " + std::to_string(i + 1) + ": it " + *fault);
    }
  }
  return searches_.run({std::move(probes), top});
}

// A large gallery is read from memory once for all of them.
std::vector<std::vector<Answer>> ServedGallery::search_together(std::span<const Probes> requests) {
  size_t rows = 0;
  for (const Probes& request : requests) rows += request.rows.rows;
  Matrix all(rows, requests.front().rows.columns);
  auto to = all.values.begin();
  for (const Probes& request : requests) to = std::ranges::copy(request.rows.values, to).out;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(search_mutex_);
    answers = followed_->search.identify(all, requests.front().top);
  }
  std::vector<std::vector<Answer>> parts;
  auto from = std::make_move_iterator(answers.begin());
  for (const Probes& request : requests) {
    const auto end = from + static_cast<std::ptrdiff_t>(request.rows.rows);
    parts.emplace_back(from, end);
    from = end;
  }
  return parts;
}

DecisionRule ServedGallery::rule() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.rule();
}

std::optional<PhotoDifference> ServedGallery::photo_difference() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.photo_difference();
}

double ServedGallery::same_person_distance() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.same_person_distance();
}

std::string ServedGallery::identity() const {
  const std::lock_guard lock(state_mutex_);
  return identity_;
}

GallerySettings ServedGallery::settings() {
  const std::lock_guard lock(state_mutex_);
  return settings_;
}

size_t ServedGallery::people() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.people();
}

size_t ServedGallery::templates() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.index().size();
}

size_t ServedGallery::left_out() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.left_out().size();
}

bool ServedGallery::has_graph() {
  const std::lock_guard lock(search_mutex_);
  return followed_->search.index().has_graph();
}

std::optional<ServedGallery::GraphProgress> ServedGallery::graph_progress() {
  const std::lock_guard lock(state_mutex_);
  return graph_progress_;
}

std::vector<AccessKey> ServedGallery::keys() {
  const std::lock_guard lock(state_mutex_);
  return keys_;
}

std::optional<std::string> ServedGallery::trouble() {
  const std::lock_guard lock(state_mutex_);
  return trouble_;
}

std::optional<std::string> ServedGallery::follow() {
  if (full_) look_for_room();
  return take_in(/*surely=*/false);
}

// A service that is taken for unable to write may get no more changes by which to learn better.
void ServedGallery::look_for_room() {
  const std::unique_lock lock(database_mutex_, std::try_to_lock);
  if (!lock || std::chrono::steady_clock::now() < look_for_room_at_) return;
  try {
    database().check_room();
  } catch (const DiskFull&) {
    look_for_room_at_ = std::chrono::steady_clock::now() + kPauseWhileFull;
    return;
  } catch (const Error&) {  // what else is wrong is told elsewhere
  }
  set_full(false, "");
}

// Under database_mutex_. Notes of one pair are kPauseWhileFull apart.
void ServedGallery::set_full(bool full, const std::string& note) {
  look_for_room_at_ = std::chrono::steady_clock::now() + kPauseWhileFull;
  if (full_.exchange(full) == full) return;
  notes_(full ? note +
                    "; until there is room changes are refused, and people are recognised as "
                    "before"
              : shown_location(location_) + ": there is room again, and changes are made");
}

std::optional<std::string> ServedGallery::take_in(bool surely) {
  const std::lock_guard following(following_mutex_);
  try {
    // What another model made is of no use to this one, and not worth reading again and again.
    if (moved_) {
      followed_->gallery.read_settings();
      followed_->gallery.check_model(model_);
      moved_ = false;
    }
    std::optional<GallerySearch::Update> update = followed_->search.read(surely);
    std::vector<AccessKey> keys;
    if (update) {
      moved_ = update->settings.model_digest != model_.model_digest;
      followed_->gallery.check_model(model_);
      keys = followed_->gallery.access_keys();
    }
    {
      const std::lock_guard lock(state_mutex_);
      if (trouble_) reopen_ = true;
      trouble_.reset();
      if (update) {
        identity_ = update->identity;
        settings_ = update->settings;
        keys_ = std::move(keys);
      }
    }
    if (update) apply(std::move(*update));
    return {};
  } catch (const Error& error) {
    const std::lock_guard lock(state_mutex_);
    trouble_ = error.what();
    return trouble_;
  }
}

// Searches may come between its parts.
void ServedGallery::apply(GallerySearch::Update update) {
  const size_t known = followed_->search.left_out().size();
  for (bool all = false; !all;) {
    {
      const std::lock_guard lock(search_mutex_);
      all = followed_->search.apply(update);
    }
    // Whoever waits for the lock is not always let in before the one who has just had it.
    if (!all) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  note_left_out(followed_->search.left_out(), std::min(known, followed_->search.left_out().size()));
  if (!followed_->search.graph_due()) return;
  {
    const std::lock_guard lock(state_mutex_);
    graph_due_ = true;
  }
  graph_wanted_.notify_one();
}

// The thread of graphs_.
void ServedGallery::make_graphs() {
  for (;;) {
    {
      std::unique_lock lock(state_mutex_);
      graph_wanted_.wait(lock, [this] { return ending_ || graph_due_; });
      if (ending_) return;
      graph_due_ = false;
    }
    std::string failure;
    try {
      make_graph();
    } catch (const Ended&) {
      return;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    std::unique_lock lock(state_mutex_);
    graph_progress_.reset();
    if (failure.empty()) continue;
    graph_due_ = true;
    lock.unlock();
    notes_("the graph of the search could not be made, and is tried again: " + failure);
    lock.lock();
    graph_wanted_.wait_for(lock, kPauseAfterFailure, [this] { return ending_; });
  }
}

// A second copy of the templates gets the graph, catches up with what was changed meanwhile, and
// takes the first one's place.
void ServedGallery::make_graph() {
  // Another file may lie where the gallery was: two under one log would be mixed.
  if (const std::optional<std::string> why = trouble()) throw Error(ErrorKind::io, *why);
  auto fresh = std::make_unique<Followed>(location_, model_, threads_, most_compared_);
  if (fresh->search.graph_due()) {
    const size_t total = fresh->search.index().size();
    notes_("a graph of " + std::to_string(total) +
           " templates is being made; until it is ready probes are compared with all of them");
    // On a thread of its own: what follows holds others up, and is not to give way to them.
    std::async(std::launch::async, [&] {
      give_way();
      ThreadPool pool(std::max(1, threads_ / 2));
      fresh->search.make_graph(pool, [this](size_t done, size_t of) { show_progress(done, of); });
    }).get();
    notes_("the graph of " + std::to_string(total) + " templates is ready");
  }
  const auto catch_up = [&] {
    while (std::optional<GallerySearch::Update> update = fresh->search.read(/*surely=*/true)) {
      while (!fresh->search.apply(*update)) {
      }
    }
  };
  catch_up();
  const std::lock_guard following(following_mutex_);
  catch_up();
  fresh->gallery.check_model(model_);
  if (moved_) return;
  std::vector<AccessKey> keys = fresh->gallery.access_keys();
  {
    const std::lock_guard lock(state_mutex_);
    identity_ = fresh->gallery.identity();
    settings_ = fresh->gallery.settings();
    keys_ = std::move(keys);
    graph_progress_.reset();
    graph_due_ = fresh->search.graph_due();  // what was due was that of the first copy
  }
  const std::lock_guard lock(search_mutex_);
  followed_.swap(fresh);
}

void ServedGallery::show_progress(size_t done, size_t total) {
  size_t before = 0;
  {
    const std::lock_guard lock(state_mutex_);
    if (ending_) throw Ended();
    if (graph_progress_) before = graph_progress_->done;
    graph_progress_ = GraphProgress{done, total};
  }
  constexpr size_t kParts = 10;
  if (kParts * done / total != kParts * before / total && done < total) {
    notes_("the graph: " + std::to_string(done) + " of " + std::to_string(total) +
           " templates are linked");
  }
}

// On a disk that is full, to be read alone.
Gallery ServedGallery::opened() {
  std::optional<Gallery> gallery;
  no_room_ = false;
  if (!read_only_) {
    try {
      gallery = Gallery::open(location_, Access::read_write);
    } catch (const DiskFull& error) {
      no_room_ = true;
      set_full(true, error.what());
    }
  }
  if (!gallery) gallery = Gallery::open(location_, Access::read);
  gallery->check_model(model_);
  return std::move(*gallery);
}

Gallery& ServedGallery::database() {
  if (reopen_.exchange(false) || no_room_) changed_ = opened();
  return changed_;
}

void ServedGallery::look(const std::function<void(Gallery&)>& work) {
  const std::lock_guard lock(database_mutex_);
  work(database());
}

void ServedGallery::change(const std::function<void(Gallery&)>& work) {
  if (read_only_) throw ReadOnlyGallery();
  {
    const std::lock_guard lock(database_mutex_);
    try {
      Gallery& gallery = database();
      if (no_room_) {
        throw DiskFull(shown_location(location_) + ": the disk is full; nothing was changed");
      }
      work(gallery);
    } catch (const DiskFull& error) {
      set_full(true, error.what());
      throw;
    }
    if (full_) set_full(false, "");
  }
  take_in(/*surely=*/true);
}

}  // namespace doppel::internal

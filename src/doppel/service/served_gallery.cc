#include "doppel/service/served_gallery.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "doppel/base/error.h"

namespace doppel {
namespace {

constexpr size_t kMostSearchedTogether = 64;

}  // namespace

ServedGallery::ServedGallery(const std::string& location, std::string model, int threads,
                             IndexProgress progress)
    : location_(location),
      model_(std::move(model)),
      changed_(Gallery::open(location, Access::read_write)),
      followed_(Gallery::open(location, Access::read)),
      identity_(followed_.identity()),
      pool_(threads),
      search_(followed_, pool_, std::move(progress)),
      settings_(followed_.settings()),
      keys_(access_keys(followed_)),
      // The same number of candidates, so that no answer depends on who else asks.
      searches_({[this](std::vector<Probes> requests) { return search_together(requests); },
                 [](const Probes& probes) { return probes.rows.rows; }, kMostSearchedTogether,
                 [](const Probes& a, const Probes& b) { return a.top == b.top; }}) {
  followed_.check_model(model_, "the model that is served");
}

std::vector<Answer> ServedGallery::identify(Matrix probes, size_t top) {
  if (probes.rows == 0) return {};
  return searches_.run({std::move(probes), top});
}

// A large gallery is read from memory once for all of them.
std::vector<std::vector<Answer>> ServedGallery::search_together(
    const std::vector<Probes>& requests) {
  size_t rows = 0;
  for (const Probes& request : requests) rows += request.rows.rows;
  Matrix all(rows, requests.front().rows.columns);
  auto to = all.values.begin();
  for (const Probes& request : requests) to = std::ranges::copy(request.rows.values, to).out;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(search_mutex_);
    answers = search_.identify(all, requests.front().top);
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
  return search_.rule();
}

GallerySettings ServedGallery::settings() {
  const std::lock_guard lock(state_mutex_);
  return settings_;
}

size_t ServedGallery::people() {
  const std::lock_guard lock(search_mutex_);
  return search_.people();
}

size_t ServedGallery::templates() {
  const std::lock_guard lock(search_mutex_);
  return search_.index().size();
}

std::vector<AccessKey> ServedGallery::keys() {
  const std::lock_guard lock(state_mutex_);
  return keys_;
}

std::optional<std::string> ServedGallery::trouble() {
  const std::lock_guard lock(state_mutex_);
  return trouble_;
}

std::optional<std::string> ServedGallery::take_in(bool surely) {
  const std::lock_guard following(following_mutex_);
  if (moved_) return moved_;
  try {
    std::optional<GallerySearch::Update> update = search_.read(surely);
    std::vector<AccessKey> keys;
    if (update) {
      // What another model made is of no use to this one.
      if (update->settings.model_digest != model_) moved_ = "";
      followed_.check_model(model_, "the model that is served");
      keys = access_keys(followed_);
    }
    {
      const std::lock_guard lock(state_mutex_);
      if (trouble_) reopen_ = true;
      trouble_.reset();
      if (update) {
        settings_ = update->settings;
        keys_ = std::move(keys);
      }
    }
    if (update) {
      const std::lock_guard lock(search_mutex_);
      search_.apply(std::move(*update));
    }
    return {};
  } catch (const Error& error) {
    const std::lock_guard lock(state_mutex_);
    trouble_ = error.what();
    if (moved_) moved_ = trouble_;
    return trouble_;
  }
}

Gallery& ServedGallery::database() {
  if (reopen_.exchange(false)) changed_ = Gallery::open(location_, Access::read_write);
  return changed_;
}

void ServedGallery::look(const std::function<void(Gallery&)>& work) {
  const std::lock_guard lock(database_mutex_);
  work(database());
}

void ServedGallery::change(const std::function<void(Gallery&)>& work) {
  {
    const std::lock_guard lock(database_mutex_);
    work(database());
  }
  take_in(/*surely=*/true);
}

}  // namespace doppel

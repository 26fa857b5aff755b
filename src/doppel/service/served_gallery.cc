#include "doppel/service/served_gallery.h"

#include <utility>

#include "doppel/base/error.h"

namespace doppel {

ServedGallery::ServedGallery(const std::string& location, std::string model, int threads,
                             IndexProgress progress)
    : model_(std::move(model)),
      identity_(Gallery::open(location, Access::read).identity()),
      changed_(Gallery::open(location, Access::read_write)),
      followed_(Gallery::open(location, Access::read)),
      pool_(threads),
      search_(followed_, pool_, std::move(progress)),
      settings_(followed_.settings()),
      keys_(access_keys(followed_)) {
  followed_.check_model(model_, "the model that is served");
}

std::vector<Answer> ServedGallery::identify(const Matrix& probes, size_t top) {
  const std::lock_guard lock(search_mutex_);
  return search_.identify(probes, top);
}

DecisionRule ServedGallery::rule() {
  const std::lock_guard lock(search_mutex_);
  return search_.rule();
}

GallerySettings ServedGallery::settings() {
  const std::lock_guard lock(search_mutex_);
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
  const std::lock_guard lock(search_mutex_);
  return keys_;
}

std::optional<std::string> ServedGallery::trouble() {
  const std::lock_guard lock(search_mutex_);
  return trouble_;
}

std::optional<std::string> ServedGallery::follow() {
  const std::lock_guard following(following_mutex_);
  if (moved_) return moved_;
  try {
    std::optional<GallerySearch::Update> update = search_.read();
    std::vector<AccessKey> keys;
    if (update) {
      // What another model made is of no use to this one.
      if (update->settings.model_digest != model_) moved_ = "";
      followed_.check_model(model_, "the model that is served");
      keys = access_keys(followed_);
    }
    const std::lock_guard lock(search_mutex_);
    trouble_.reset();
    if (update) {
      settings_ = update->settings;
      keys_ = std::move(keys);
      search_.apply(std::move(*update));
    }
    return {};
  } catch (const Error& error) {
    const std::lock_guard lock(search_mutex_);
    trouble_ = error.what();
    if (moved_) moved_ = trouble_;
    return trouble_;
  }
}

void ServedGallery::look(const std::function<void(Gallery&)>& work) {
  const std::lock_guard lock(database_mutex_);
  work(changed_);
}

void ServedGallery::change(const std::function<void(Gallery&)>& work) {
  {
    const std::lock_guard lock(database_mutex_);
    work(changed_);
  }
  follow();
}

}  // namespace doppel

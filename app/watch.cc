// doppel watch: identifies every photo that appears in a folder, until it is stopped.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "answers.h"
#include "commands.h"
#include "doppel/base/error.h"
#include "doppel/data/listing.h"
#include "gallery_access.h"
#include "measures.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::app {
namespace {

constexpr int kWaitMs = 500;  // so that a changed gallery and a wish to stop are noticed

struct WatchOptions {
  std::string gallery, model, folder, faces = "all";
  size_t top = 1;
  int threads = 0;
  bool as_json = false;
};

// The files that were completed in a folder: closed after writing, or moved there.
class FolderEvents {
 public:
  explicit FolderEvents(const std::string& folder)
      : folder_(folder), handle_(inotify_init1(IN_CLOEXEC)) {
    if (handle_ < 0 ||
        inotify_add_watch(handle_, folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
      const std::string why = std::strerror(errno);
      if (handle_ >= 0) close(handle_);
      throw Error(ErrorKind::io, folder + ": the folder cannot be watched: " + why);
    }
  }
  ~FolderEvents() { close(handle_); }
  FolderEvents(const FolderEvents&) = delete;
  FolderEvents& operator=(const FolderEvents&) = delete;

  // Images that came within kWaitMs, each once.
  std::vector<std::string> next() {
    std::vector<std::string> files;
    pollfd waiting{handle_, POLLIN, 0};
    if (poll(&waiting, 1, kWaitMs) <= 0) return files;
    alignas(inotify_event) std::array<char, 65536> buffer;
    const ssize_t size = read(handle_, buffer.data(), buffer.size());
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      if ((event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0) {
        throw Error(ErrorKind::io, folder_ + ": the folder is gone");
      }
      const std::string name = event.len > 0 ? buffer.data() + at + sizeof event : "";
      const std::string path = (std::filesystem::path(folder_) / name).string();
      if (is_image_name(name) && !name.starts_with('.') &&
          std::ranges::find(files, path) == files.end()) {
        files.push_back(path);
      }
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
    return files;
  }

 private:
  std::string folder_;
  int handle_;
};

void run(const WatchOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const Model model = model_of(gallery, options.model);
  const GallerySettings of_model =
      settings_for(model, options.model.empty() ? gallery.settings().model_file : options.model);
  ThreadPool pool(options.threads > 0 ? options.threads : ThreadPool::available_threads());
  Progress progress;
  GallerySearch search(gallery, pool);
  search.make_graph(pool, index_progress(progress));
  progress.clear();
  say_left_out(search, gallery.name());
  if (search.rule().source == RuleSource::none) throw CannotDecide(search.rule());
  size_t left_out = search.left_out().size();
  const auto people = [&]() -> GallerySearch& { return search; };
  const PhotoAnswers answers(model, people, face_choice(options.faces), options.top, pool);
  FolderEvents events(options.folder);
  watch_for_stop();
  std::fprintf(stderr, "Watching %s with %s; Ctrl-C ends it. Deciding: %s\n",
               options.folder.c_str(), plural(search.people(), "person").c_str(),
               rule_text(search.rule()).c_str());
  bool following = true;
  for (;;) {
    check_stop();
    const std::vector<std::string> files = events.next();
    // Whoever is known stays known while the gallery cannot be asked.
    try {
      if (search.refresh()) {
        gallery.check_model(of_model);
        if (search.left_out().size() > left_out) say_left_out(search, gallery.name());
        left_out = search.left_out().size();
      }
      if (!following) std::fprintf(stderr, "The gallery can be read again\n");
      following = true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io) throw;
      if (following) {
        std::fprintf(stderr, "doppel: %s; going on with the %s it held\n", error.what(),
                     plural(search.people(), "person").c_str());
      }
      following = false;
    }
    for (const PhotoAnswers::Result& result : answers.of(files)) {
      if (result.problem) {
        std::fprintf(stderr, "doppel: %s\n", result.problem->what());
      } else if (options.as_json) {
        std::printf("%s\n", to_json(*result.photo).dump().c_str());
      } else {
        std::fputs(plain_lines(*result.photo, options.top).c_str(), stdout);
      }
    }
    if (std::fflush(stdout) != 0) break;  // whoever read it is gone; main() says so
  }
}

}  // namespace

void add_watch(CLI::App& program) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command =
      program.add_subcommand("watch", "Identify every photo that appears in a folder");
  command->footer(
      "Photos count when they are complete: written and closed, or moved into the folder. Changes "
      "of\n"
      "the gallery are followed. It ends with Ctrl-C. Lines are as those of doppel identify; "
      "--json\n"
      "prints a document on a line for each photo.\n"
      "Example: doppel watch team.gallery /srv/door/");
  add_gallery_argument(*command, options->gallery);
  command->add_option("DIR", options->folder, "The folder")->required();
  add_model_option(*command, options->model);
  command->add_option("--faces", options->faces, "all, largest or one, as of doppel identify")
      ->capture_default_str();
  command->add_option("--top", options->top, "Candidates to list for each face")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_threads_option(*command, options->threads);
  command->add_flag("--json", options->as_json, "Print JSON, a line for each photo");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app

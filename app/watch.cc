// doppel watch: identifies whoever appears on the photos that come to a folder, until it is
// stopped.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>

#include "answers.h"
#include "commands.h"
#include "doppel/base/words.h"
#include "doppel/data/listing.h"
#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/gallery/photo_notices.h"
#include "doppel/gallery/visits.h"
#include "gallery_access.h"
#include "measures.h"
#include "notices.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

constexpr int kWaitMs = 500;      // so that a changed gallery and a wish to stop are noticed
constexpr int kVisitWaitMs = 50;  // and that a visit has ended
// Photos are read by a few, so that one waits but for a moment to be noticed, and the time it came
// is known. Those that wait are bounded: beyond, they wait in the kernel, which drops the latest.
constexpr size_t kAtOnce = 16;
constexpr size_t kMostWaiting = 16384;

struct WatchOptions {
  std::string gallery, model, folder, faces = "all";
  VisitSettings visit;
  size_t top = 1;
  int threads = 0;
  bool as_json = false, verbose = false;
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

  // Images that came, or come first within `wait_ms`, each once.
  std::vector<std::string> next(int wait_ms) {
    std::vector<std::string> files;
    pollfd waiting{handle_, POLLIN, 0};
    if (poll(&waiting, 1, wait_ms) <= 0) return files;
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

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What is found on photos, on standard output.
class Door {
 public:
  Door(const WatchOptions& options, const PhotoAnswers& answers, GallerySearch& search)
      : options_(options),
        answers_(answers),
        search_(search),
        visits_(options.visit, search.index().energy()) {}

  bool anybody() const { return visits_.open() > 0; }

  // Photos that came at these seconds.
  void see(std::span<const std::string> files, std::span<const double> seconds) {
    if (options_.visit.photos == 1) {
      for (const PhotoAnswers::Result& result : answers_.of(files)) {
        print(result);
        if (!result.photo) continue;
        for (const AnsweredFace& face : result.photo->faces) probes_.add(face.looks, face.answer);
      }
      return;
    }
    const PhotoAnswers::Embedded seen = answers_.embed(files);
    size_t row = 0;
    for (size_t i = 0; i < files.size(); ++i) {
      if (!seen.photos[i].photo || seen.photos[i].photo->faces.empty()) {
        print(seen.photos[i]);
        continue;
      }
      std::vector<VisitFace> faces;
      Matrix embeddings(0, seen.embeddings.columns);
      for (const AnsweredFace& face : seen.photos[i].photo->faces) {
        faces.push_back({.photo = files[i],
                         .box = {face.left, face.top, face.width, face.height},
                         .looks = face.looks});
        embeddings.append(seen.embeddings.row(row++));
      }
      decide(visits_.add(seconds[i], faces, embeddings, search_.same_person_distance()));
    }
  }
  // Nothing came until then.
  void wait(double seconds) { decide(visits_.end(seconds)); }
  void close() { decide(visits_.end_all()); }

  // What is to be said of the latest photos.
  std::vector<std::string> notices(const Model& model) const {
    return probes_.all(model.threshold, search_.people());
  }

 private:
  void decide(const std::vector<Visit>& visits) {
    if (visits.empty()) return;
    Matrix probes(0, visits[0].embedding.size());
    for (const Visit& visit : visits) probes.append(visit.embedding);
    const std::vector<Answer> answers = search_.identify(probes, options_.top);
    for (size_t i = 0; i < visits.size(); ++i) {
      print(visits[i], answers[i]);
      probes_.add_visit(visits[i], answers[i]);
    }
  }

  void print(const PhotoAnswers::Result& result) const {
    if (result.problem) {
      std::fprintf(stderr, "doppel: %s\n", result.problem->what());
    } else if (options_.as_json) {
      std::printf("%s\n", to_json(*result.photo).dump().c_str());
    } else {
      std::fputs(plain_lines(*result.photo, options_.top).c_str(), stdout);
    }
  }

  void print(const Visit& visit, const Answer& answer) const {
    const size_t photos = visit.faces.size();
    if (options_.as_json) {
      nlohmann::json document = to_json(answer);
      document["photos"] = photos;
      document["files"] = document["boxes"] = nlohmann::json::array();
      for (const VisitFace& face : visit.faces) {
        document["files"].push_back(face.photo);
        document["boxes"].push_back(face.box);
      }
      std::printf("%s\n", document.dump().c_str());
    } else {
      const std::string line = plain_line(visit.faces.back().photo, answer, options_.top);
      const std::string of = photos > 1 ? "," + plural(photos, "photo") : "";
      std::printf("%s%s\n", line.c_str(), of.c_str());
    }
  }

  const WatchOptions& options_;
  const PhotoAnswers& answers_;
  GallerySearch& search_;
  Visits visits_;
  ProbeNotices probes_;
};

void run(const WatchOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const Model model = model_of(gallery, options.model);
  const GallerySettings of_model =
      settings_for(model, options.model.empty() ? gallery.settings().model_file : options.model);
  ThreadPool pool(options.threads);
  Progress progress;
  GallerySearch search(gallery, pool);
  search.make_graph(pool, index_progress(progress));
  progress.clear();
  say_left_out(search, gallery.name());
  say_notice(notice_of_gallery(search.photo_difference()));
  check_decides(search.rule());
  size_t left_out = search.left_out().size();
  const auto people = [&]() -> GallerySearch& { return search; };
  const PhotoAnswers answers(model, people, face_choice(options.faces), options.top, pool);
  Door door(options, answers, search);
  FolderEvents events(options.folder);
  watch_for_stop();
  std::fprintf(stderr, "Watching %s with %s; Ctrl-C ends it.\n", options.folder.c_str(),
               plural(search.people(), "person").c_str());
  say_rule(search.rule(), options.verbose, stderr);
  RunningNotices notices;
  bool following = true;
  std::deque<std::string> waiting;
  std::deque<double> came;
  for (;;) {
    if (stop_asked()) {
      door.close();
      notices.say(door.notices(model));
      if (std::fflush(stdout) != 0) break;
      throw Interrupted();
    }
    if (notices.due()) notices.say(door.notices(model));
    const double before = seconds_now();
    if (waiting.size() < kMostWaiting) {
      const int wait_ms = !waiting.empty() ? 0 : door.anybody() ? kVisitWaitMs : kWaitMs;
      for (std::string& file : events.next(wait_ms)) {
        // One that is written anew before it was read is one photo.
        if (std::ranges::find(waiting, file) != waiting.end()) continue;
        waiting.push_back(std::move(file));
        came.push_back(seconds_now());
      }
    }
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
    if (waiting.empty()) {
      door.wait(before);
    } else {
      const auto n = static_cast<std::ptrdiff_t>(std::min(kAtOnce, waiting.size()));
      const std::vector<std::string> files(waiting.begin(), waiting.begin() + n);
      const std::vector<double> seconds(came.begin(), came.begin() + n);
      waiting.erase(waiting.begin(), waiting.begin() + n);
      came.erase(came.begin(), came.begin() + n);
      door.see(files, seconds);
    }
    if (std::fflush(stdout) != 0) break;  // whoever read it is gone; main() says so
  }
}

}  // namespace

void add_watch(CLI::App& program) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command = program.add_subcommand(
      "watch", "Identify whoever appears on the photos that come to a folder");
  command->footer(
      "Photos count when they are complete: written and closed, or moved into the folder. Changes "
      "of\n"
      "the gallery are followed. It ends with Ctrl-C, and decides what is open before.\n"
      "\n"
      "Photos of a person that follow each other are a visit. It is decided once, by the mean of\n"
      "its photos' embeddings: when it has --visit photos, or when no photo of it has come for\n"
      "--gap seconds. Further photos of it print nothing, for as long as they follow within the\n"
      "gap. Whose photos are near each other is one person; two faces of a photo are two.\n"
      "The gallery's FPIR is that of one photo's search: the share of strangers' searches that\n"
      "find somebody. The share of strangers' visits is larger: the mean of five photos has less\n"
      "noise and comes nearer to everybody. At 1 % a search it was 2.3 to 2.7 % a visit, and at\n"
      "0.3 % 0.4 to 0.9 % (LFW, AT&T). With --visit 1 it grows with every photo of a stranger.\n"
      "gallery set --fpir 0.003 gives about 1 % a visit; doppel eval --open-set --visit 5 measures "
      "it\n"
      "on your own photos.\n"
      "\n"
      "A line for each visit: file,name,score as of doppel identify, the file being the last "
      "of\n"
      "the photos that decide; of several photos, how many come last: door/5.jpg,Ada,0.4210,5 "
      "photos\n"
      "--json prints a document on a line for each visit: \"files\", \"boxes\" (left, top, width, "
      "height\n"
      "of the face), \"photos\" (how many), and the answer: \"known\", \"name\", \"candidates\". A "
      "photo\n"
      "without a face is no visit: a line as of doppel identify says so. With --visit 1 all are "
      "so.\n"
      "Example: doppel watch team.gallery /srv/door/");
  add_gallery_argument(*command, options->gallery);
  command->add_option("DIR", options->folder, "The folder")->required();
  add_model_option(*command, options->model);
  command
      ->add_option("--visit", options->visit.photos,
                   "Photos that decide a visit; 1: each photo is decided by itself")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--gap", options->visit.gap, "Seconds without a photo that end a visit")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--faces", options->faces, "all, largest or one, as of doppel identify")
      ->capture_default_str();
  command->add_option("--top", options->top, "Candidates to list for each face")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_threads_option(*command, options->threads);
  add_verbose_option(*command, options->verbose);
  command->add_flag("--json", options->as_json, "Print JSON, a line for each visit");
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app

// doppel serve: a gallery behind HTTP, and the page that people use it with.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "commands.h"
#include "doppel/base/words.h"
#include "doppel/error.h"
#include "doppel/gallery/location.h"
#include "doppel/service/http_server.h"
#include "doppel/service/loopback.h"
#include "doppel/service/service.h"
#include "gallery_access.h"
#include "notices.h"
#include "recipe_options.h"
#include "request_log.h"
#include "stop.h"

namespace doppel::internal::app {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // between looks at the gallery and at signals

struct ServeOptions {
  std::string gallery, model, host = "127.0.0.1", certificate, key;
  uint16_t port = 8080;
  int threads = 0;
  double rate = 0, seconds = 30, megabytes = 16;
  std::vector<std::string> origins;
  bool log_names = false, force = false;
};

// The gallery's model; the gallery itself is made where there is none and --model says for which.
Model ready_model(const ServeOptions& options) {
  if (!Gallery::exists(options.gallery)) {
    if (options.model.empty()) {
      throw Error(ErrorKind::bad_argument, shown_location(options.gallery) +
                                               ": there is no such gallery yet; --model says which "
                                               "model a new, empty one is for");
    }
    Model model = load_model(options.model);
    const std::string file = std::filesystem::absolute(options.model).string();
    const Gallery made = Gallery::create(options.gallery, settings_for(model, file));
    std::fprintf(stderr, "Made %s, an empty gallery\n", made.name().c_str());
    return model;
  }
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  return model_of(gallery, options.model);
}

bool has_keys(const std::string& location) {
  Gallery gallery = Gallery::open(location, Access::read);
  return !gallery.access_keys().empty();
}

void check_options(const ServeOptions& options, bool keys) {
  if (!is_loopback(options.host) && !keys) {
    throw Error(ErrorKind::bad_argument,
                "--host " + options.host +
                    ": without keys everybody who reaches the service may use it, so only "
                    "127.0.0.1, ::1 or localhost are served; make keys first: doppel key add " +
                    shown_location(options.gallery) + " --role admin");
  }
  if (options.certificate.empty() != options.key.empty()) {
    throw Error(ErrorKind::bad_argument, "--cert and --key: both were expected, or neither");
  }
}

void announce(const ServeOptions& options, Service& service, uint16_t port, bool keys) {
  const bool secure = !options.certificate.empty();
  const std::string host =
      options.host.find(':') != std::string::npos ? "[" + options.host + "]" : options.host;
  std::fprintf(stderr, "Serving %s, %s, at %s://%s:%u; Ctrl-C ends it.\n",
               shown_location(options.gallery).c_str(),
               plural(service.gallery().people(), "person").c_str(), secure ? "https" : "http",
               host.c_str(), port);
  say_rule(service.gallery().rule(), true, stderr);
  const bool changeable = Gallery::may_be_changed(options.gallery);
  if (!changeable) {
    std::fprintf(stderr,
                 "Note: this user may only read %s: the service recognises people and refuses "
                 "every change\n",
                 shown_location(options.gallery).c_str());
  }
  if (!keys) {
    std::fprintf(
        stderr,
        "There are no keys: only this machine is served, and everybody on it may %s (doppel "
        "key --help)\n",
        changeable ? "recognise people and change the gallery" : "recognise people");
  } else if (!secure && !is_loopback(options.host)) {
    std::fprintf(stderr,
                 "Note: keys and photos go over the network as they are; --cert and --key encrypt "
                 "them, or a proxy in front\n");
  }
}

void run(const ServeOptions& options) {
  watch_for_stop();
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the log that is gone
  Model model = ready_model(options);
  const bool keys = has_keys(options.gallery);
  check_options(options, keys);
  RequestLog log(options.log_names);
  ServiceSettings answers;
  answers.threads = options.threads;
  answers.open_without_keys = is_loopback(options.host);
  answers.rate = options.rate;
  answers.origins = options.origins;
  answers.people_with_synthetic_model = options.force;
  Service service(
      std::move(model), options.gallery, answers,
      [](const std::string& sentence) { std::fprintf(stderr, "doppel: %s\n", sentence.c_str()); },
      [&log](const RequestRecord& record) { log.add(record); });
  HttpSettings settings;
  settings.host = options.host;
  settings.port = options.port;
  settings.certificate = options.certificate;
  settings.key = options.key;

  settings.most_body = static_cast<size_t>(options.megabytes * 1e6);
  settings.answering =
      std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(1e3 * options.seconds));
  HttpServer server(
      settings, [&](const HttpRequest& request) { return service.handle(request); },
      [&](int status) { service.refused(status); },
      [&](const HttpRequest& head) { return service.admit(head); });
  service.set_load([&server](ServiceGauges& gauges) {
    gauges.waiting = server.waiting();
    gauges.connections = server.connected();
  });
  std::exception_ptr failure;
  std::atomic<bool> ended = false;
  std::thread serving([&] {
    try {
      server.run();
    } catch (...) {
      failure = std::current_exception();
    }
    ended = true;
  });
  announce(options, service, server.port(), keys);
  RunningNotices notices;
  bool following = true;
  while (!stop_asked() && !ended) {
    const std::optional<std::string> trouble = service.follow();
    if (trouble && following) {
      std::fprintf(stderr, "doppel: %s; going on with the %s it held\n", trouble->c_str(),
                   plural(service.gallery().people(), "person").c_str());
    }
    if (!trouble && !following) std::fprintf(stderr, "The gallery can be read again\n");
    following = !trouble;
    if (notices.due()) notices.say(service.warnings());
    std::this_thread::sleep_for(kPause);
  }
  server.stop();
  serving.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

void add_serve(CLI::App& program) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      program.add_subcommand("serve", "Recognise over HTTP, and on a page in the browser");
  command->footer(
      "The page is at /, what programs may ask at /openapi.json:\n"
      "  POST /v1/identify?top=1&faces=all   who is on each photo, or unknown\n"
      "  POST /v1/verify?faces=one           whether two photos show one person\n"
      "  POST /v1/embed?faces=all            embeddings of the faces on each photo\n"
      "  /api/v1/...                         the routes of CompreFace\n"
      "  GET  /healthz, /readyz, /metrics    for whoever watches it\n"
      "Without keys (doppel key add) this machine alone is served. Changes of the gallery are\n"
      "followed. A line of JSON for each request goes to standard output; it holds no names.\n"
      "Ctrl-C or SIGTERM: what has begun is answered, then it ends.\n"
      "Examples: doppel serve team.gallery\n"
      "          curl -F photo=@door.jpg 'http://127.0.0.1:8080/v1/identify?top=3'\n"
      "          doppel serve team.gallery --host 0.0.0.0 --cert chain.pem --key key.pem");
  add_gallery_argument(*command, options->gallery);
  add_model_option(*command, options->model);
  command->add_option("--port", options->port, "0: any that is free")->capture_default_str();
  command->add_option("--host", options->host, "The address to listen at")->capture_default_str();
  command->add_option("--cert", options->certificate, "HTTPS by this chain of certificates (PEM)");
  command->add_option("--key", options->key, "and its private key (PEM)");
  command->add_option("--rate", options->rate, "Requests a second of each key; 0 is no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--timeout", options->seconds,
                   "Seconds after which a request that still waits is refused")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command->add_option("--max-body", options->megabytes, "Megabytes that a request may have")
      ->check(CLI::Range(0.001, 1000.0))
      ->capture_default_str();
  command->add_option("--cors", options->origins,
                      "A page of another origin that may ask, like https://intranet.example");
  command->add_flag("--log-names", options->log_names,
                    "Say in the log whom faces were taken for; without it, it holds no names");
  command->add_flag("--force", options->force,
                    "Let photos of people be enrolled with a model of synthetic faces");
  add_threads_option(*command, options->threads);
  command->callback([options] { run(*options); });
}

}  // namespace doppel::internal::app

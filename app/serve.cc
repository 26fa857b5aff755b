// doppel serve: a gallery behind HTTP, for this machine's own programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.h"
#include "doppel/base/error.h"
#include "doppel/service/http_server.h"
#include "doppel/service/service.h"
#include "gallery_access.h"
#include "progress.h"
#include "recipe_options.h"
#include "stop.h"

namespace doppel::app {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // between looks at the gallery and at signals

struct ServeOptions {
  std::string gallery, model, host = "127.0.0.1";
  uint16_t port = 8080;
  int threads = 0;
};

// A line for each request, on standard output.
void log_request(const RequestRecord& record) {
  static std::mutex mutex;
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  char time[32] = "";
  std::tm utc{};
  if (gmtime_r(&now, &utc) != nullptr) std::strftime(time, sizeof time, "%FT%TZ", &utc);
  nlohmann::json line = {{"time", time},
                         {"method", record.method},
                         {"route", record.route},
                         {"status", record.status},
                         {"ms", std::round(record.seconds * 1e4) / 10}};
  if (record.faces > 0) {
    line["known"] = record.known;
    line["unknown"] = record.faces - record.known;
  }
  const std::lock_guard lock(mutex);
  std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

bool is_own_address(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

// A page in a browser of this machine can have its own name lead here; what it then asks for is not
// for it to read.
bool asks_for_this_machine(const HttpRequest& request) {
  std::string host = request.header("host");
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host.resize(std::min(host.find(':'), host.size()));
  return is_own_address(host);
}

HttpResponse not_for_others() {
  HttpResponse response;
  response.status = 403;
  response.body =
      nlohmann::json{{"code", 403}, {"message", "the Host header names another machine"}}.dump();
  return response;
}

void run(const ServeOptions& options) {
  if (!is_own_address(options.host)) {
    throw Error(ErrorKind::bad_argument,
                "--host " + options.host +
                    ": 127.0.0.1, ::1 or localhost was expected; whoever can reach the service may "
                    "use it, so only this machine's programs should");
  }
  watch_for_stop();
  const int threads = options.threads > 0 ? options.threads : ThreadPool::available_threads();
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const std::string name = gallery.name();
  Model model = model_of(gallery, options.model);
  Progress progress;
  Service service(std::move(model), std::move(gallery), threads, index_progress(progress),
                  log_request);
  progress.clear();
  HttpSettings settings;
  settings.host = options.host;
  settings.port = options.port;
  settings.workers = 2 * static_cast<size_t>(threads);  // while one waits another decodes
  HttpServer server(settings, [&](const HttpRequest& request) {
    return asks_for_this_machine(request) ? service.handle(request) : not_for_others();
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
  const std::string host = options.host == "::1" ? "[::1]" : options.host;
  std::fprintf(stderr, "Serving %s, %zu people, at http://%s:%u; Ctrl-C ends it. Deciding: %s\n",
               name.c_str(), service.people(), host.c_str(), server.port(),
               rule_text(service.rule()).c_str());
  bool following = true;
  while (!stop_asked() && !ended) {
    const std::optional<std::string> trouble = service.follow();
    if (trouble && following) {
      std::fprintf(stderr, "doppel: %s; going on with the %zu people it held\n", trouble->c_str(),
                   service.people());
    }
    if (!trouble && !following) std::fprintf(stderr, "The gallery can be read again\n");
    following = !trouble;
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
      program.add_subcommand("serve", "Answer over HTTP, as identify and verify do");
  command->footer(
      "Photos come as the files of a form; answers are JSON, errors {\"code\", \"message\"}:\n"
      "  POST /v1/identify?top=1&faces=all   who is on each photo, or unknown\n"
      "  POST /v1/verify?faces=one           whether two photos show one person\n"
      "  POST /v1/embed?faces=all            embeddings of the faces on each photo\n"
      "  GET  /v1/model                      the model, the number of people, the rule\n"
      "  GET  /healthz, /readyz              whether it runs, and can read its gallery\n"
      "Changes of the gallery are followed. A line of JSON for each request goes to standard\n"
      "output; it holds no names. Ctrl-C or SIGTERM: what has begun is answered, then it ends.\n"
      "Only programs of this machine are served.\n"
      "Examples: doppel serve team.gallery\n"
      "          curl -F photo=@door.jpg 'http://127.0.0.1:8080/v1/identify?top=3'\n"
      "          curl -F a=@badge.jpg -F b=@door.jpg http://127.0.0.1:8080/v1/verify");
  add_gallery_argument(*command, options->gallery);
  add_model_option(*command, options->model);
  command->add_option("--port", options->port, "0: any that is free")->capture_default_str();
  command->add_option("--host", options->host, "The address to listen at")->capture_default_str();
  add_threads_option(*command, options->threads);
  command->callback([options] { run(*options); });
}

}  // namespace doppel::app

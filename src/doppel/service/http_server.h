// HTTP/1.1 over TCP: whole requests go in to a handler, its answers out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "doppel/service/http_message.h"

namespace doppel::internal {

struct HttpSettings {
  std::string host = "127.0.0.1";          // an address of this machine, or a name of one
  uint16_t port = 0;                       // 0: any that is free
  size_t most_body = size_t{16} << 20;     // bytes of a request
  size_t connections = 256;                // at once; more are answered 503
  size_t workers = 32;                     // requests that are handled at once
  size_t queue = 64;                       // requests that wait for a worker; more are answered 503
  std::chrono::milliseconds idle{30'000};  // that a connection may wait for the next request
  std::chrono::milliseconds transfer{15'000};  // that a request, or its answer, may take on its way
  // That a client waits whom 503 has told to come back later, before its next request is read.
  std::chrono::milliseconds backing_off{1000};
  std::chrono::milliseconds answering{30'000};  // from a whole request to its answer; see below
  // PEM files of a chain of certificates and its key: then HTTPS is spoken, TLS 1.2 or later.
  std::string certificate, key;
};

// One thread moves all bytes; it waits for nobody, so a slow client holds its connection and none
// of the workers, and no longer than `idle` and `transfer` allow. A request is handed over when it
// is whole. What is refused is answered at once, as JSON {"code", "message"}: 400 for what is no
// HTTP, or could be read as another request by a proxy in front, 501 for transfer codings other
// than chunked, 413 and 431 for what is too large, 503 with Retry-After where too many wait, or
// where a request has waited for longer than `answering`; the handler is told the same time as its
// deadline.
class HttpServer {
 public:
  // Called by several workers at once. What it throws becomes a 500 without further words.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // Told the status of every request that did not come to the handler, by any thread.
  using Refused = std::function<void(int status)>;

  // Called by the thread of run(), so it has to be quick, with a request whose body has not been
  // read: what it gives is the answer, and the body is not taken.
  using Admit = std::function<std::optional<HttpResponse>(const HttpRequest& head)>;

  // Binds and listens. Throws Error(io) where the address cannot be used, Error(bad_data) where the
  // certificate or its key is none or they do not belong together.
  HttpServer(const HttpSettings& settings, Handler handler, Refused refused = {}, Admit admit = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // At the moment, from any thread.
  size_t waiting() const;
  size_t connected() const;
  // Serves until stop() and until what was then being handled has been answered.
  void run();
  // From any thread, once or more: no new connections or requests.
  void stop();

 private:
  class WorkQueue;
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace doppel::internal
